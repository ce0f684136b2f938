import type { HeaderPair } from '../interface/application.ts'

/** Stands for what is not written down. It may stand in a URL, a header, a form and JSON as it is. */
export const REDACTED = 'REDACTED'

/** Parts of names whose values are nobody's business, without what separates words: `X-API-Key` is `xapikey`. */
const PARTS = [
  ...['authorization', 'authenticate', 'cookie', 'token', 'secret', 'passw', 'passphrase', 'apikey', 'credential', 'session'],
  ...['signature', 'csrf', 'xsrf', 'creditcard', 'cardnumber', 'privatekey', 'accesskey'],
]

/** Names that are secret as a whole, and a part of harmless ones. */
const WHOLE = ['auth', 'cvc', 'cvv', 'iban', 'jwt', 'key', 'otp', 'pass', 'pin', 'pwd', 'sid', 'sig', 'ssn']

/** What the challenge of a server says is for everybody. */
const PUBLIC: ReadonlySet<string> = new Set(['wwwauthenticate', 'proxyauthenticate'])

/** Longer than any name that is one of ours: whoever sends it means no good. */
const MAX_NAME_LENGTH = 200

/** Takes secrets out of requests and responses, by the names that they have there. */
export class Redactor {
  readonly #more: ReadonlySet<string>
  readonly #known = new Map<string, boolean>()

  /** `more`: names of headers, of keys in queries and forms, of members in JSON; how their words are separated is no matter. */
  constructor(more: readonly string[] = []) {
    this.#more = new Set(more.map(plain))
  }

  isSecret(name: string): boolean {
    if (name.length > MAX_NAME_LENGTH) return true
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const word = plain(name)
    const secret =
      !PUBLIC.has(word) && (this.#more.has(word) || WHOLE.includes(word) || PARTS.some((part) => word.includes(part)))
    // Clients choose names; those that come again are few.
    if (this.#known.size < 1000) this.#known.set(name, secret)
    return secret
  }

  /** CGI variables, `[name, value, …]`, without those that are secret, whose names are given too. */
  params(params: readonly string[]): { readonly kept: Record<string, string>; readonly left: string[] } {
    const kept: Record<string, string> = {}
    const left: string[] = []
    for (let index = 0; index < params.length; index += 2) {
      const [name = '', value = ''] = params.slice(index, index + 2)
      if (this.isSecret(name.replace(/^HTTP_/, ''))) left.push(name)
      else kept[name] = name === 'QUERY_STRING' ? this.query(value) : this.url(value)
    }
    return { kept, left }
  }

  headers(headers: readonly HeaderPair[]): HeaderPair[] {
    return headers.map(([name, value]) => [name, this.isSecret(name) ? REDACTED : this.url(value)])
  }

  /** Whatever has a query behind it. */
  url(text: string): string {
    const start = text.indexOf('?')
    return start === -1 ? text : text.slice(0, start + 1) + this.query(text.slice(start + 1))
  }

  /** `a=1&token=2`, a query or a form. */
  query(text: string): string {
    return text.replace(/(?<=^|[&;])([^&;=#]+)=[^&;#]*/g, (pair, name: string) =>
      this.isSecret(decoded(name)) ? `${name}=${REDACTED}` : pair,
    )
  }

  /** The text itself where nothing is taken out of it. Throws where it is no JSON. */
  json(text: string): string {
    let found = false
    const value: unknown = JSON.parse(text, (key, member: unknown) => {
      if (member === null || !this.isSecret(key)) return member
      found = true
      return REDACTED
    })
    return found ? JSON.stringify(value) : text
  }

  /** multipart/form-data, latin-1. Parts keep their heads. */
  multipart(text: string, boundary: string): string {
    const parts = text.split(`--${boundary}`)
    return parts.map((part) => this.#part(part)).join(`--${boundary}`)
  }

  #part(part: string): string {
    const end = part.indexOf('\r\n\r\n')
    const name = /;\s*name="?([^";\r\n]*)/i.exec(part.slice(0, Math.max(0, end)))?.[1]
    return name !== undefined && this.isSecret(name) ? `${part.slice(0, end)}\r\n\r\n${REDACTED}\r\n` : part
  }
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** As it is where it is not encoded as it should be. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
