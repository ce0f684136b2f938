import type { HeaderPair } from '../interface/application.ts'

/** Field names that were seen, in lower case; an application that makes them up must not make this grow. */
const MAX_NAMES = 256
const NAMES = new Map<string, string>()

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** A value that stays as it is: nothing to trim, nothing to refuse. */
const PLAIN_VALUE = /^(?:[\x21-\x7e\x80-\xff]|[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/

/** Most members of an object that is looked at here; above, comparing names with each other costs more than it saves. */
const MAX_MEMBERS = 16

/**
 * Header fields of a `ResponseInit`, as they are now: names in lower case, values as `Headers` has them, Set-Cookie apart.
 *
 * Throws what `Headers` throws.
 */
export function headerPairs(init: unknown): HeaderPair[] {
  return plainPairs(init) ?? [...(init instanceof Headers ? init : new Headers(init as HeadersInit))]
}

type HeadersInit = ConstructorParameters<typeof Headers>[0]

/** The pairs of a plain object that holds nothing unusual; undefined for anything else. */
function plainPairs(init: unknown): HeaderPair[] | undefined {
  if (typeof init !== 'object' || init === null) return undefined
  const prototype: unknown = Object.getPrototypeOf(init)
  if ((prototype !== Object.prototype && prototype !== null) || Symbol.iterator in init) return undefined
  const pairs: HeaderPair[] = []
  // Its values are unknown until they have been looked at.
  const members = init as Readonly<Record<string, unknown>>
  const names = Object.keys(members)
  if (names.length > MAX_MEMBERS) return undefined
  for (const given of names) {
    const name = NAMES.get(given) ?? learnName(given)
    const value = members[given]
    if (name === undefined || typeof value !== 'string' || !PLAIN_VALUE.test(value)) return undefined
    for (const [other] of pairs) if (other === name) return undefined
    pairs.push([name, value])
  }
  return pairs
}

function learnName(given: string): string | undefined {
  if (!TOKEN.test(given)) return undefined
  const name = given.toLowerCase()
  if (NAMES.size < MAX_NAMES) NAMES.set(given, name)
  return name
}

export function hasField(pairs: readonly HeaderPair[], name: string): boolean {
  for (const [present] of pairs) if (present === name) return true
  return false
}
