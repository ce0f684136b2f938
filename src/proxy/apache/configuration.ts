import { TsgiError } from '../../interface/errors.ts'
import type { LogLevel } from '../../interface/logger.ts'
import { absolute } from '../absolute-path.ts'
import { addressText } from '../listen-address.ts'
import { checkValues } from '../site-values.ts'
import type { ListenAddress, Site } from '../site.ts'
import { ACCESS_FORMAT, accessVariables, apacheAccessFormat } from './access-format.ts'
import type { ApacheBuild } from './build.ts'
import { directive, from, literal, own, render, section } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { loadModules } from './modules.ts'
import { requestHeaders } from './params.ts'
import { serverNameWord } from './names.ts'
import { clientConnections } from './processes.ts'
import { compressionDirectives } from './compression.ts'
import { failureLog } from './failures.ts'
import { fileDirectives, hasFiles } from './files.ts'
import { sessionCache } from './tls.ts'
import { virtualHosts } from './virtual-hosts.ts'
import { seconds } from './workers.ts'

/** Our levels on httpd's scale. Lines of its `notice` are always there: starts and stops. */
const ERROR_LEVELS = { error: 'error', warn: 'error', info: 'error', debug: 'info' } as const satisfies Record<LogLevel, string>

/**
 * httpd opens files only; whatever standard error is, a program that it starts can write there. That one's own standard error is
 * httpd's standard output: the launcher hands standard error on as descriptor 3.
 */
const TO_STANDARD_ERROR = '|$if { true >&3; } 2>/dev/null; then exec cat >&3; fi; exec cat >&2'

/** Limits against heads and bodies that come a little at a time, where nothing else is said: longest time, and bytes a second. */
const SLOW = { headerMaxMs: 30_000, headerMinRate: 500, bodyMinRate: 500 }

/**
 * The whole text of httpd's configuration for a site. Pure.
 *
 * Throws `TSGI_ERR_OPTION` for a value that the configuration cannot hold, and for what httpd cannot do; `TSGI_ERR_PROXY_CONFIG`
 * for an httpd that lacks what the site needs.
 */
export function apacheConfiguration(site: Site, build: ApacheBuild): string {
  return render(apacheDirectives(site, build))
}

/** The same as directives, each with the option that caused it. */
export function apacheDirectives(site: Site, build: ApacheBuild): Node[] {
  const { timeouts } = site
  checkValues(site)
  checkSite(site)
  return [
    { comment: 'Written by tsgi-express for Apache httpd at every start: changes made here are lost.' },
    { comment: 'A comment with the name of an option stands before what that option caused.' },
    { comment: '' },
    { comment: 'Everything that httpd writes stays in the server root. Its scoreboard is memory of its own.' },
    from('server-root', directive('ServerRoot', literal(absolute(site.serverRoot)))),
    from('server-root', directive('DefaultRuntimeDir', literal(absolute(site.serverRoot)))),
    from('server-root', directive('PidFile', literal(absolute(site.pidPath)))),
    { comment: '' },
    ...loadModules(neededModules(site), build),
    { comment: '' },
    ...(site.runAs === undefined
      ? []
      : [directive('User', literal(site.runAs.user)), directive('Group', literal(site.runAs.group)), { comment: '' }]),
    ...clientConnections(site),
    { comment: 'How long a stop waits for requests in flight.' },
    from('graceful-timeout', directive('GracefulShutdownTimeout', seconds(timeouts.shutdownMs))),
    { comment: '' },
    ...site.listen.flatMap((address) => listen(address, 'port', build)),
    ...(site.tls?.listen ?? []).flatMap((address) => listen(address, 'https-port', build)),
    ...(site.backlog === undefined ? [] : [from('server-backlog', directive('ListenBackLog', site.backlog))]),
    from('host', directive('ServerName', serverNameWord(site.serverName))),
    directive('UseCanonicalName', 'On'),
    directive('UseCanonicalPhysicalPort', 'On'),
    { comment: '' },
    ...logs(site),
    ...failureLog(site),
    directive('ServerTokens', 'Prod'),
    directive('ServerSignature', 'Off'),
    directive('TraceEnable', 'Off'),
    directive('FileETag', 'MTime', 'Size'),
    { comment: '' },
    { comment: 'No file of the disk is served, unless it is named further down.' },
    section(
      'Directory',
      [own('/')],
      [directive('AllowOverride', 'None'), directive('Options', 'FollowSymLinks'), directive('Require', 'all', 'denied')],
    ),
    { comment: '' },
    ...waits(site),
    { comment: '' },
    directive('ProxyPreserveHost', 'On'),
    directive('ProxyAddHeaders', 'Off'),
    ...(site.wire === 'fastcgi' ? [directive('ProxyFCGIBackendType', 'GENERIC')] : []),
    section('Proxy', [own('*')], [directive('CGIPassAuth', 'On')]),
    ...requestHeaders(site.trust),
    { comment: '' },
    ...compressionDirectives(site.compress),
    ...(needsTypes(site) ? [directive('TypesConfig', '/dev/null')] : []),
    ...fileDirectives(site.files),
    ...sessionCache(site),
    ...virtualHosts(site, build),
  ]
}

/** Refuses what httpd cannot do. */
function checkSite({ authentication, tls, wire, errorOverride }: Site): void {
  if (authentication !== undefined) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      '--auth-url: Apache has nothing that asks an application over a unix socket whether a request may pass; take --server-type nginx, or let the application check its own requests',
    )
  }
  if (errorOverride && wire === 'scgi') {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      "--error-override: Apache shows an application's errors as they are where they come over SCGI; take another --wire",
    )
  }
  if (tls?.environment === true && wire === 'http') {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      '--ssl-environment: HTTP has headers only, which clients could send as well; take --wire fastcgi, uwsgi or scgi',
    )
  }
}

const MODULES = { fastcgi: 'proxy_fcgi', uwsgi: 'proxy_uwsgi', scgi: 'proxy_scgi' } as const

/** What the configuration uses. Modules run in the order in which they are loaded: the request has its id before setenvif looks for it. */
function neededModules(site: Site): string[] {
  return [
    'mpm_event',
    'unixd',
    'log_config',
    'authz_core',
    'unique_id',
    'setenvif',
    'headers',
    // Behind headers, which takes ports off the addresses first.
    ...(site.trust === undefined ? [] : ['remoteip']),
    'reqtimeout',
    'rewrite',
    ...(needsTypes(site) ? ['mime', 'alias', 'dir'] : []),
    ...(site.files.directoryListing ? ['autoindex'] : []),
    ...(site.compress ? ['filter', 'deflate'] : []),
    ...(site.tls === undefined ? [] : ['socache_shmcb', 'ssl', ...(site.tls.http2 ? ['http2'] : [])]),
    'proxy',
    'proxy_http',
    ...(site.wire === 'http' ? [] : [MODULES[site.wire]]),
  ]
}

/** Whether httpd serves files. */
function needsTypes({ files, maintenance }: Site): boolean {
  return hasFiles(files) || maintenance !== undefined
}

function listen(address: ListenAddress, option: string, build: ApacheBuild): Directive[] {
  const text = addressText(address, 'Apache')
  const all = from(option, directive('Listen', text))
  // Every address means IPv4's too, as it does to Node.
  return address.host === '::' && !build.mapsIpv4 ? [all, from(option, directive('Listen', `0.0.0.0:${address.port}`))] : [all]
}

function logs({ logs: { access, accessFormat = 'combined', error, level }, wire }: Site): Node[] {
  const errorLog = error === 'terminal' ? own(TO_STANDARD_ERROR) : literal(absolute(error.file))
  const nodes: Node[] = [
    from('log-level', directive('ErrorLog', errorLog)),
    from('log-level', directive('LogLevel', ERROR_LEVELS[level])),
  ]
  if (access === 'off') return nodes
  const target = access === 'terminal' ? own('/dev/stdout') : literal(absolute('file' in access ? access.file : access.syslog))
  return [
    ...nodes,
    from('access-log-format', apacheAccessFormat(accessFormat, wire)),
    ...accessVariables(accessFormat),
    { comment: "The launcher's own probe is not a visit." },
    from('server-root', directive('CustomLog', target, ACCESS_FORMAT, own("expr=resp('X-TSGI-Probe') != 'ok'"))),
  ]
}

/** Waits for clients, and the largest body. */
function waits({ timeouts, slowClients }: Site): Node[] {
  const { headerMaxMs = Math.max(SLOW.headerMaxMs, timeouts.headerMs), bodyMaxMs } = slowClients
  const header = `header=${seconds(timeouts.headerMs)}-${seconds(headerMaxMs)},MinRate=${slowClients.headerMinRate ?? SLOW.headerMinRate}`
  const bodyMax = bodyMaxMs === undefined ? '' : `-${seconds(bodyMaxMs)}`
  const body = `body=${seconds(timeouts.bodyMs)}${bodyMax},MinRate=${slowClients.bodyMinRate ?? SLOW.bodyMinRate}`
  return [
    directive('LimitRequestBody', 0),
    { comment: 'For a head or a body at first, at most, and the bytes a second for which there is more time.' },
    from('header-timeout', directive('RequestReadTimeout', own(header), own(body))),
    from('socket-timeout', directive('Timeout', seconds(timeouts.sendMs))),
    ...(timeouts.keepAliveMs === 0
      ? [from('keep-alive-timeout', directive('KeepAlive', 'Off'))]
      : [
          directive('KeepAlive', 'On'),
          directive('MaxKeepAliveRequests', 1000),
          from('keep-alive-timeout', directive('KeepAliveTimeout', `${Math.ceil(timeouts.keepAliveMs)}ms`)),
        ]),
  ]
}
