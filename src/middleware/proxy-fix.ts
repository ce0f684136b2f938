import { TsgiError } from '../interface/errors.ts'
import type { Environ, Middleware } from '../interface/application.ts'
import { keepingLifespan } from './keep-lifespan.ts'

/** How many proxies in front of this application are known to set each field; 0: the field is not believed. */
export interface ProxyFixOptions {
  /** `X-Forwarded-For`: REMOTE_ADDR. 1 when left out. */
  readonly xFor?: number
  /** `X-Forwarded-Proto`: `tsgi.url_scheme`. 1 when left out. */
  readonly xProto?: number
  /** `X-Forwarded-Host`: HTTP_HOST, SERVER_NAME, and SERVER_PORT where it has one. */
  readonly xHost?: number
  /** `X-Forwarded-Port`: SERVER_PORT, and the port in HTTP_HOST. */
  readonly xPort?: number
  /** `X-Forwarded-Prefix`: SCRIPT_NAME. */
  readonly xPrefix?: number
}

/** Where `proxyFix` keeps what was there before. */
export const PROXY_FIX_ORIGINAL = 'tsgi.proxy_fix.original'

const CHANGED = ['REMOTE_ADDR', 'REMOTE_PORT', 'HTTP_HOST', 'SERVER_NAME', 'SERVER_PORT', 'SCRIPT_NAME', 'tsgi.url_scheme']

/**
 * Believes the `X-Forwarded-*` fields of a known number of proxies, as Werkzeug's ProxyFix does: of each list the value that
 * the outermost of them has added counts, which is the N-th from the right. A list with fewer values came another way, and changes nothing.
 *
 * Behind the configurations that tsgi generates nothing is to be mended: nginx and Apache say who the client is. This is for
 * further proxies in front of them, and for `tsgi serve` behind a proxy that speaks HTTP.
 *
 * Throws `TSGI_ERR_OPTION` where a count is no count.
 */
export function proxyFix(options: ProxyFixOptions = {}): Middleware {
  const { xFor = 1, xProto = 1, xHost = 0, xPort = 0, xPrefix = 0 } = options
  for (const [name, count] of Object.entries({ xFor, xProto, xHost, xPort, xPrefix })) {
    if (!Number.isInteger(count) || count < 0)
      throw new TsgiError('TSGI_ERR_OPTION', `proxyFix: ${name} is a number of proxies, 0 or more`)
  }
  return keepingLifespan((application) => (environ, startResponse) => {
    const original = Object.fromEntries(CHANGED.map((name) => [name, environ[name]]))
    fixAddress(environ, trusted(environ.HTTP_X_FORWARDED_FOR, xFor))
    fixScheme(environ, trusted(environ.HTTP_X_FORWARDED_PROTO, xProto))
    fixHost(environ, trusted(environ.HTTP_X_FORWARDED_HOST, xHost))
    fixPort(environ, trusted(environ.HTTP_X_FORWARDED_PORT, xPort))
    fixPrefix(environ, trusted(environ.HTTP_X_FORWARDED_PREFIX, xPrefix))
    environ[PROXY_FIX_ORIGINAL] = original
    return application(environ, startResponse)
  })
}

/** The value that the outermost believed proxy has added; undefined: there is none. */
function trusted(list: unknown, count: number): string | undefined {
  if (count === 0 || typeof list !== 'string') return undefined
  const value = list.split(',').at(-count)?.trim()
  return value === '' ? undefined : value
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const ADDRESS = /^(?:\[([\da-fA-F:.]+)\]|([\d.]+)|([\da-fA-F:]*:[\da-fA-F:.]*:[\da-fA-F:.]*))(?::(\d{1,5}))?$/

function fixAddress(environ: Environ, value: string | undefined): void {
  const [, bracketed, v4, v6, port] = ADDRESS.exec(value ?? '') ?? []
  const address = bracketed ?? v4 ?? v6
  if (address === undefined) return
  environ.REMOTE_ADDR = address
  // The port that was known is that of the proxy.
  delete environ.REMOTE_PORT
  if (port !== undefined) environ.REMOTE_PORT = port
}

function fixScheme(environ: Environ, value: string | undefined): void {
  const scheme = value?.toLowerCase()
  if (scheme === 'http' || scheme === 'https') environ['tsgi.url_scheme'] = scheme
}

/** What a host may look like: nothing that could end a URL's authority. */
const HOST = /^(\[[\da-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/

function fixHost(environ: Environ, value: string | undefined): void {
  const [, name, port] = HOST.exec(value ?? '') ?? []
  if (value === undefined || name === undefined) return
  environ.HTTP_HOST = value
  environ.SERVER_NAME = name
  environ.SERVER_PORT = port ?? (environ['tsgi.url_scheme'] === 'https' ? '443' : '80')
}

function fixPort(environ: Environ, value: string | undefined): void {
  if (value === undefined || !/^\d{1,5}$/.test(value)) return
  environ.SERVER_PORT = value
  const [, name] = HOST.exec(String(environ.HTTP_HOST ?? '')) ?? []
  if (name === undefined) return
  const isDefault = value === (environ['tsgi.url_scheme'] === 'https' ? '443' : '80')
  environ.HTTP_HOST = isDefault ? name : `${name}:${value}`
}

function fixPrefix(environ: Environ, value: string | undefined): void {
  if (value === undefined || !value.startsWith('/') || value.startsWith('//')) return
  environ.SCRIPT_NAME = value.replace(/\/+$/, '')
}
