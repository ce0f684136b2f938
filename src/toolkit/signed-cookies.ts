import { createHmac, timingSafeEqual } from 'node:crypto'
import { TsgiError } from '../interface/errors.ts'
import type { MultiDict } from './multi-dict.ts'
import type { ResponseHead } from './response-head.ts'
import type { CookieOptions } from './set-cookie.ts'

export interface SignedCookiesOptions {
  /** The first signs; all of them are good for checking: put a new one in front, and take the old one away after `maxAge`. Each 32 bytes or more. */
  readonly keys: readonly (string | Uint8Array)[]
  /** Seconds after which a value is not believed any more. 31 days when left out. */
  readonly maxAge?: number
  /** What else is signed with the same keys has another one. `tsgi.cookie` when left out. */
  readonly salt?: string
}

/** Bytes of a key below which it could be guessed. */
const MIN_KEY_BYTES = 32
const DEFAULT_MAX_AGE = 31 * 24 * 60 * 60
/** Characters of base64url that 32 bytes take. */
const SIGNATURE_LENGTH = 43
/** A cookie that is longer is none of ours: browsers keep 4096. */
const MAX_SIGNED_LENGTH = 4096

/**
 * Values that clients keep and cannot change: HMAC-SHA256 (RFC 2104) over the cookie's name, the value and the time. Everyone can read them.
 *
 * A value of one cookie is none of another; one that is too old, was changed, or signed with a key that is no longer there, is as if
 * it were not there. Throws `TSGI_ERR_OPTION` for no key, or a short one.
 */
export class SignedCookies {
  /** Derived for this use, so that the same keys may be used for others. */
  readonly #keys: readonly Buffer[]
  readonly #maxAge: number

  constructor({ keys, maxAge = DEFAULT_MAX_AGE, salt = 'tsgi.cookie' }: SignedCookiesOptions) {
    if (keys.length === 0) throw new TsgiError('TSGI_ERR_OPTION', 'SignedCookies: there is no key')
    this.#keys = keys.map((key) => {
      if (Buffer.byteLength(key) < MIN_KEY_BYTES) {
        throw new TsgiError(
          'TSGI_ERR_OPTION',
          `SignedCookies: a key has ${MIN_KEY_BYTES} bytes or more: \`openssl rand -hex 32\` makes one`,
        )
      }
      return createHmac('sha256', key).update(salt).digest()
    })
    this.#maxAge = maxAge
  }

  /** The value as it is to be sent. `now`: milliseconds since 1970. */
  sign(name: string, value: string, now = Date.now()): string {
    const payload = `${Buffer.from(value).toString('base64url')}.${Math.floor(now / 1000).toString(36)}`
    return `${payload}.${this.#signature(this.#keys[0], name, payload).toString('base64url')}`
  }

  /** The value that was signed; undefined where it was not, or too long ago. */
  unsign(name: string, signed: string | undefined, now = Date.now()): string | undefined {
    if (signed === undefined || signed.length > MAX_SIGNED_LENGTH) return undefined
    const match = /^([\w-]*)\.([0-9a-z]{1,9})\.([\w-]+)$/.exec(signed)
    const [, value = '', time = '', signature = ''] = match ?? []
    if (match === null || signature.length !== SIGNATURE_LENGTH) return undefined
    const given = Buffer.from(signature, 'base64url')
    // Every key is tried, whichever fits: the time tells nothing.
    let fits = false
    for (const key of this.#keys) fits = timingSafeEqual(this.#signature(key, name, `${value}.${time}`), given) || fits
    const ageSeconds = Math.floor(now / 1000) - parseInt(time, 36)
    return fits && ageSeconds <= this.#maxAge ? Buffer.from(value, 'base64url').toString('utf8') : undefined
  }

  /** The value of a request's cookie. */
  get(request: { readonly cookies: MultiDict }, name: string): string | undefined {
    return this.unsign(name, request.cookies.get(name))
  }

  /** Sets a cookie; it lasts as long as its signature unless `options` say else. `httpOnly` and `sameSite: 'lax'` when left out. */
  set(response: ResponseHead, name: string, value: string, options: CookieOptions = {}): void {
    response.setCookie(name, this.sign(name, value), { maxAge: this.#maxAge, httpOnly: true, sameSite: 'lax', ...options })
  }

  #signature(key: Buffer | undefined, name: string, payload: string): Buffer {
    if (key === undefined) throw new TsgiError('TSGI_ERR_OPTION', 'SignedCookies: there is no key')
    // A token has no space: names and payloads cannot run into each other.
    return createHmac('sha256', key).update(`${name} ${payload}`).digest()
  }
}
