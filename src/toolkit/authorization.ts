import { isToken, parseParameters, quoteValue } from './field-list.ts'

/** What `Authorization` holds (RFC 9110, section 11.6.2): credentials of a scheme. None of it has been checked. */
export class Authorization {
  /** In small letters: `basic`, `bearer`, `digest`. */
  readonly type: string
  /** Of Basic (RFC 7617). */
  readonly username: string | undefined
  readonly password: string | undefined
  /** Of Bearer (RFC 6750), and of every scheme whose credentials are one token. */
  readonly token: string | undefined
  /** Of schemes with parameters, as Digest. Names in small letters. */
  readonly parameters: ReadonlyMap<string, string | null>

  private constructor(
    type: string,
    parts: { username?: string; password?: string; token?: string; parameters?: Map<string, string | null> },
  ) {
    this.type = type
    this.username = parts.username
    this.password = parts.password
    this.token = parts.token
    this.parameters = parts.parameters ?? new Map()
  }

  static basic(username: string, password: string): Authorization {
    return new Authorization('basic', { username, password })
  }

  static bearer(token: string): Authorization {
    return new Authorization('bearer', { token })
  }

  /** Undefined: there are none, or they are malformed. */
  static parse(value: string | undefined): Authorization | undefined {
    if (value === undefined) return undefined
    const trimmed = value.trim()
    const space = trimmed.indexOf(' ')
    const type = (space === -1 ? trimmed : trimmed.slice(0, space)).toLowerCase()
    const rest = space === -1 ? '' : trimmed.slice(space + 1).trim()
    if (!isToken(type)) return undefined
    if (type === 'basic') return parseBasic(rest)
    // token68 (section 11.2) has `=` at its end only; parameters have it after their names.
    if (/^[\w.~+/-]+=*$/.test(rest)) return new Authorization(type, { token: rest })
    if (type === 'bearer') return undefined
    const parameters = parseParameters(rest)
    // A parameter has a value, always.
    return [...parameters.values()].includes(null) ? undefined : new Authorization(type, { parameters })
  }

  toString(): string {
    if (this.username !== undefined) {
      return `Basic ${Buffer.from(`${this.username}:${this.password ?? ''}`).toString('base64')}`
    }
    const scheme = `${this.type.slice(0, 1).toUpperCase()}${this.type.slice(1)}`
    if (this.token !== undefined) return `${scheme} ${this.token}`
    return `${scheme} ${parametersOf(this.parameters)}`
  }
}

/** User and password are UTF-8, the user has no colon. */
function parseBasic(token: string): Authorization | undefined {
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(token)) return undefined
  const text = Buffer.from(token, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : Authorization.basic(text.slice(0, colon), text.slice(colon + 1))
}

/** A challenge (RFC 9110, section 11.6.1): `new WWWAuthenticate('Basic', { realm: 'members' })`. */
export class WWWAuthenticate {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string | null>

  constructor(type: string, parameters: Readonly<Record<string, string>> = {}) {
    this.type = type
    this.parameters = new Map(Object.entries(parameters))
  }

  toString(): string {
    return this.parameters.size === 0 ? this.type : `${this.type} ${parametersOf(this.parameters)}`
  }
}

function parametersOf(parameters: ReadonlyMap<string, string | null>): string {
  // A realm is always a quoted string (section 11.5), and no parameter minds being one, but for Digest's few.
  const bare = new Set(['algorithm', 'stale', 'qop', 'nc'])
  return [...parameters]
    .map(([name, value]) => {
      if (value === null) return name
      return `${name}=${bare.has(name) ? quoteValue(value) : `"${value.replace(/["\\]/g, '\\$&')}"`}`
    })
    .join(', ')
}
