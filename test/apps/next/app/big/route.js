import { big } from '../../../content.mjs'

export function GET(request) {
  const bytes = Number(request.nextUrl.searchParams.get('bytes'))
  return new Response(ReadableStream.from(big(bytes)), { headers: { 'Content-Type': 'application/octet-stream' } })
}
