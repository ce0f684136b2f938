import { directive, literal, variable } from './directive.ts'
import type { Argument, Directive } from './directive.ts'
import type { ClientVariables } from './trust.ts'
import type { Site } from '../site.ts'

/** A name that a worker is told, its value, and whether it is left out where that is empty. */
type Param = readonly [name: string, value: Argument, flag?: 'if_not_empty']

/** What is asked for: by the client, or in place of an error, which is by another URL and without a body. */
const OF_CLIENT = { uri: 'request_uri', length: 'content_length' } as const
export const OF_ERROR_DOCUMENT = { uri: 'tsgi_request_uri', length: 'tsgi_content_length' } as const

/** The parts of a site that decide what workers are told. */
export type ParamSources = Partial<Pick<Site, 'authentication' | 'tls' | 'errorDocuments'>>

/**
 * What a worker is told about a request, over FastCGI, uwsgi and SCGI. The set is our own: Debian's files send another HTTP_HOST,
 * and a set that is included beside a second one sends duplicates.
 */
function paramsOf({ authentication, tls, errorDocuments = [] }: ParamSources, client: ClientVariables): Param[] {
  const asked = errorDocuments.length === 0 ? OF_CLIENT : OF_ERROR_DOCUMENT
  return [
    ['REQUEST_METHOD', variable('request_method')],
    // Raw, as the client sent it: workers compute SCRIPT_NAME and PATH_INFO from it.
    ['REQUEST_URI', variable(asked.uri)],
    ['SCRIPT_NAME', literal('')],
    ['PATH_INFO', variable('document_uri')],
    ['QUERY_STRING', variable('query_string')],
    ['CONTENT_TYPE', variable('content_type')],
    ['CONTENT_LENGTH', variable(asked.length)],
    ['SERVER_PROTOCOL', variable('server_protocol')],
    ['REQUEST_SCHEME', variable(client.scheme)],
    ['HTTPS', variable(client.https), 'if_not_empty'],
    ['REMOTE_ADDR', variable('remote_addr')],
    ['REMOTE_PORT', variable('remote_port')],
    ['SERVER_NAME', variable('server_name')],
    ['SERVER_PORT', variable(client.port)],
    ['SERVER_ADDR', variable('server_addr')],
    ['SERVER_SOFTWARE', [literal('nginx/'), variable('nginx_version')]],
    // With its port, which $host loses.
    ['HTTP_HOST', variable(client.host), 'if_not_empty'],
    // Set, not added to: this proxy is the first one that is believed, so what a client claims is dropped. Applications that were
    // behind a proxy before look here.
    ['HTTP_X_FORWARDED_FOR', variable('remote_addr')],
    ['HTTP_X_FORWARDED_PROTO', variable(client.scheme)],
    ['HTTP_X_FORWARDED_HOST', variable(client.host), 'if_not_empty'],
    ['HTTP_X_FORWARDED_PORT', variable(client.port)],
    ['HTTP_FORWARDED', literal(''), 'if_not_empty'],
    // A client's Proxy header must not become the HTTP_PROXY that programs take for a setting.
    ['HTTP_PROXY', literal(''), 'if_not_empty'],
    ['TSGI_REQUEST_ID', variable('request_id')],
    ...(authentication === undefined ? [] : USER_PARAMS),
    ...(tls?.environment === true ? TLS_PARAMS : []),
  ]
}

/** Who the application has said it is, when it was asked; never what a client says. */
const USER_PARAMS: readonly Param[] = [
  ['REMOTE_USER', variable('tsgi_user'), 'if_not_empty'],
  ['HTTP_X_REMOTE_USER', variable('tsgi_user'), 'if_not_empty'],
]

/** The names that Apache's mod_ssl has for them. The certificate is URL-encoded PEM, as nginx has no other safe form of it. */
const TLS_PARAMS: readonly Param[] = [
  ['SSL_PROTOCOL', variable('ssl_protocol'), 'if_not_empty'],
  ['SSL_CIPHER', variable('ssl_cipher'), 'if_not_empty'],
  ['SSL_CLIENT_VERIFY', variable('ssl_client_verify'), 'if_not_empty'],
  ['SSL_CLIENT_S_DN', variable('ssl_client_s_dn'), 'if_not_empty'],
  ['SSL_CLIENT_I_DN', variable('ssl_client_i_dn'), 'if_not_empty'],
  ['SSL_CLIENT_M_SERIAL', variable('ssl_client_serial'), 'if_not_empty'],
  ['SSL_CLIENT_CERT', variable('ssl_client_escaped_cert'), 'if_not_empty'],
]

/** What the request for `url` is told that asks whether another one may pass. */
function authParams(url: string): Param[] {
  return [
    ['REQUEST_METHOD', 'GET'],
    ['REQUEST_URI', literal(url)],
    ['PATH_INFO', literal(url)],
    ['QUERY_STRING', literal('')],
    ['CONTENT_TYPE', literal('')],
    ['CONTENT_LENGTH', literal('')],
    ['REMOTE_USER', literal(''), 'if_not_empty'],
    ['HTTP_X_REMOTE_USER', literal(''), 'if_not_empty'],
    ['HTTP_X_ORIGINAL_METHOD', variable('request_method')],
    ['HTTP_X_ORIGINAL_URI', variable('request_uri')],
    // An upgrade is asked about, not made.
    ['HTTP_UPGRADE', literal(''), 'if_not_empty'],
    // What the client has of the page it has not of this answer, which must not be 304 or 206.
    ['HTTP_IF_NONE_MATCH', literal(''), 'if_not_empty'],
    ['HTTP_IF_MODIFIED_SINCE', literal(''), 'if_not_empty'],
    ['HTTP_RANGE', literal(''), 'if_not_empty'],
  ]
}

/**
 * Over SCGI nginx says the length by itself, as the protocol wants it, and leaves the version to its configuration. The client's own
 * length is not that of a request without the client's body, and a worker refuses two that differ.
 */
function asScgi(params: readonly Param[]): Param[] {
  return [
    ['SCGI', '1'],
    ...params.filter(([name]) => name !== 'CONTENT_LENGTH'),
    ['HTTP_CONTENT_LENGTH', literal(''), 'if_not_empty'],
  ]
}

/** `fastcgi_param`, `uwsgi_param` or `scgi_param` lines. `askAt`: those of the request that asks the application at this URL. */
export function requestParams(
  module: 'fastcgi' | 'uwsgi' | 'scgi',
  sources: ParamSources,
  client: ClientVariables,
  askAt?: string,
): Directive[] {
  const params = merged(paramsOf(sources, client), askAt === undefined ? [] : authParams(askAt))
  const said = module === 'scgi' ? asScgi(params) : params
  return said.map(([name, value, flag]) => directive(`${module}_param`, name, value, ...(flag === undefined ? [] : [flag])))
}

/** What HTTP has no variables for. */
function headersOf({ authentication }: ParamSources, client: ClientVariables): Param[] {
  return [
    ['Host', variable('tsgi_host')],
    ['X-Forwarded-For', variable('remote_addr')],
    ['X-Forwarded-Proto', variable(client.scheme)],
    ['X-Forwarded-Host', variable('tsgi_host')],
    ['X-Forwarded-Port', variable(client.port)],
    ['Forwarded', literal('')],
    ['Proxy', literal('')],
    // Empty: the connection to the worker is kept alive. `upgrade` with the next one for a WebSocket.
    ['Connection', variable('tsgi_connection')],
    ['Upgrade', variable('tsgi_upgrade')],
    ...(authentication === undefined ? [] : [['X-Remote-User', variable('tsgi_user')] satisfies Param]),
  ]
}

/** `proxy_set_header` lines. */
export function requestHeaders(sources: ParamSources, client: ClientVariables, asks = false): Directive[] {
  const asking: readonly Param[] = [
    ['Connection', literal('')],
    ['Upgrade', literal('')],
    ['Content-Length', literal('')],
    ['If-None-Match', literal('')],
    ['If-Modified-Since', literal('')],
    ['Range', literal('')],
    ['X-Remote-User', literal('')],
    ['X-Original-Method', variable('request_method')],
    ['X-Original-URI', variable('request_uri')],
  ]
  return merged(headersOf(sources, client), asks ? asking : []).map(([name, value]) => directive('proxy_set_header', name, value))
}

/** `params` with `others` in the place of those of the same name, or behind them. */
function merged(params: readonly Param[], others: readonly Param[]): Param[] {
  const replaced = new Map<string, Param>([...params, ...others].map((param) => [param[0], param]))
  return [...replaced.values()]
}
