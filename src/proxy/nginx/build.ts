import { quote, TsgiError } from '../../interface/errors.ts'
import { isAtLeast } from '../version.ts'
import { MODULES } from './names.ts'
import { FIRST_WITH_RESOLVE } from './upstreams.ts'
import type { Site } from '../site.ts'

/** What is known of the installed nginx. */
export interface NginxBuild {
  /** `1.22.1` */
  readonly version: string
  /** Modules that this build leaves out, as `nginx -V` names them: `http_scgi_module`. Their directives would be refused. */
  readonly without: ReadonlySet<string>
  /** Modules that are only there where they were asked for: `http_ssl_module`. */
  readonly with: ReadonlySet<string>
}

/** Throws `TSGI_ERR_PROXY_CONFIG` for a build that lacks what the site needs. */
export function checkBuild(site: Site, build: NginxBuild): void {
  const usual = new Set(['http_map_module', 'http_upstream_keepalive_module', `http_${MODULES[site.wire]}_module`])
  if (site.wire === 'fastcgi') usual.add('http_uwsgi_module')
  if (site.proxyMounts.length > 0 || site.proxyHosts.length > 0) usual.add('http_proxy_module')
  if (site.compress) usual.add('http_gzip_module')
  const names = site.applications.some(({ remote }) => remote?.resolver !== undefined)
  if (names && !isAtLeast(build.version, FIRST_WITH_RESOLVE)) {
    const why = `looks names up again only from ${FIRST_WITH_RESOLVE} on; leave the resolver out, and reload nginx when hosts come and go`
    throw new TsgiError('TSGI_ERR_PROXY_CONFIG', `this nginx (${quote(build.version)}) ${why}`)
  }
  const missing = [
    ...[...usual].filter((module) => !has(build, module)),
    ...optionalModules(site).flatMap(([module, option]) => (build.with.has(module) ? [] : [`${module} (--${option})`])),
  ]
  if (missing.length === 0) return
  throw new TsgiError('TSGI_ERR_PROXY_CONFIG', `this nginx (${quote(build.version)}) was built without ${missing.join(', ')}`)
}

/** What nginx has only where it was asked for, with the option that needs it. */
function optionalModules({ tls, trust, authentication }: Site): [module: string, option: string][] {
  return [
    ...(tls === undefined ? [] : [['http_ssl_module', 'https-port'] satisfies [string, string]]),
    ...(tls?.http2 === true ? [['http_v2_module', 'http2'] satisfies [string, string]] : []),
    ...(trust === undefined ? [] : [['http_realip_module', 'trust-proxy'] satisfies [string, string]]),
    ...(authentication === undefined ? [] : [['http_auth_request_module', 'auth-url'] satisfies [string, string]]),
  ]
}

/** Whether the build has a module that every build has unless it was left out. */
export function has(build: NginxBuild, module: string): boolean {
  return !build.without.has(module)
}
