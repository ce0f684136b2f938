import { TsgiError } from '../interface/errors.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from '../gateway/exchange.ts'
import type { RequestInput } from '../gateway/input.ts'
import { stripAuthority, targetOfPath, targetUnderMount } from '../gateway/request-target.ts'
import { NODE_OBJECTS } from './express-shape.ts'
import type { NodeObjects } from './express-shape.ts'
import { setHeaders } from './node-headers.ts'
import type { GatewaySocket } from './node-socket.ts'
import { layoutOf } from './param-layout.ts'
import type { ParamLayout } from './param-layout.ts'

/** Where the body comes from. A symbol, not a subclass: Express exchanges the prototype of every request for its own. */
const INPUT = Symbol('tsgi.input')

/** A request that came through a gateway. `baseUrl` and `originalUrl` are what Express, Connect and Fastify know a mount point by. */
export interface GatewayRequest extends IncomingMessage {
  [INPUT]?: RequestInput
  baseUrl?: string
  originalUrl?: string
}

/** What a request is told of the connection that carries it. */
export interface RequestOptions {
  /** `''` or `'/x'`. */
  readonly mountPoint: string
  /** The request asks for another protocol, and may get it: the fields that say so stay. */
  readonly upgrade: boolean
  /** How it is made; as Node does when left out. */
  readonly objects?: NodeObjects
}

/**
 * Node's request of an exchange; undefined when it is not under the mount point.
 *
 * `httpVersion` is 1.1, as behind `proxy_pass`: what the client speaks with the proxy is the proxy's. `rawHeaders` has names as
 * they are mostly written, for a gateway does not tell their case.
 *
 * Throws `TSGI_ERR_REQUEST_INVALID`.
 */
export function createNodeRequest(
  exchange: Exchange,
  socket: GatewaySocket | Socket,
  options: RequestOptions,
): GatewayRequest | undefined {
  const { params } = exchange
  const layout = layoutOf(params)
  layout.check(params)
  // IncomingMessage uses of a socket what every stream has.
  const request: GatewayRequest = (options.objects ?? NODE_OBJECTS).request(socket as Socket)
  request.httpVersion = '1.1'
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  setHeaders(request, params, layout, fieldsOfConnection(layout, params, options.upgrade))
  request.method = layout.method(params)
  if (request.method === '') {
    throw new TsgiError('TSGI_ERR_REQUEST_INVALID', 'REQUEST_METHOD is missing; the proxy sends no CGI variables')
  }
  const requestUri = layout.target(params)
  const target = requestUri === '' ? targetWithoutUri(layout, params) : stripAuthority(requestUri)
  const { mountPoint } = options
  if (mountPoint === '') {
    request.url = target
  } else {
    const url = targetUnderMount(target, mountPoint)
    if (url === undefined) return undefined
    request.url = url
    request.baseUrl = mountPoint
    request.originalUrl = target
  }
  request[INPUT] = exchange.input
  request._read = readBody
  return request
}

const NO_FIELDS: readonly string[] = []

/**
 * The fields of the proxy's connection that an application has use for: those of an upgrade, and, for a body whose length is not
 * known, one of the two that parsers of bodies look for.
 */
function fieldsOfConnection(layout: ParamLayout, params: readonly string[], upgrade: boolean): readonly string[] {
  if (upgrade) return ['Connection', layout.value(params, 'HTTP_CONNECTION')]
  const isChunked = layout.value(params, 'HTTP_TRANSFER_ENCODING') !== '' && layout.value(params, 'CONTENT_LENGTH') === ''
  return isChunked ? ['Transfer-Encoding', 'chunked'] : NO_FIELDS
}

function targetWithoutUri(layout: ParamLayout, params: readonly string[]): string {
  const path = `${layout.value(params, 'SCRIPT_NAME')}${layout.value(params, 'PATH_INFO')}`
  return targetOfPath(path, layout.value(params, 'QUERY_STRING'))
}

/** The stream asks for more. */
function readBody(this: GatewayRequest): void {
  const input = this[INPUT]
  if (input !== undefined) pump(this, input)
}

function pump(request: GatewayRequest, input: RequestInput): void {
  for (;;) {
    if (request.destroyed) return
    const chunk = input.shift()
    if (chunk !== undefined) {
      if (!request.push(chunk)) return
      continue
    }
    if (input.error !== undefined || (input.discarded && hasBody(request))) {
      request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
      return
    }
    if (input.ended || input.discarded) {
      // Before the end is told: listeners look at it.
      request.complete = true
      request.push(null)
      return
    }
    input.onMore(() => pump(request, input))
    return
  }
}

/** Where the request has none, no part of it is lost when the response is complete before its end has come in. */
export function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  return coding !== undefined || (length !== undefined && length !== '0')
}
