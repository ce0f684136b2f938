import { delay } from '../../../content.mjs'

export const dynamic = 'force-dynamic'

export async function GET() {
  await delay(1)
  throw new Error('failed on purpose, later')
}
