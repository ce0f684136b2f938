import type { Literal } from '../configuration-value.ts'
import { absolute } from '../absolute-path.ts'
import type { MountedApplication, Site } from '../site.ts'
import { directive, from, literal, own } from './directive.ts'
import type { Argument, Directive, Node, Own } from './directive.ts'

/**
 * An idle connection to a worker is not used again after so long: a worker that is replaced closes it after 2.5 s, and a request
 * could be lost otherwise. Seconds.
 */
const IDLE_S = 2

/** What a request's URL is as the client wrote it, without an absolute target's authority: the path in `%1`. */
const RAW_PATH = '^\\S+ (?:\\w+://[^/?\\s]*)?(/[^?\\s]*)'

const SCHEMES = { fastcgi: 'fcgi', uwsgi: 'uwsgi', scgi: 'scgi', http: 'http' } as const

/** How many seconds, at least one: httpd counts whole ones in most places. */
export function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}

/** The longest mount points first: `/a/b` before `/a`, and `/` behind everything. */
export function byMountPoint({ applications }: Site): readonly MountedApplication[] {
  return applications.toSorted((a, b) => b.mountPoint.length - a.mountPoint.length)
}

/** A pattern for a path and everything below it, and nothing beside it: `/app` is not `/apple`. Empty: every path. */
export function below(path: string): readonly (Literal | Own)[] {
  return path === '' ? [own('^')] : [own('^'), literal(path), own('(?:/|$)')]
}

/**
 * What leads requests to the workers over HTTP: upgrades, which only HTTP can carry, bodies without a length where the wire is uwsgi or SCGI,
 * and every request where HTTP is the wire.
 * mod_rewrite does it, because ProxyPass would write the URL anew. Clients offer h2c with ordinary requests: not that.
 */
export function httpRules(site: Site): Node[] {
  return [
    ...(site.errorDocuments.length === 0 ? [] : pages(site)),
    {
      comment:
        'An upgrade to another protocol, such as a WebSocket, goes by HTTP, its URL as it came. Clients offer h2c with ordinary requests.',
    },
    ...byMountPoint(site).flatMap((application, index) => [
      directive('RewriteCond', own('%{HTTP:Upgrade}'), own('!^(?:h2c)?$'), own('[NC]')),
      ...passRaw(application, upgradeHost(index)),
    ]),
    ...(chunksGoByHttp(site)
      ? [
          { comment: 'So does a body without a length, which this wire cannot carry.' },
          ...byMountPoint(site).flatMap((application, index) => [
            directive('RewriteCond', own('%{HTTP:Transfer-Encoding}'), own('.')),
            ...passRaw(application, chunkHost(index)),
          ]),
        ]
      : []),
    ...(site.wire === 'http'
      ? [
          { comment: 'Other requests, their URLs as they came, too.' },
          ...byMountPoint(site).flatMap((application, index) => passRaw(application, workerHost(index))),
        ]
      : []),
  ]
}

/**
 * A page for an error that the application makes goes by HTTP, too: the other wires would tell a worker the URL that the client asked
 * for, and clients the status of the page in place of the error's.
 */
function pages(site: Site): Node[] {
  return [
    { comment: 'Pages for errors.' },
    ...byMountPoint(site).flatMap(({ mountPoint, socketPath }, index) => [
      directive('RewriteCond', own('%{ENV:REDIRECT_STATUS}'), own('.')),
      directive(
        'RewriteRule',
        below(mountPoint),
        [
          own('unix:'),
          literal(absolute(socketPath)),
          own(`|http://${site.wire === 'http' ? workerHost(index) : upgradeHost(index)}%{REQUEST_URI}`),
        ],
        own('[P]'),
      ),
    ]),
  ]
}

function passRaw({ mountPoint, socketPath, option }: MountedApplication, host: string): Directive[] {
  const rule = directive(
    'RewriteRule',
    below(mountPoint),
    [own('unix:'), literal(absolute(socketPath)), own(`|http://${host}%1`)],
    own('[P,NE]'),
  )
  return [directive('RewriteCond', own('%{THE_REQUEST}'), own(RAW_PATH)), mountPoint === '' ? rule : from(option, rule)]
}

/** The workers as backends, and their requests. They are never marked as down. */
export function workers(site: Site): Node[] {
  const { wire, timeouts } = site
  const reuse = wire === 'uwsgi' || wire === 'scgi' ? ['enablereuse=off'] : ['enablereuse=on', `ttl=${IDLE_S}`]
  const waits = (readMs: number): string[] => [
    'retry=0',
    `connectiontimeout=${seconds(timeouts.connectMs)}`,
    `timeout=${seconds(readMs)}`,
  ]
  return byMountPoint(site).flatMap(({ mountPoint, socketPath, option }, index) => {
    const pass = (path: Argument, url: string, ...parameters: string[]): Directive =>
      directive('ProxyPass', path, [own('unix:'), literal(absolute(socketPath)), own(`|${url}`)], ...parameters)
    const requests = pass(
      // No URL begins like that: mod_rewrite leads requests there.
      wire === 'http' ? `tsgi-requests-${index + 1}` : literal(mountPoint === '' ? '/' : absolute(mountPoint)),
      `${SCHEMES[wire]}://${workerHost(index)}${wire === 'http' || mountPoint !== '' ? '' : '/'}`,
      ...reuse,
      'flushpackets=on',
      ...waits(timeouts.readMs),
    )
    const upgrades = pass(
      `tsgi-upgrades-${index + 1}`,
      `http://${upgradeHost(index)}`,
      'upgrade=ANY',
      'enablereuse=off',
      ...waits(timeouts.upgradeReadMs),
    )
    const chunks = pass(
      `tsgi-chunks-${index + 1}`,
      `http://${chunkHost(index)}`,
      'enablereuse=off',
      'flushpackets=on',
      ...waits(timeouts.readMs),
    )
    return [from(mountPoint === '' ? 'wire' : option, requests), ...(chunksGoByHttp(site) ? [chunks] : []), upgrades]
  })
}

/** A backend's name is its address and its host: each needs one of its own, which no worker sees. */
function workerHost(index: number): string {
  return `tsgi-workers-${index + 1}`
}

function upgradeHost(index: number): string {
  return `tsgi-upgrades-${index + 1}`
}

function chunkHost(index: number): string {
  return `tsgi-chunks-${index + 1}`
}

/** mod_proxy_uwsgi and mod_proxy_scgi answer them 411. HTTP would leave out what clients' certificates say, so that then this stays. */
function chunksGoByHttp({ wire, tls }: Site): boolean {
  return (wire === 'uwsgi' || wire === 'scgi') && tls?.environment !== true
}
