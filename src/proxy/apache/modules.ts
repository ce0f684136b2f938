import { quote, TsgiError } from '../../interface/errors.ts'
import { isAtLeast } from '../version.ts'
import type { ApacheBuild } from './build.ts'
import { directive, literal } from './directive.ts'
import type { Directive } from './directive.ts'

/** mod_proxy_http tunnels upgrades from here on. */
const LEAST_VERSION = '2.4.47'

/** Where systems have these modules in packages of their own: Debian, Fedora and its kin, Alpine. */
const PACKAGES: Readonly<Record<string, string>> = {
  proxy_uwsgi: 'libapache2-mod-proxy-uwsgi, on Fedora mod_proxy_uwsgi, on Alpine apache2-proxy',
  proxy_fcgi: 'on Alpine apache2-proxy',
  proxy_scgi: 'on Alpine apache2-proxy',
  proxy_http: 'on Alpine apache2-proxy',
  ssl: 'on Fedora mod_ssl, on Alpine apache2-ssl',
  http2: 'on Fedora mod_http2, on Alpine apache2-http2',
}

/** LoadModule for what the configuration uses and the executable has not built in. Throws `TSGI_ERR_PROXY_CONFIG` for what is missing. */
export function loadModules(needed: readonly string[], build: ApacheBuild): Directive[] {
  const { version, modulesDirectory, modules, builtin } = build
  if (!isAtLeast(version, LEAST_VERSION)) {
    throw new TsgiError(
      'TSGI_ERR_PROXY_CONFIG',
      `this Apache is ${quote(version)}, which cannot tunnel upgrades to the workers; it takes ${LEAST_VERSION} or later`,
    )
  }
  const toLoad = needed.filter((name) => !builtin.has(name))
  const missing = toLoad.filter((name) => !modules.has(name))
  if (missing.length > 0) {
    const packages = missing.flatMap((name) => PACKAGES[name] ?? [])
    const hint = packages.length === 0 ? '' : ` (install its package: ${[...new Set(packages)].join('; ')})`
    throw new TsgiError(
      'TSGI_ERR_PROXY_CONFIG',
      `Apache has no mod_${missing.join(', mod_')} in ${quote(modulesDirectory)}${hint}`,
    )
  }
  return toLoad.map((name) => directive('LoadModule', `${name}_module`, literal(`${modulesDirectory}/mod_${name}.so`)))
}
