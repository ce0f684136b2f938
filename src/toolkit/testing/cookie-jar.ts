import { parseSetCookie } from 'cookie'

/** A cookie as a client keeps it. */
export interface StoredCookie {
  readonly name: string
  /** As it was sent, not decoded. */
  readonly value: string
  readonly domain: string
  /** True: for this host alone, not for those below it. */
  readonly hostOnly: boolean
  readonly path: string
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: string | undefined
  /** Milliseconds since 1970; undefined: until the client ends. */
  readonly expiresMs: number | undefined
}

/** Where a request goes. */
export interface CookieTarget {
  /** Without a port. */
  readonly host: string
  /** Percent-encoded, without a query. */
  readonly path: string
  readonly secure: boolean
}

/** The cookies of one client, by the rules of RFC 6265, section 5: which are taken, and which go with a request. */
export class CookieJar implements Iterable<StoredCookie> {
  readonly #cookies = new Map<string, StoredCookie>()

  get size(): number {
    return this.#cookies.size
  }

  /** Takes a `Set-Cookie` of a response; one that a browser would not take is left out. Another one of this name, domain and path is replaced. */
  take(field: string, from: CookieTarget): void {
    const {
      name,
      value = '',
      domain,
      path,
      secure = false,
      httpOnly = false,
      sameSite,
      maxAge,
      expires,
    } = parseSetCookie(field, {
      decode: (text) => text,
    })
    const wanted = domain?.replace(/^\./, '').toLowerCase() ?? ''
    if (wanted !== '' && !isBelow(from.host, wanted)) return
    if (secure && !from.secure && !isLocal(from.host)) return
    this.set({
      name,
      value,
      domain: wanted === '' ? from.host : wanted,
      hostOnly: wanted === '',
      path: path?.startsWith('/') === true ? path : directoryOf(from.path),
      secure,
      httpOnly,
      sameSite: typeof sameSite === 'string' ? sameSite : undefined,
      // Max-Age counts before Expires.
      expiresMs: maxAge === undefined ? expires?.getTime() : Date.now() + maxAge * 1000,
    })
  }

  /** A cookie whose time is over goes away. */
  set(cookie: StoredCookie): void {
    const key = keyOf(cookie)
    if (cookie.expiresMs !== undefined && cookie.expiresMs <= Date.now()) this.#cookies.delete(key)
    else this.#cookies.set(key, cookie)
  }

  get(name: string, domain: string, path: string): StoredCookie | undefined {
    this.#forgetOld()
    return this.#cookies.get(keyOf({ name, domain, path }))
  }

  delete(name: string, domain: string, path: string): boolean {
    return this.#cookies.delete(keyOf({ name, domain, path }))
  }

  clear(): void {
    this.#cookies.clear()
  }

  /** The `Cookie` field of a request, undefined where it has none: longer paths first (section 5.4). */
  fieldFor({ host, path, secure }: CookieTarget): string | undefined {
    this.#forgetOld()
    const fitting = [...this.#cookies.values()].filter(
      (cookie) =>
        (cookie.hostOnly ? host === cookie.domain : isBelow(host, cookie.domain)) &&
        isUnder(path, cookie.path) &&
        (!cookie.secure || secure || isLocal(host)),
    )
    if (fitting.length === 0) return undefined
    fitting.sort((left, right) => right.path.length - left.path.length)
    return fitting.map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  [Symbol.iterator](): IterableIterator<StoredCookie> {
    this.#forgetOld()
    return this.#cookies.values()
  }

  #forgetOld(): void {
    const now = Date.now()
    for (const [key, { expiresMs }] of this.#cookies) if (expiresMs !== undefined && expiresMs <= now) this.#cookies.delete(key)
  }
}

function keyOf({ name, domain, path }: Pick<StoredCookie, 'name' | 'domain' | 'path'>): string {
  return `${domain};${path};${name}`
}

/** Section 5.1.3; an address has nothing below it. */
function isBelow(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !/^[\d.]+$|^\[/.test(host))
}

/** Section 5.1.4. */
function isUnder(path: string, cookiePath: string): boolean {
  return path === cookiePath || (path.startsWith(cookiePath) && (cookiePath.endsWith('/') || path[cookiePath.length] === '/'))
}

function directoryOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end <= 0 || !path.startsWith('/') ? '/' : path.slice(0, end)
}

/** Browsers take this for safe enough for `Secure`. */
function isLocal(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}
