import { block, directive, from, literal, variable } from './directive.ts'
import type { Node } from './directive.ts'
import { entry, NONE } from './names.ts'
import type { TrustedProxies } from '../site.ts'

/** nginx's variables that tell how the client came, as a trusted proxy in front says it; without one, as nginx itself sees it. */
export interface ClientVariables {
  readonly scheme: string
  readonly https: string
  readonly host: string
  readonly port: string
}

/** Without a trusted proxy. */
const OWN: ClientVariables = { scheme: 'scheme', https: 'https', host: 'http_host', port: 'server_port' }

/** With one. */
const TOLD: ClientVariables = { scheme: 'tsgi_scheme', https: 'tsgi_https', host: 'tsgi_client_host', port: 'tsgi_port' }

export function clientVariables(trust: TrustedProxies | undefined): ClientVariables {
  return trust === undefined ? OWN : TOLD
}

/**
 * What makes those variables, for the `http` block. Whoever is not trusted can say what he likes: the peer's own address decides,
 * before the real_ip module replaces it.
 */
export function trustDirectives(trust: TrustedProxies | undefined): Node[] {
  if (trust === undefined) return []
  const told = (name: string, header: string, lines: Node[]): Node =>
    block('map', [[variable('tsgi_trusted'), literal(':'), variable(header)], variable(name)], lines)
  return [
    { comment: 'Who may say whom a request is from. An address of a trusted proxy in the list is skipped.' },
    ...trust.networks.map((network) => from('trust-proxy', directive('set_real_ip_from', literal(network)))),
    from('trust-proxy-header', directive('real_ip_header', literal(trust.header))),
    directive('real_ip_recursive', 'on'),
    from(
      'trust-proxy',
      block(
        'geo',
        [variable('realip_remote_addr'), variable('tsgi_trusted')],
        [entry('default', '0'), ...trust.networks.map((network) => entry(literal(network), '1'))],
      ),
    ),
    told(TOLD.scheme, 'http_x_forwarded_proto', [
      entry('default', variable('scheme')),
      entry(literal('~*^1:https'), 'https'),
      entry(literal('~*^1:http(?:$|,)'), 'http'),
    ]),
    block('map', [variable(TOLD.scheme), variable(TOLD.https)], [entry('https', 'on'), entry('default', NONE)]),
    { comment: 'The first of several: the one that the client spoke to.' },
    told(TOLD.host, 'http_x_forwarded_host', [
      entry('default', variable('http_host')),
      entry(literal('~^1:([\\w.:[\\]-]+)(?:$|[\\s,])'), variable('1')),
    ]),
    block(
      'map',
      [
        [
          variable('tsgi_trusted'),
          literal(':'),
          variable('http_x_forwarded_port'),
          literal(':'),
          variable('http_x_forwarded_proto'),
        ],
        variable(TOLD.port),
      ],
      [
        entry('default', variable('server_port')),
        entry(literal('~^1:(\\d{1,5})(?:,|:)'), variable('1')),
        entry(literal('~*^1::https'), '443'),
        entry(literal('~*^1::http(?:$|,)'), '80'),
      ],
    ),
    { comment: '' },
  ]
}
