import { block, directive, from, literal, variable } from './directive.ts'
import type { Argument, Directive, Node } from './directive.ts'
import { time } from './names.ts'
import type { ClientVariables } from './trust.ts'
import type { Site } from '../site.ts'

/** Locations of URL paths that other servers answer. `inside`: what else they hold. */
export function otherLocations(site: Site, client: ClientVariables, inside: (url: string) => Node[]): Directive[] {
  return site.proxyMounts.flatMap(({ url, backend }) => {
    const bare = url.replace(/\/$/, '')
    const target = backend.endsWith('/') ? backend : `${backend}/`
    const folder = block(
      'location',
      ['^~', literal(`${bare}/`)],
      [...inside(url), ...passTo(site, client, target, 'proxy-mount-point')],
    )
    if (bare === '') return [from('proxy-mount-point', folder)]
    const toFolder = directive('return', 308, [literal(`${encodeURI(bare)}/`), variable('is_args'), variable('args')])
    return [
      from('proxy-mount-point', block('location', ['=', literal(bare)], [...inside(url), toFolder])),
      from('proxy-mount-point', folder),
    ]
  })
}

/** Requests as they are, to an HTTP server that is not ours; an upgrade goes through. */
export function passTo({ timeouts, authentication }: Site, client: ClientVariables, backend: string, option: string): Node[] {
  const headers: readonly (readonly [string, Argument])[] = [
    ['Host', variable('proxy_host')],
    ['X-Forwarded-For', variable('remote_addr')],
    ['X-Forwarded-Proto', variable(client.scheme)],
    ['X-Forwarded-Host', variable(client.host)],
    ['X-Forwarded-Port', variable(client.port)],
    ['Forwarded', literal('')],
    ['Proxy', literal('')],
    ['Connection', variable('tsgi_connection')],
    ['Upgrade', variable('tsgi_upgrade')],
    // Who the application has said it is, or nobody; never what a client says.
    ...(authentication === undefined ? [] : [['X-Remote-User', variable('tsgi_user')] satisfies [string, Argument]]),
  ]
  return [
    directive('proxy_http_version', '1.1'),
    ...headers.map(([name, value]) => directive('proxy_set_header', name, value)),
    from('proxy-timeout', directive('proxy_read_timeout', time(timeouts.otherReadMs))),
    directive('proxy_send_timeout', time(timeouts.otherReadMs)),
    from(option, directive('proxy_pass', literal(backend))),
    // A redirect to the backend's own address becomes one to here.
    directive('proxy_redirect', 'default'),
  ]
}
