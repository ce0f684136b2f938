import { quote, TsgiError } from '../interface/errors.ts'
import { stripAuthority, targetOfPath, targetUnderMount } from '../gateway/request-target.ts'
import type { ParamLayout } from './param-layout.ts'

/**
 * `Request.url` of a request: what the URL standard makes of scheme, host and target. Undefined where the target is not under
 * the mount point, which is taken off.
 *
 * Throws `TSGI_ERR_REQUEST_INVALID` for a host that is none and for a target that a URL parser would read in another way than
 * the proxy has.
 */
export function requestUrl(layout: ParamLayout, params: readonly string[], mountPoint: string): string | undefined {
  const scheme = layout.isSecure(params) ? 'https' : 'http'
  const host = layout.host(params)
  const origin = host === '' ? serverOrigin(layout, params, scheme) : originOf(scheme, host)
  if (origin === undefined) throw new TsgiError('TSGI_ERR_REQUEST_INVALID', `Host ${quote(host)}`)
  const requestUri = layout.target(params)
  const whole = requestUri === '' ? targetWithoutUri(layout, params) : stripAuthority(requestUri)
  const target = mountPoint === '' ? whole : targetUnderMount(whole, mountPoint)
  if (target === undefined) return undefined
  return PLAIN_TARGET.test(target) && !DOT_SEGMENT.test(target) ? origin + target : parsedUrl(origin, target)
}

/** Characters that the URL standard leaves as they are, in a path and in a query. */
const PLAIN_TARGET = /^\/[\w\-.~!$&()*+,;=:@/%[\]|]*(?:\?[\w\-.~!$&()*+,;=:@/%[\]|?]*)?$/

/** A segment that may be `.` or `..`, which also stand percent-encoded. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:[/?]|$)/i

/** What the parser would turn into another target: a backslash in the path into a slash, controls into nothing. */
const MISREAD = /^[^?]*\\|[\0-\x1f\x7f]/

function parsedUrl(origin: string, target: string): string {
  const hash = target.indexOf('#')
  const whole = hash === -1 ? target : target.slice(0, hash)
  if (!whole.startsWith('/') || MISREAD.test(whole)) {
    throw new TsgiError('TSGI_ERR_REQUEST_INVALID', `request target ${quote(target)}`)
  }
  // Bytes that are not ASCII come as latin-1; the parser would take each for a character and write it as UTF-8.
  const ascii = whole.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
  return new URL(origin + ascii).href
}

function targetWithoutUri(layout: ParamLayout, params: readonly string[]): string {
  const path = `${layout.value(params, 'SCRIPT_NAME')}${layout.value(params, 'PATH_INFO')}`
  return targetOfPath(path, layout.value(params, 'QUERY_STRING'))
}

type Scheme = 'http' | 'https'

/** Hosts that were seen; a client that makes them up must not make this grow. */
const MAX_HOSTS = 256
const ORIGINS: Readonly<Record<Scheme, Map<string, string | undefined>>> = { http: new Map(), https: new Map() }

/** `http://host` as the URL standard writes it; undefined for a host that is none. */
function originOf(scheme: Scheme, host: string): string | undefined {
  const origins = ORIGINS[scheme]
  const known = origins.get(host)
  if (known !== undefined || origins.has(host)) return known
  const origin = parseOrigin(scheme, host)
  if (origins.size === MAX_HOSTS) origins.clear()
  origins.set(host, origin)
  return origin
}

/** A name, an IPv4 address or an IPv6 address in brackets, and a port (RFC 9110, section 7.2); nothing else that URLs may have there. */
const HOST = /^(?:[\w.~!$&'()*+,;=-]+|\[[0-9a-fA-F:.]+\])(?::\d{0,5})?$/

function parseOrigin(scheme: Scheme, host: string): string | undefined {
  if (!HOST.test(host)) return undefined
  try {
    return new URL(`${scheme}://${host}/`).origin
  } catch {
    return undefined
  }
}

/** Of a request without a Host field, which HTTP/1.0 allows. A server's name may be a pattern; then it says nothing. */
function serverOrigin(layout: ParamLayout, params: readonly string[], scheme: Scheme): string {
  const name = layout.value(params, 'SERVER_NAME')
  const port = layout.value(params, 'SERVER_PORT')
  const host = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name
  return (host === '' ? undefined : originOf(scheme, port === '' ? host : `${host}:${port}`)) ?? `${scheme}://localhost`
}
