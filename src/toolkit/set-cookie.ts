import { stringifySetCookie } from 'cookie'
import { quote, TsgiError } from '../interface/errors.ts'

export interface CookieOptions {
  /** Seconds; 0 or less: to be forgotten at once. Without it and `expires`, a cookie lasts as long as the browser's session. */
  readonly maxAge?: number
  readonly expires?: Date
  /** `/` when left out; null: the directory of the request's path. */
  readonly path?: string | null
  /** The host and those below it; the host alone when left out. */
  readonly domain?: string
  readonly secure?: boolean
  /** Out of reach of scripts. */
  readonly httpOnly?: boolean
  /** `none` needs `secure`. */
  readonly sameSite?: 'strict' | 'lax' | 'none'
  /** One for each site that embeds this one (CHIPS); needs `secure`. */
  readonly partitioned?: boolean
}

/** Name and value together, as browsers keep them: RFC 6265bis, section 5.6. */
const MAX_COOKIE_BYTES = 4096
/** Of one attribute; browsers ignore those that are longer. */
const MAX_ATTRIBUTE_BYTES = 1024

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * A `Set-Cookie` (RFC 6265, section 4.1); the value is percent-encoded where it must be, which `request.cookies` undoes.
 *
 * Throws `TSGI_ERR_HEADER_INVALID` for what browsers would drop or read differently: a name that is no token, more than 4096
 * bytes, `SameSite=None` or `Partitioned` without `Secure`, `__Secure-` and `__Host-` names without what they promise.
 */
export function setCookieField(name: string, value: string, options: CookieOptions = {}): string {
  const problem = problemOf(name, options)
  if (problem !== undefined) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `Set-Cookie ${quote(name)}: ${problem}`)
  const { path, ...rest } = options
  let field: string
  try {
    field = stringifySetCookie({ ...rest, name, value, ...(path === null ? {} : { path: path ?? '/' }) }, { encode: encodeValue })
  } catch (cause) {
    throw new TsgiError('TSGI_ERR_HEADER_INVALID', `Set-Cookie ${quote(name)}: ${quote(cause)}`, { cause })
  }
  const end = field.indexOf(';')
  if ((end === -1 ? field.length : end) > MAX_COOKIE_BYTES) {
    throw new TsgiError(
      'TSGI_ERR_HEADER_INVALID',
      `Set-Cookie ${quote(name)}: name and value take more than ${MAX_COOKIE_BYTES} bytes`,
    )
  }
  return field
}

function problemOf(name: string, options: CookieOptions): string | undefined {
  const { secure = false, sameSite, partitioned = false, path = '/', domain = '' } = options
  if (!TOKEN.test(name)) return 'the name is no token'
  if (sameSite === 'none' && !secure) return 'SameSite=None needs Secure'
  if (partitioned && !secure) return 'Partitioned needs Secure'
  if (domain.length > MAX_ATTRIBUTE_BYTES || (path?.length ?? 0) > MAX_ATTRIBUTE_BYTES) return 'an attribute is too long'
  if (/^__secure-/i.test(name) && !secure) return 'the name promises Secure'
  if (/^__host-/i.test(name) && (!secure || path !== '/' || domain !== ''))
    return 'the name promises Secure, Path=/ and no Domain'
  return undefined
}

/** Only what may not stand in a cookie-value, and `%`, which would be decoded (section 4.1.1). */
function encodeValue(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+/gu, encodeURIComponent)
}
