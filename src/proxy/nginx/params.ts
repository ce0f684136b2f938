import { directive, literal, variable } from './directive.ts'
import type { Argument, Directive } from './directive.ts'

/**
 * What a worker is told about a request, over FastCGI and uwsgi. The set is our own: Debian's files send another HTTP_HOST,
 * and a set that is included beside a second one sends duplicates.
 */
const PARAMS: readonly (readonly [name: string, value: Argument, flag?: 'if_not_empty'])[] = [
  ['REQUEST_METHOD', variable('request_method')],
  // Raw, as the client sent it: workers compute SCRIPT_NAME and PATH_INFO from it.
  ['REQUEST_URI', variable('request_uri')],
  ['SCRIPT_NAME', literal('')],
  ['PATH_INFO', variable('document_uri')],
  ['QUERY_STRING', variable('query_string')],
  ['CONTENT_TYPE', variable('content_type')],
  ['CONTENT_LENGTH', variable('content_length')],
  ['SERVER_PROTOCOL', variable('server_protocol')],
  ['REQUEST_SCHEME', variable('scheme')],
  ['HTTPS', variable('https'), 'if_not_empty'],
  ['REMOTE_ADDR', variable('remote_addr')],
  ['REMOTE_PORT', variable('remote_port')],
  ['SERVER_NAME', variable('server_name')],
  ['SERVER_PORT', variable('server_port')],
  ['SERVER_ADDR', variable('server_addr')],
  ['SERVER_SOFTWARE', [literal('nginx/'), variable('nginx_version')]],
  // With its port, which $host loses.
  ['HTTP_HOST', variable('http_host'), 'if_not_empty'],
  // Set, not added to: this proxy is the first one, so what a client claims is dropped. Applications that were behind a proxy before
  // look here.
  ['HTTP_X_FORWARDED_FOR', variable('remote_addr')],
  ['HTTP_X_FORWARDED_PROTO', variable('scheme')],
  ['HTTP_X_FORWARDED_HOST', variable('http_host'), 'if_not_empty'],
  ['HTTP_X_FORWARDED_PORT', variable('server_port')],
  ['HTTP_FORWARDED', literal(''), 'if_not_empty'],
  // A client's Proxy header must not become the HTTP_PROXY that programs take for a setting.
  ['HTTP_PROXY', literal(''), 'if_not_empty'],
  ['TSGI_REQUEST_ID', variable('request_id')],
]

/** `fastcgi_param` or `uwsgi_param` lines. */
export function requestParams(module: 'fastcgi' | 'uwsgi'): Directive[] {
  return PARAMS.map(([name, value, flag]) => directive(`${module}_param`, name, value, ...(flag === undefined ? [] : [flag])))
}

/** What HTTP has no variables for. */
const HEADERS: readonly (readonly [name: string, value: Argument])[] = [
  ['Host', variable('tsgi_host')],
  ['X-Forwarded-For', variable('remote_addr')],
  ['X-Forwarded-Proto', variable('scheme')],
  ['X-Forwarded-Host', variable('tsgi_host')],
  ['X-Forwarded-Port', variable('server_port')],
  ['Forwarded', literal('')],
  ['Proxy', literal('')],
  // Empty: the connection to the worker is kept alive. `upgrade` with the next one for a WebSocket.
  ['Connection', variable('tsgi_connection')],
  ['Upgrade', variable('tsgi_upgrade')],
]

/** `proxy_set_header` lines. */
export function requestHeaders(): Directive[] {
  return HEADERS.map(([name, value]) => directive('proxy_set_header', name, value))
}
