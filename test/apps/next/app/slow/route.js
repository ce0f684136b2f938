import { delay } from '../../../content.mjs'

export async function GET(request) {
  await delay(Number(request.nextUrl.searchParams.get('ms')))
  return new Response('slow\n')
}
