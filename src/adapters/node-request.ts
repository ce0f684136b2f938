import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { belongsToConnection } from '../gateway/connection-fields.ts'
import { findParam } from '../gateway/params.ts'
import type { Exchange } from '../gateway/exchange.ts'
import type { RequestInput } from '../gateway/input.ts'
import { stripAuthority, targetOfPath, targetUnderMount } from '../gateway/request-target.ts'
import { NODE_OBJECTS } from './express-shape.ts'
import type { NodeObjects } from './express-shape.ts'
import type { GatewaySocket } from './node-socket.ts'

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
  // IncomingMessage uses of a socket what every stream has.
  const request: GatewayRequest = (options.objects ?? NODE_OBJECTS).request(socket as Socket)
  request.httpVersion = '1.1'
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  const rawHeaders = request.rawHeaders
  let method = ''
  let requestUri = ''
  let contentLength = ''
  let chunked = false
  for (let index = 0; index < params.length; index += 2) {
    const name = params[index] ?? ''
    if (name.startsWith('HTTP_')) {
      const field = fieldName(name)
      if (field !== undefined) rawHeaders.push(field, params[index + 1] ?? '')
      else if (name === 'HTTP_TRANSFER_ENCODING') chunked = true
      else if (options.upgrade && name === 'HTTP_CONNECTION') rawHeaders.push('Connection', params[index + 1] ?? '')
    } else if (name === 'REQUEST_METHOD') {
      method = params[index + 1] ?? ''
    } else if (name === 'REQUEST_URI') {
      requestUri = params[index + 1] ?? ''
    } else if (name === 'CONTENT_LENGTH') {
      contentLength = params[index + 1] ?? ''
      if (contentLength !== '') rawHeaders.push('Content-Length', contentLength)
    } else if (name === 'CONTENT_TYPE') {
      const type = params[index + 1] ?? ''
      if (type !== '') rawHeaders.push('Content-Type', type)
    }
  }
  // A body whose length is not known: parsers of bodies look for one of the two.
  if (chunked && contentLength === '') rawHeaders.push('Transfer-Encoding', 'chunked')
  // `headers` and `headersDistinct` are made of what was given here, once somebody asks; nothing public does that.
  const lines = request as unknown as { _addHeaderLines(lines: string[], count: number): void } // as on every Node from 20 to 26
  lines._addHeaderLines(rawHeaders, rawHeaders.length)
  request.method = method
  const target = requestUri === '' ? targetWithoutUri(params) : stripAuthority(requestUri)
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

function targetWithoutUri(params: readonly string[]): string {
  const path = `${findParam(params, 'SCRIPT_NAME') ?? ''}${findParam(params, 'PATH_INFO') ?? ''}`
  return targetOfPath(path, findParam(params, 'QUERY_STRING') ?? '')
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

/** Names that were seen, by variable; a client that makes them up must not make this grow. */
const MAX_NAMES = 256
const NAMES = new Map<string, string | undefined>()

/** `HTTP_ACCEPT_LANGUAGE` → `Accept-Language`; undefined for fields of the connection. */
function fieldName(variable: string): string | undefined {
  const known = NAMES.get(variable)
  if (known !== undefined || NAMES.has(variable)) return known
  const name = belongsToConnection(variable)
    ? undefined
    : variable
        .slice(5)
        .toLowerCase()
        .replaceAll('_', '-')
        .replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase())
  if (NAMES.size < MAX_NAMES) NAMES.set(variable, name)
  return name
}
