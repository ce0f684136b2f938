/** The fetch handler of both backends that run one. */
import { BODY } from './parent.mjs'

export function fetch() {
  return new Response(BODY, { headers: { 'Content-Type': 'text/plain' } })
}
