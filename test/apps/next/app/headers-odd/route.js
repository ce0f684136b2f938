import { LATIN_VALUE, LONG_VALUE } from '../../../content.mjs'

export const dynamic = 'force-dynamic'

export function GET() {
  const headers = new Headers({ 'X-Long': LONG_VALUE, 'X-Latin': LATIN_VALUE, 'X-Empty': '', Link: '</a>; rel=preload' })
  headers.append('X-Twice', 'one')
  headers.append('X-Twice', 'two')
  return new Response('odd headers\n', { headers })
}
