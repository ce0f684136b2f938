import { TsgiError } from '../../interface/errors.ts'
import { block, directive, from, literal, variable } from './directive.ts'
import type { Literal, Node, Variable } from './directive.ts'
import { entry, NONE } from './names.ts'
import { below } from './regex.ts'
import { TWO_READINGS } from './two-readings.ts'
import type { ClientVariables } from './trust.ts'
import type { ListenAddress, Site, Tls } from '../site.ts'
import type { NginxBuild } from './build.ts'
import { isAtLeast } from '../version.ts'

/** Ciphers of TLS 1.2 with forward secrecy and authenticated encryption (Mozilla's "intermediate"); those of 1.3 are all good. */
const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** Authorities between a client's certificate and the one in the file. */
const CLIENT_CHAIN = 5

/** What the `http` block needs for it. */
export function tlsMaps({ tls, trust }: Site, client: ClientVariables): Node[] {
  if (tls === undefined) return []
  const maps = [...hstsMap(tls, client), ...redirectMaps(tls, client, trust !== undefined), ...demandMaps(tls)]
  return maps.length === 0 ? [] : [...maps, { comment: '' }]
}

/** The header is empty, and so left out, where the client came by plain HTTP: browsers ignore it there, RFC 6797 forbids it (7.2). */
function hstsMap({ hstsPolicy }: Tls, client: ClientVariables): Node[] {
  if (hstsPolicy === undefined) return []
  return [
    from(
      'hsts-policy',
      block(
        'map',
        [variable(client.scheme), variable('tsgi_hsts')],
        [entry('https', literal(hstsPolicy)), entry('default', NONE)],
      ),
    ),
  ]
}

/**
 * Where plain HTTP is led to. 308 keeps a form a form. Behind another proxy, clients know that one's name, and its port is HTTPS's own:
 * a port in X-Forwarded-Host is that of plain HTTP.
 */
function redirectMaps({ only, listen }: Tls, client: ClientVariables, trusts: boolean): Node[] {
  if (!only) return []
  return [
    from(
      'https-only',
      block(
        'map',
        [[variable(client.scheme), literal(':'), variable('request_method')], variable('tsgi_to_https')],
        [entry('default', NONE), entry(literal('~^http:(?:GET|HEAD)$'), '301'), entry(literal('~^http:'), '308')],
      ),
    ),
    ...(trusts
      ? [
          block(
            'map',
            [[variable('tsgi_trusted'), literal(':'), variable('http_x_forwarded_host')], variable('tsgi_https_host')],
            [
              entry('default', ownHost(listen)),
              entry(literal('1:'), variable('host')),
              entry(literal('~^1:([\\w.-]+|\\[[\\da-fA-F:.]+\\])'), variable('1')),
            ],
          ),
        ]
      : []),
  ]
}

function demandMaps({ clients }: Tls): Node[] {
  if (clients === undefined || clients.urls.length === 0) return []
  return [
    from(
      'ssl-verify-client',
      block(
        'map',
        [[variable(TWO_READINGS), literal(':'), variable('uri')], variable('tsgi_demanded')],
        [entry('default', '0'), entry(literal('~^1:'), '1'), ...clients.urls.map((url) => entry(literal(below(url, ':')), '1'))],
      ),
    ),
    block(
      'map',
      [[variable('tsgi_demanded'), literal(':'), variable('ssl_client_verify')], variable('tsgi_no_certificate')],
      [entry('default', NONE), entry(literal('~^1:(?!SUCCESS$)'), '1')],
    ),
  ]
}

/** For every server that speaks HTTPS. */
export function tlsDirectives(tls: Tls, build: NginxBuild): Node[] {
  const { certificateFile, keyFile, clients, http2 } = tls
  return [
    { comment: 'TLS.' },
    from('ssl-certificate-file', directive('ssl_certificate', literal(certificateFile))),
    from('ssl-certificate-key-file', directive('ssl_certificate_key', literal(keyFile))),
    directive('ssl_protocols', 'TLSv1.2', 'TLSv1.3'),
    directive('ssl_ciphers', CIPHERS),
    directive('ssl_prefer_server_ciphers', 'off'),
    directive('ssl_session_cache', 'shared:tsgi:10m'),
    directive('ssl_session_timeout', '1d'),
    directive('ssl_session_tickets', 'off'),
    ...(http2 && hasHttp2Directive(build) ? [from('http2', directive('http2', 'on'))] : []),
    ...(clients === undefined
      ? []
      : [
          from('ssl-ca-certificate-file', directive('ssl_client_certificate', literal(clients.caFile))),
          directive('ssl_verify_client', 'optional'),
          directive('ssl_verify_depth', CLIENT_CHAIN),
        ]),
    { comment: '' },
  ]
}

/** `ssl` and what goes with it in a `listen`. */
export function tlsListenWords({ http2 }: Tls, build: NginxBuild): string[] {
  return ['ssl', ...(http2 && !hasHttp2Directive(build) ? ['http2'] : [])]
}

/** What every request of the server is looked at for: whether it came by HTTPS, and with a certificate. */
export function tlsChecks(tls: Tls, trusts: boolean): Node[] {
  const { clients, only, hstsPolicy } = tls
  return [
    ...(hstsPolicy === undefined ? [] : [hsts()]),
    ...(only ? [redirectBy(301, tls, trusts), redirectBy(308, tls, trusts)] : []),
    ...(clients === undefined
      ? []
      : [
          clients.urls.length === 0
            ? from(
                'ssl-ca-certificate-file',
                block('if', [variable('ssl_client_verify'), '!=', 'SUCCESS'], [directive('return', 403)]),
              )
            : from('ssl-verify-client', block('if', [variable('tsgi_no_certificate')], [directive('return', 403)])),
        ]),
  ]
}

/** Where HTTPS is, to clients that are not behind another proxy. */
function ownHost(listen: Tls['listen']): readonly (Literal | Variable)[] {
  return [variable('host'), literal(portSuffix(listen))]
}

function redirectBy(status: 301 | 308, { listen }: Tls, trusts: boolean): Node {
  const target = [literal('https://'), ...(trusts ? [variable('tsgi_https_host')] : ownHost(listen)), variable('request_uri')]
  return from('https-only', block('if', [variable('tsgi_to_https'), '=', String(status)], [directive('return', status, target)]))
}

/** For a location that adds headers of its own, which makes nginx forget the server's. */
export function hsts(): Node {
  return from('hsts-policy', directive('add_header', 'Strict-Transport-Security', variable('tsgi_hsts'), 'always'))
}

export function checkTls({ tls, wire }: Site): void {
  if (tls?.environment !== true || wire !== 'http') return
  throw new TsgiError(
    'TSGI_ERR_OPTION',
    '--ssl-environment: HTTP has headers only, which clients could send as well; take --wire fastcgi, uwsgi or scgi',
  )
}

function portSuffix([first]: readonly ListenAddress[]): string {
  return first === undefined || first.port === 443 ? '' : `:${first.port}`
}

/** A parameter of `listen` before, which is deprecated since. */
function hasHttp2Directive({ version }: NginxBuild): boolean {
  return isAtLeast(version, '1.25.1')
}
