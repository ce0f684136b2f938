import { TsgiError } from '../interface/errors.ts'
import type { Application, Environ, Middleware } from '../interface/application.ts'
import { keepLifespan } from './keep-lifespan.ts'

interface Mount {
  /** In small letters, `*.example.org` for every host below; undefined: every host. */
  readonly host: string | undefined
  /** `''` or `'/x'`. */
  readonly path: string
  readonly application: Application
}

/**
 * Puts applications at paths and hosts; what belongs to none of them goes to the application inside. Keys are `/path`,
 * `host`, `host/path` and `*.host`. The most specific counts: a named host before a pattern before none, then the longest path.
 * Paths end at a slash: `/shop` is not for `/shopping`. What was matched moves from PATH_INFO to SCRIPT_NAME (PEP 3333).
 *
 * A host here is what the client asks for: let the proxy refuse names that are not yours.
 *
 * Throws `TSGI_ERR_OPTION` where a key is neither.
 */
export function dispatcher(mounts: Readonly<Record<string, Application>>): Middleware {
  const table = Object.entries(mounts).map(([key, application]) => ({ ...parseKey(key), application }))
  table.sort((left, right) => hostRank(right) - hostRank(left) || right.path.length - left.path.length)
  return (inner) => {
    const application: Application = (environ, startResponse) => {
      const host = hostOf(environ)
      const mount = table.find((each) => isOnHost(each.host, host) && isBelow(environ.PATH_INFO, each.path))
      if (mount === undefined) return inner(environ, startResponse)
      environ.SCRIPT_NAME += mount.path
      environ.PATH_INFO = environ.PATH_INFO.slice(mount.path.length)
      return mount.application(environ, startResponse)
    }
    return keepLifespan(application, inner, ...table.map((mount) => mount.application))
  }
}

const KEY = /^(\*\.[\w.-]+|[\w.-]+|\[[\da-fA-F:.]+\])?(\/.*)?$/

function parseKey(key: string): Omit<Mount, 'application'> {
  const [, host, path = ''] = KEY.exec(key) ?? []
  if (key === '' || (host === undefined && path === '')) {
    throw new TsgiError('TSGI_ERR_OPTION', `dispatcher: ${JSON.stringify(key)} is neither /path nor host nor host/path`)
  }
  return { host: host?.toLowerCase(), path: path.replace(/\/+$/, '') }
}

function hostRank({ host }: Omit<Mount, 'application'>): number {
  if (host === undefined) return 0
  // The longer of two patterns is the narrower one.
  return host.startsWith('*') ? host.length : 1000
}

/** The host's name, without its port, in small letters. */
function hostOf(environ: Environ): string {
  const host = typeof environ.HTTP_HOST === 'string' && environ.HTTP_HOST !== '' ? environ.HTTP_HOST : environ.SERVER_NAME
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
}

function isOnHost(pattern: string | undefined, host: string): boolean {
  if (pattern === undefined) return true
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length : host === pattern
}

function isBelow(path: string, mount: string): boolean {
  return path.startsWith(mount) && (path.length === mount.length || path[mount.length] === '/')
}
