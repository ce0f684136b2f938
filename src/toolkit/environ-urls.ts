import type { Environ } from '../interface/application.ts'
import { encodePath } from './encode-path.ts'
import { hostOf } from './request-host.ts'

/** The functions of wsgiref.util. */

/** The URL of the mount point: `https://example.org/app`, with a slash where it is the root. Throws SecurityError (400) for a `Host` that is none. */
export function applicationUri(environ: Environ): string {
  return originOf(environ) + (encodePath(environ.SCRIPT_NAME) || '/')
}

/** The URL of the request, with its query unless `includeQuery` is false. Throws SecurityError (400) for a `Host` that is none. */
export function requestUri(environ: Environ, includeQuery = true): string {
  const { SCRIPT_NAME, PATH_INFO, QUERY_STRING } = environ
  const path = encodePath(SCRIPT_NAME + PATH_INFO) || '/'
  return `${originOf(environ)}${path}${includeQuery && QUERY_STRING !== '' ? `?${QUERY_STRING}` : ''}`
}

/**
 * Moves the next segment of PATH_INFO to SCRIPT_NAME and gives it, `''` for the slash at the end; undefined where nothing is left. Empty segments and `.`
 * before it are left out. The environ is changed.
 */
export function shiftPathInfo(environ: Environ): string | undefined {
  const { PATH_INFO } = environ
  if (PATH_INFO === '') return undefined
  const parts = PATH_INFO.slice(1).split('/')
  const last = parts.length - 1
  const [name = '', ...rest] = parts.filter((part, index) => index === last || (part !== '' && part !== '.'))
  environ.PATH_INFO = rest.length === 0 ? '' : `/${rest.join('/')}`
  // SCRIPT_NAME has no slash at its end.
  if (name !== '' && name !== '.') environ.SCRIPT_NAME += `/${name}`
  return name === '.' ? undefined : name
}

/** The scheme that CGI's variable HTTPS speaks of. */
export function guessScheme(environ: Readonly<Record<string, unknown>>): 'http' | 'https' {
  const { HTTPS } = environ
  return HTTPS === 'on' || HTTPS === 'yes' || HTTPS === '1' ? 'https' : 'http'
}

/** Whether a field is of the connection and not of the message (RFC 9110, section 7.6.1): applications do not send it. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase())
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
])

function originOf(environ: Environ): string {
  return `${environ['tsgi.url_scheme']}://${hostOf(environ)}`
}
