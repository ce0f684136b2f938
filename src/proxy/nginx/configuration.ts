import { TsgiError } from '../../interface/errors.ts'
import type { LogLevel } from '../../interface/logger.ts'
import { absolute } from '../absolute-path.ts'
import { checkValues } from '../site-values.ts'
import { flagsOfSlowClients } from '../slow-clients.ts'
import { nginxAccessFormat } from './access-format.ts'
import { authMaps } from './authentication.ts'
import { checkBuild, has } from './build.ts'
import type { NginxBuild } from './build.ts'
import { compressionDirectives } from './compression.ts'
import { block, directive, dollarDeclaration, from, literal, needsDollar, render, variable } from './directive.ts'
import type { Argument, Directive, Node } from './directive.ts'
import { maintenanceMaps } from './maintenance.ts'
import { entry, time } from './names.ts'
import { errorDocumentMaps } from './error-pages.ts'
import { failureLog, failureWords } from './failures.ts'
import { secondTryMap } from './second-try.ts'
import { servers } from './servers.ts'
import { fileDirectives } from './static-files.ts'
import { checkTls, tlsDirectives, tlsMaps } from './tls.ts'
import { clientVariables, trustDirectives } from './trust.ts'
import { twoReadingsMap } from './two-readings.ts'
import { affinityMap, upstreams } from './upstreams.ts'
import { upgradeMaps } from './wires.ts'
import type { LogTarget, Site } from '../site.ts'

/** Our levels on nginx's scale. Its `warn` reports every body that it spools, its `notice` every process that starts. */
const ERROR_LEVELS = { error: 'error', warn: 'error', info: 'error', debug: 'info' } as const satisfies Record<LogLevel, string>

/** Connections of one nginx worker: to clients, and as many to the workers. */
const WORKER_CONNECTIONS = 4096

/** Beside those for clients: what listens, and what looks files up. */
const SPARE_CONNECTIONS = 32

/**
 * The whole text of nginx's configuration for a site. Pure.
 *
 * Throws `TSGI_ERR_OPTION` for a value that nginx's configuration cannot hold, and `TSGI_ERR_PROXY_CONFIG` for a build of nginx
 * that lacks what the site needs.
 */
export function nginxConfiguration(site: Site, build: NginxBuild): string {
  return render(nginxDirectives(site, build))
}

/** The same as directives, each with the option that caused it. */
export function nginxDirectives(site: Site, build: NginxBuild): Node[] {
  checkValues(site)
  checkBuild(site, build)
  checkTls(site)
  checkSlowClients(site)
  return [
    { comment: 'Written by tsgi-express for nginx at every start: changes made here are lost.' },
    { comment: 'A line that an option caused ends with its name.' },
    { comment: '' },
    { comment: 'nginx runs in the foreground, as a child of the launcher.' },
    directive('daemon', 'off'),
    from('server-root', directive('pid', literal(absolute(site.pidPath)))),
    ...(site.runAs === undefined ? [] : [from('user', directive('user', literal(site.runAs.user), literal(site.runAs.group)))]),
    from('processes', directive('worker_processes', site.proxyWorkers)),
    { comment: 'How long a stop waits for requests in flight.' },
    from('graceful-timeout', directive('worker_shutdown_timeout', time(site.timeouts.shutdownMs))),
    from('log-level', directive('error_log', logArgument(site.logs.error, 'stderr'), ERROR_LEVELS[site.logs.level])),
    ...failureWords(site),
    { comment: '' },
    block('events', [], [workerConnections(site)]),
    { comment: '' },
    block('http', [], httpBlock(site, build)),
  ]
}

function workerConnections({ limits, proxyWorkers }: Site): Directive {
  if (limits.clients === undefined) return directive('worker_connections', WORKER_CONNECTIONS)
  const each = Math.ceil(limits.clients / proxyWorkers)
  return from('max-clients', directive('worker_connections', 2 * each + SPARE_CONNECTIONS))
}

function httpBlock(site: Site, build: NginxBuild): Node[] {
  const nodes = httpDirectives(site, build)
  return needsDollar(nodes)
    ? [{ comment: 'A "$" in a value: nginx knows no other way to write one.' }, dollarDeclaration, { comment: '' }, ...nodes]
    : nodes
}

function httpDirectives(site: Site, build: NginxBuild): Node[] {
  const client = clientVariables(site.trust)
  return [
    ...accessLog(site.logs),
    ...failureLog(site),
    directive('server_tokens', 'off'),
    { comment: 'A redirect to a path says only that: the address that clients use may be another one than ours.' },
    directive('absolute_redirect', 'off'),
    { comment: '' },
    { comment: 'Everything that nginx spools stays in the server root.' },
    ...temporaryPaths(site, build),
    { comment: '' },
    ...limits(site),
    { comment: '' },
    ...trustDirectives(site.trust),
    ...(site.tls === undefined ? [] : tlsDirectives(site.tls, build)),
    ...twoReadingsMap(site),
    ...tlsMaps(site, client),
    ...errorDocumentMaps(site),
    ...fileDirectives(site.files),
    ...compressionDirectives(site.compress),
    ...maintenanceMaps(site),
    ...authMaps(site),
    ...affinityMap(site),
    ...upstreams(site),
    ...upgradeMaps(site, client),
    ...secondTryMap(site),
    ...servers(site, build),
  ]
}

function accessLog({ access, accessFormat = 'combined' }: Site['logs']): Node[] {
  if (access === 'off') return [from('access-log', directive('access_log', 'off'))]
  const { name, declaration } = nginxAccessFormat(accessFormat)
  const target =
    typeof access === 'object' && 'syslog' in access ? literal(`syslog:${access.syslog}`) : logArgument(access, '/dev/stdout')
  return [
    ...declaration.map((each) => from('access-log-format', each)),
    { comment: "The launcher's own probe is not a visit." },
    block('map', [variable('sent_http_x_tsgi_probe'), variable('tsgi_logged')], [entry('default', '1'), entry('ok', '0')]),
    from('server-root', directive('access_log', target, name, [literal('if='), variable('tsgi_logged')])),
  ]
}

/** What clients may send, and how long they may take. */
function limits({ limits: { requestBodyBytes }, timeouts }: Site): Directive[] {
  return [
    from('limit-request-body', directive('client_max_body_size', requestBodyBytes)),
    // A body up to this size is held in memory, a longer one in the spool.
    directive('client_body_buffer_size', '128k'),
    from('header-timeout', directive('client_header_timeout', time(timeouts.headerMs))),
    from('body-timeout', directive('client_body_timeout', time(timeouts.bodyMs))),
    from('socket-timeout', directive('send_timeout', time(timeouts.sendMs))),
    from('keep-alive-timeout', directive('keepalive_timeout', time(timeouts.keepAliveMs))),
  ]
}

/** A directive for every module that spools, used or not: each would make its compiled-in directory, which may not be ours to make. */
function temporaryPaths(site: Site, build: NginxBuild): Directive[] {
  const directory = `${absolute(site.serverRoot)}/temp`
  const spools = (['proxy', 'fastcgi', 'uwsgi', 'scgi'] as const).filter((module) => has(build, `http_${module}_module`))
  return [
    from('server-root', directive('client_body_temp_path', literal(`${directory}/body`))),
    ...spools.map((module) => from('server-root', directive(`${module}_temp_path`, literal(`${directory}/${module}`)))),
  ]
}

/** nginx has one time for the whole head, and one between two pieces of a body; it counts no bytes. */
function checkSlowClients({ slowClients }: Site): void {
  const [flag] = flagsOfSlowClients(slowClients)
  if (flag === undefined) return
  throw new TsgiError(
    'TSGI_ERR_OPTION',
    `--${flag}: nginx gives a head --header-timeout in all and each piece of a body --body-timeout, and knows no rates; leave it out, or take --server-type apache`,
  )
}

function logArgument(target: LogTarget, terminal: string): Argument {
  return target === 'terminal' ? terminal : literal(absolute(target.file))
}
