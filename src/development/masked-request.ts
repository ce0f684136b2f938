import type { HeaderPair } from '../interface/application.ts'

/** Names whose values let their holder in: a page is looked at by others, and pasted into reports. */
const SECRET = /^(?:HTTP_)?(?:PROXY[-_])?AUTHORIZATION$|COOKIE|SECRET|TOKEN|PASSWORD|PASSWD|API[-_]?KEY|CSRF|SESSION|CREDENTIAL/i

/** Header fields or variables that one page shows, and characters of each. */
const MAX_PAIRS = 200
const MAX_VALUE = 2000

/** The pairs as they may be shown. */
export function masked(pairs: readonly HeaderPair[]): HeaderPair[] {
  return pairs.slice(0, MAX_PAIRS).map(([name, value]) => {
    if (SECRET.test(name) && value !== '') return [name, `(hidden, ${value.length} characters)`]
    return [name, value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value]
  })
}
