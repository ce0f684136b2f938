import { quote, TsgiError } from '../../interface/errors.ts'
import type { LogLevel } from '../../interface/logger.ts'
import { block, directive, dollarDeclaration, from, literal, needsDollar, render, variable } from './directive.ts'
import type { Argument, Directive, Node } from './directive.ts'
import { nginxAccessFormat } from './access-format.ts'
import { requestHeaders, requestParams } from './params.ts'
import type { ListenAddress, LogTarget, MountedApplication, Site, Wire } from '../site.ts'
import type { NginxBuild } from './build.ts'

/** nginx's module names of the wires. */
const MODULES = { fastcgi: 'fastcgi', uwsgi: 'uwsgi', http: 'proxy' } as const satisfies Record<Wire, string>

/** Our levels on nginx's scale. Its `warn` reports every body that it spools, its `notice` every process that starts. */
const ERROR_LEVELS = { error: 'error', warn: 'error', info: 'error', debug: 'info' } as const satisfies Record<LogLevel, string>

/** What can be nothing but an address in a directive; whether it is one, nginx says. No zone: nginx knows none. */
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const IPV6 = /^(?=.*:.*:)[\da-fA-F:.]{2,45}$/

/** Connections to the workers that each nginx worker keeps. A new connection costs a worker more than a request. */
const UPSTREAM_KEEPALIVE = 128

/** An idle one is closed by nginx before a worker that is replaced does it, which waits 2.5 s: a request could be lost otherwise. */
const UPSTREAM_IDLE = '2s'

/** Connections of one nginx worker: to clients, and as many to the workers. */
const WORKER_CONNECTIONS = 4096

/** The status that leads an upgrade to its own location; it never reaches a client. */
const UPGRADE_STATUS = 421

const UPSTREAM = 'tsgi_workers'
const UPGRADE_UPSTREAM = 'tsgi_upgrades'
const UPGRADE_LOCATION = '@tsgi_upgrade'

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
  checkBuild(site, build)
  return [
    { comment: 'Written by tsgi-express for nginx at every start: changes made here are lost.' },
    { comment: 'A line that an option caused ends with its name.' },
    { comment: '' },
    { comment: 'nginx runs in the foreground, as a child of the launcher.' },
    directive('daemon', 'off'),
    from('server-root', directive('pid', literal(absolute(site.pidPath)))),
    ...(site.runAs === undefined ? [] : [directive('user', literal(site.runAs.user), literal(site.runAs.group))]),
    from('processes', directive('worker_processes', site.proxyWorkers)),
    { comment: 'How long a stop waits for requests in flight.' },
    from('graceful-timeout', directive('worker_shutdown_timeout', time(site.timeouts.shutdownMs))),
    from('log-level', directive('error_log', logArgument(site.logs.error, 'stderr'), ERROR_LEVELS[site.logs.level])),
    { comment: '' },
    block('events', [], [directive('worker_connections', WORKER_CONNECTIONS)]),
    { comment: '' },
    block('http', [], httpBlock(site, build)),
  ]
}

function httpBlock(site: Site, build: NginxBuild): Node[] {
  const nodes = httpDirectives(site, build)
  return needsDollar(nodes)
    ? [{ comment: 'A "$" in a value: nginx knows no other way to write one.' }, dollarDeclaration, { comment: '' }, ...nodes]
    : nodes
}

function httpDirectives(site: Site, build: NginxBuild): Node[] {
  return [
    ...accessLog(site.logs),
    directive('server_tokens', 'off'),
    { comment: '' },
    { comment: 'Everything that nginx spools stays in the server root.' },
    ...temporaryPaths(site, build),
    { comment: '' },
    { comment: 'The workers: each takes connections from the one socket. They are never marked as down.' },
    block(
      'upstream',
      [UPSTREAM],
      [workers(site.applications[0]), directive('keepalive', UPSTREAM_KEEPALIVE), directive('keepalive_timeout', UPSTREAM_IDLE)],
    ),
    ...(site.wire === 'fastcgi'
      ? [
          { comment: 'The same for upgrades, without connections that are kept: those speak FastCGI already.' },
          block('upstream', [UPGRADE_UPSTREAM], [workers(site.applications[0])]),
        ]
      : []),
    { comment: '' },
    { comment: 'An upgrade to another protocol, such as a WebSocket. Clients offer h2c with ordinary requests: not that.' },
    block(
      'map',
      [variable('http_upgrade'), variable('tsgi_upgrade')],
      [entry('default', variable('http_upgrade')), entry(literal(''), literal('')), entry('h2c', literal(''))],
    ),
    ...(site.wire === 'http' ? httpMaps() : []),
    { comment: '' },
    block('server', [], serverBlock(site)),
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

function workers({ socketPath }: MountedApplication): Directive {
  return from('server-root', directive('server', literal(`unix:${absolute(socketPath)}`), 'fail_timeout=0'))
}

function httpMaps(): Node[] {
  return [
    block(
      'map',
      [variable('tsgi_upgrade'), variable('tsgi_connection')],
      [entry('default', 'upgrade'), entry(literal(''), literal(''))],
    ),
    { comment: 'HTTP/1.0 knows no Host, HTTP/1.1 to the workers demands one.' },
    block(
      'map',
      [variable('http_host'), variable('tsgi_host')],
      [entry('default', variable('http_host')), entry(literal(''), variable('server_name'))],
    ),
  ]
}

function serverBlock(site: Site): Node[] {
  const { timeouts } = site
  return [
    ...site.listen.map((address) => from('port', listen(address))),
    from('host', directive('server_name', literal(checkServerName(site.serverName)))),
    from('limit-request-body', directive('client_max_body_size', site.limits.requestBodyBytes)),
    { comment: 'A body up to this size is held in memory, a longer one in the spool.' },
    directive('client_body_buffer_size', '128k'),
    directive('client_header_timeout', time(timeouts.headerMs)),
    directive('client_body_timeout', time(timeouts.bodyMs)),
    directive('send_timeout', time(timeouts.sendMs)),
    directive('keepalive_timeout', time(timeouts.keepAliveMs)),
    { comment: '' },
    ...wireSettings(site),
    { comment: '' },
    ...locations(site),
  ]
}

/** What holds for every location of the server: parameters, buffers, waits. */
function wireSettings(site: Site): Node[] {
  const { wire, timeouts } = site
  return [
    { comment: 'What a worker is told about a request.' },
    ...(wire === 'http'
      ? [directive('proxy_http_version', '1.1'), directive('proxy_redirect', 'off'), ...requestHeaders()]
      : requestParams(wire)),
    // An upgrade over FastCGI is impossible, and goes over uwsgi.
    ...(wire === 'fastcgi' ? requestParams('uwsgi') : []),
    { comment: '' },
    { comment: 'Room for a long response head, and retries of what no worker has answered.' },
    ...(wire === 'fastcgi' ? [from('wire', directive('fastcgi_keep_conn', 'on'))] : []),
    ...transfer(MODULES[wire], timeouts.connectMs, timeouts.readMs),
    ...(wire === 'fastcgi' ? transfer('uwsgi', timeouts.connectMs, timeouts.upgradeReadMs) : []),
  ]
}

/** Buffers, retries and waits of one module. */
function transfer(module: (typeof MODULES)[Wire], connectMs: number, readMs: number): Directive[] {
  return [
    directive(`${module}_buffer_size`, '32k'),
    directive(`${module}_buffers`, 16, '32k'),
    directive(`${module}_busy_buffers_size`, '64k'),
    directive(`${module}_next_upstream`, 'error', 'timeout'),
    directive(`${module}_connect_timeout`, time(connectMs)),
    directive(`${module}_send_timeout`, time(readMs)),
    directive(`${module}_read_timeout`, time(readMs)),
  ]
}

/** The mount point and nothing beside it. */
function locations(site: Site): Node[] {
  const served = passToWorkers(site)
  const nodes: Node[] = []
  const { mountPoint } = site.applications[0]
  if (mountPoint === '') {
    nodes.push(block('location', ['/'], served))
  } else {
    // A location "/app" would take "/apple" too.
    nodes.push(from('mount-point', block('location', ['=', literal(absolute(mountPoint))], served)))
    nodes.push(from('mount-point', block('location', [literal(`${absolute(mountPoint)}/`)], served)))
    nodes.push({ comment: 'Nothing else is served.' }, block('location', ['/'], [directive('return', 404)]))
  }
  if (site.wire !== 'fastcgi') {
    const module = MODULES[site.wire]
    const { upgradeReadMs } = site.timeouts
    nodes.push(
      block(
        'location',
        [UPGRADE_LOCATION],
        [
          directive(`${module}_read_timeout`, time(upgradeReadMs)),
          directive(`${module}_send_timeout`, time(upgradeReadMs)),
          pass(site.wire),
        ],
      ),
    )
  }
  return nodes
}

/**
 * Requests go over the wire, upgrades over one that can carry them and with longer waits. nginx takes a wait in a `location`
 * but not in an `if`: where both use one module, the upgrade has a location of its own, with the request's URI untouched.
 */
function passToWorkers(site: Site): Node[] {
  if (site.wire === 'fastcgi')
    return [block('if', [variable('tsgi_upgrade')], [directive('uwsgi_pass', UPGRADE_UPSTREAM)]), from('wire', pass('fastcgi'))]
  return [
    directive('error_page', UPGRADE_STATUS, '=', UPGRADE_LOCATION),
    block('if', [variable('tsgi_upgrade')], [directive('return', UPGRADE_STATUS)]),
    from('wire', pass(site.wire)),
  ]
}

function pass(wire: Wire): Directive {
  return wire === 'http' ? directive('proxy_pass', `http://${UPSTREAM}`) : directive(`${wire}_pass`, UPSTREAM)
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

function listen({ host, port }: ListenAddress): Directive {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TsgiError('TSGI_ERR_OPTION', `--port: ${quote(String(port))}`)
  if (IPV4.test(host)) return directive('listen', `${host}:${port}`)
  if (IPV6.test(host)) {
    // Every address means IPv4's too, as it does to Node.
    return directive('listen', `[${host}]:${port}`, ...(host === '::' ? ['ipv6only=off'] : []))
  }
  throw new TsgiError('TSGI_ERR_OPTION', `--host: nginx cannot listen on ${quote(host)}`)
}

/** nginx gives a meaning to `~`, `*` and `$hostname` in a name; none of them is a name that a worker could be told. */
function checkServerName(name: string): string {
  const address = /^\[(.*)\]$/.exec(name)?.[1]
  if (address !== undefined ? IPV6.test(address) : /^[A-Za-z0-9_](?:[\w.-]{0,252})$/.test(name)) return name
  throw new TsgiError('TSGI_ERR_OPTION', `${quote(name)} is no name for a server`)
}

function checkBuild(site: Site, build: NginxBuild): void {
  const needed = new Set(['http_map_module', 'http_upstream_keepalive_module', `http_${MODULES[site.wire]}_module`])
  if (site.wire === 'fastcgi') needed.add('http_uwsgi_module')
  const missing = [...needed].filter((module) => !has(build, module))
  if (missing.length > 0) {
    throw new TsgiError('TSGI_ERR_PROXY_CONFIG', `this nginx (${quote(build.version)}) was built without ${missing.join(', ')}`)
  }
}

function has(build: NginxBuild, module: string): boolean {
  return !build.without.has(module)
}

function logArgument(target: LogTarget, terminal: string): Argument {
  return target === 'terminal' ? terminal : literal(absolute(target.file))
}

/** A relative path would be taken from nginx's prefix, and a word such as `off` or `syslog:` has a meaning of its own. */
function absolute(text: string): string {
  if (!text.startsWith('/')) throw new TsgiError('TSGI_ERR_OPTION', `${quote(text)} is not an absolute path`)
  return text
}

function entry(key: Argument, value: Argument): { key: Argument; value: Argument } {
  return { key, value }
}

function time(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.ceil(ms)}ms`
}
