import { block, directive, from, variable } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { errorPages } from './error-pages.ts'
import { entry, MODULES, NONE, time, freshUpstreamOf, upstreamOf } from './names.ts'
import type { Module } from './names.ts'
import { requestHeaders, requestParams } from './params.ts'
import { clientVariables } from './trust.ts'
import { firstTry, triesTwice } from './second-try.ts'
import { refuseTwoReadings } from './two-readings.ts'
import type { ClientVariables } from './trust.ts'
import type { Site, Wire } from '../site.ts'

/** The status that leads an upgrade to its own location; it never reaches a client, and no application sends it. */
const UPGRADE_STATUS = 590

/** What is an upgrade, and what HTTP backends need besides. */
export function upgradeMaps({ wire, proxyMounts, proxyHosts }: Site, client: ClientVariables): Node[] {
  const speaksHttp = wire === 'http' || proxyMounts.length > 0 || proxyHosts.length > 0
  return [
    { comment: 'An upgrade to another protocol, such as a WebSocket. Clients offer h2c with ordinary requests: not that.' },
    block(
      'map',
      [variable('http_upgrade'), variable('tsgi_upgrade')],
      [entry('default', variable('http_upgrade')), entry(NONE, NONE), entry('h2c', NONE)],
    ),
    ...(speaksHttp
      ? [block('map', [variable('tsgi_upgrade'), variable('tsgi_connection')], [entry('default', 'upgrade'), entry(NONE, NONE)])]
      : []),
    ...(wire === 'http'
      ? [
          { comment: 'HTTP/1.0 knows no Host, HTTP/1.1 to the workers demands one.' },
          block(
            'map',
            [variable(client.host), variable('tsgi_host')],
            [entry('default', variable(client.host)), entry(NONE, variable('server_name'))],
          ),
        ]
      : []),
    { comment: '' },
  ]
}

/** What holds for every location of the server: parameters, buffers, waits. */
export function wireSettings(site: Site): Node[] {
  const { wire } = site
  const client = clientVariables(site.trust)
  return [
    { comment: 'What a worker is told about a request.' },
    ...(wire === 'http'
      ? [directive('proxy_redirect', 'off'), ...requestHeaders(site, client)]
      : requestParams(wire, site, client)),
    // An upgrade over FastCGI is impossible, and goes over uwsgi.
    ...(wire === 'fastcgi' ? requestParams('uwsgi', site, client) : []),
    { comment: '' },
    ...transferSettings(site),
  ]
}

/** How workers are spoken to, whatever they are told. */
export function transferSettings({ wire, timeouts }: Site): Node[] {
  return [
    { comment: 'Room for a long response head, and retries of what no worker has answered.' },
    ...(wire === 'fastcgi' ? [from('wire', directive('fastcgi_keep_conn', 'on'))] : []),
    ...(wire === 'http' ? [directive('proxy_http_version', '1.1')] : []),
    ...transfer(MODULES[wire], timeouts.connectMs, timeouts.readMs),
    ...(wire === 'fastcgi' ? transfer('uwsgi', timeouts.connectMs, timeouts.upgradeReadMs) : []),
    { comment: '' },
  ]
}

/** Buffers, retries and waits of one module. */
function transfer(module: Module, connectMs: number, readMs: number): Directive[] {
  return [
    directive(`${module}_buffer_size`, '32k'),
    directive(`${module}_buffers`, 16, '32k'),
    directive(`${module}_busy_buffers_size`, '64k'),
    directive(`${module}_next_upstream`, 'error', 'timeout'),
    from('connect-timeout', directive(`${module}_connect_timeout`, time(connectMs))),
    directive(`${module}_send_timeout`, time(readMs)),
    directive(`${module}_read_timeout`, time(readMs)),
  ]
}

/**
 * Requests go over the wire, upgrades over one that can carry them and with longer waits. nginx takes a wait in a `location`
 * but not in an `if`: where both use one module, the upgrade has a location of its own, with the request's URI untouched.
 *
 * `open`: the application is not asked about these.
 */
export function passToWorkers(site: Site, index: number, open: boolean): Node[] {
  const { wire, authentication } = site
  const first = open && authentication !== undefined ? [refuseTwoReadings()] : []
  if (wire === 'fastcgi') {
    const upgrade = directive('uwsgi_pass', freshUpstreamOf(index))
    return [
      ...first,
      ...firstTry(site, index),
      block('if', [variable('tsgi_upgrade')], [upgrade]),
      from('wire', pass('fastcgi', index)),
    ]
  }
  return [
    ...first,
    ...(triesTwice(site) ? firstTry(site, index) : errorPages(site)),
    directive('error_page', UPGRADE_STATUS, '=', upgradeLocationName(index, open)),
    block('if', [variable('tsgi_upgrade')], [directive('return', UPGRADE_STATUS)]),
    from('wire', pass(wire, index)),
  ]
}

/** Where upgrades are led to. */
export function upgradeLocation(site: Site, index: number, open: boolean): Directive[] {
  const { wire, timeouts, authentication } = site
  if (wire === 'fastcgi') return []
  const module = MODULES[wire]
  return [
    block(
      'location',
      [upgradeLocationName(index, open)],
      [
        ...(open && authentication !== undefined ? [directive('auth_request', 'off')] : []),
        directive(`${module}_read_timeout`, time(timeouts.upgradeReadMs)),
        directive(`${module}_send_timeout`, time(timeouts.upgradeReadMs)),
        pass(wire, index),
      ],
    ),
  ]
}

function upgradeLocationName(index: number, open: boolean): string {
  return `@tsgi_upgrade${index === 0 ? '' : `_${index}`}${open ? '_open' : ''}`
}

function pass(wire: Wire, index: number): Directive {
  return wire === 'http' ? directive('proxy_pass', `http://${upstreamOf(index)}`) : directive(`${wire}_pass`, upstreamOf(index))
}
