import { ETAG } from '../../../content.mjs'

export const dynamic = 'force-dynamic'

export function GET() {
  return new Response(null, { status: 304, headers: { ETag: ETAG } })
}
