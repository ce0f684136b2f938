import type { AccessEntry, FieldName } from '../gateway/access.ts'
import { clfTime } from './access-clock.ts'

/** What one atom of a format writes. `elapsedMs`: from the head of the request to the end of its response. */
export type Atom =
  /** A value that may be a client's: it is escaped. */
  | { readonly foreign: (entry: AccessEntry) => string | undefined }
  /** A value of our own. */
  | { readonly own: (entry: AccessEntry, elapsedMs: number) => string }

const REFERER = fieldName('referer')
const USER_AGENT = fieldName('user-agent')
const AUTHORIZATION = fieldName('authorization')

/** Gunicorn's atoms without a name in braces. */
export const ATOMS: Readonly<Record<string, Atom>> = {
  h: { foreign: (entry) => entry.remoteAddress },
  l: { own: () => '-' },
  u: { foreign: userOf },
  t: { own: () => clfTime(Date.now()) },
  r: { foreign: (entry) => `${entry.method} ${entry.target} ${entry.protocol}` },
  s: { own: (entry) => String(entry.status) },
  m: { foreign: (entry) => entry.method },
  U: { foreign: (entry) => pathOf(entry.target) },
  q: { foreign: (entry) => queryOf(entry.target) },
  H: { foreign: (entry) => entry.protocol },
  b: { own: (entry) => (entry.bodyBytes === 0 ? '-' : String(entry.bodyBytes)) },
  B: { own: (entry) => String(entry.bodyBytes) },
  f: { foreign: (entry) => entry.requestField(REFERER) },
  a: { foreign: (entry) => entry.requestField(USER_AGENT) },
  T: { own: (_, elapsedMs) => String(Math.trunc(elapsedMs / 1000)) },
  M: { own: (_, elapsedMs) => String(Math.trunc(elapsedMs)) },
  D: { own: (_, elapsedMs) => String(Math.trunc(elapsedMs * 1000)) },
  L: { own: (_, elapsedMs) => (elapsedMs / 1000).toFixed(6) },
  p: { own: () => `<${process.pid}>` },
}

/** The atom of `%({name}i)s`, `%({name}o)s` and `%({name}e)s`. */
export function namedAtom(kind: 'i' | 'o' | 'e', name: string): Atom {
  if (kind === 'e') return { foreign: (entry) => entry.variable(name) }
  const field = fieldName(name)
  return kind === 'i'
    ? { foreign: (entry) => entry.requestField(field) }
    : { foreign: (entry) => entry.responseField(field.field) }
}

/** A header field by both of its names. */
export function fieldName(name: string): FieldName {
  const field = name.toLowerCase()
  const variable = name.toUpperCase().replaceAll('-', '_')
  return { field, variable: field === 'content-type' || field === 'content-length' ? variable : `HTTP_${variable}` }
}

/** Without the query. */
export function pathOf(target: string): string {
  const mark = target.indexOf('?')
  return mark === -1 ? target : target.slice(0, mark)
}

export function queryOf(target: string): string {
  const mark = target.indexOf('?')
  return mark === -1 ? '' : target.slice(mark + 1)
}

/** Whom the proxy has let in, else the name in the client's Basic credentials, which nobody has checked here. Never the password. */
export function userOf(entry: AccessEntry): string | undefined {
  const authorization = entry.requestField(AUTHORIZATION)
  if (authorization === undefined) return entry.variable('REMOTE_USER')
  const credentials = /^Basic +([\w+/=-]+) *$/i.exec(authorization)?.[1]
  if (credentials === undefined) return undefined
  const text = Buffer.from(credentials, 'base64').toString('latin1')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : text.slice(0, colon)
}
