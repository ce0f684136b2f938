import { LONG_TEXT } from '../../../content.mjs'

export const dynamic = 'force-dynamic'

// The server compresses by itself.
export function GET() {
  return new Response(LONG_TEXT, { headers: { 'Content-Type': 'text/plain' } })
}
