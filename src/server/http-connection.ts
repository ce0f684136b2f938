import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Chunk } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import { Exchange } from '../gateway/exchange.ts'
import type { Transport } from '../gateway/transport.ts'
import { disconnected, isLast, startExchange } from './connection.ts'
import type { ConnectionServer } from './connection.ts'
import { forwardedPeer, isBehindProxy } from './http-peer.ts'

/** One request that `node:http` has parsed, and the response it frames. */
export class HttpTransport implements Transport {
  readonly #server: ConnectionServer
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly exchange: Exchange
  #received = 0

  constructor(server: ConnectionServer, request: IncomingMessage, response: ServerResponse, params = paramsOf(request)) {
    this.#server = server
    this.#request = request
    this.#response = response
    this.exchange = new Exchange(server.context, this, params)
  }

  /** Connects the body and the end of the connection, and calls the application. */
  start(): void {
    const { exchange } = this
    const request = this.#request
    const limit = this.#server.limits.maxRequestBodyBytes
    const declared = request.headers['content-length']
    this.#response.on('drain', () => exchange.drained())
    this.#response.on('close', () => {
      if (!this.#response.writableFinished) exchange.disconnect(disconnected(undefined))
    })
    this.#response.on('error', ignore)
    if (limit > 0 && declared !== undefined && Number(declared) > limit) {
      // The body is not wanted, and neither is the connection that it would have to be read from.
      this.#response.shouldKeepAlive = false
      this.#server.requestStarted()
      exchange.fail(new TsgiError('TSGI_ERR_BODY_LIMIT', `${declared} bytes, the limit is ${limit}`))
      exchange.finished()
      return
    }
    if (declared === undefined && request.headers['transfer-encoding'] === undefined) {
      exchange.input.end()
    } else {
      request.on('data', this.#onData)
      request.on('end', () => exchange.input.end())
      request.on('error', (error) => exchange.input.fail(disconnected(error)))
    }
    startExchange(this.#server, exchange)
  }

  readonly #onData = (chunk: Buffer): void => {
    const limit = this.#server.limits.maxRequestBodyBytes
    this.#received += chunk.length
    if (limit > 0 && this.#received > limit) {
      const error = new TsgiError('TSGI_ERR_BODY_LIMIT', `more than ${limit} bytes came`)
      // Who reads must not take what has come for all there is.
      this.exchange.input.fail(error)
      this.exchange.fail(error)
      // Answered already or just now: what still comes is not waited for.
      this.#request.off('data', this.#onData)
      this.#request.socket.destroySoon()
      return
    }
    this.exchange.input.push(chunk)
  }

  /** The body does not come on: whoever reads it learns that, and the connection ends with the response. */
  giveUpBody(): void {
    this.#response.shouldKeepAlive = false
    this.exchange.input.fail(new TsgiError('TSGI_ERR_BODY_TIMEOUT'))
  }

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    const response = this.#response
    if (isLast(this.#server)) response.shouldKeepAlive = false
    response.writeHead(Number(status.slice(0, 3)), status.slice(4), flatFields(fields))
    if (last) {
      if (body === null) response.end()
      else response.end(body)
      return true
    }
    if (body === null) {
      response.flushHeaders()
      return true
    }
    return response.write(body)
  }

  sendBody(chunk: Chunk): boolean {
    return this.#response.write(chunk)
  }

  end(): void {
    this.#response.end()
  }

  /** What is buffered still leaves, then the connection closes without the end that the client waits for. */
  abort(): void {
    const socket = this.#response.socket
    if (socket === null) this.#response.destroy()
    else socket.end(() => this.#response.destroy())
  }

  pauseInput(): void {
    this.#request.pause()
  }

  resumeInput(): void {
    this.#request.resume()
  }

  finished(): void {
    this.#server.requestFinished()
  }
}

/** Field lines as node:http takes them: `[name, value, …]`. */
function flatFields(fields: string): string[] {
  const flat: string[] = []
  for (let start = 0; start < fields.length;) {
    const colon = fields.indexOf(':', start)
    const end = fields.indexOf('\r\n', colon)
    flat.push(fields.slice(start, colon), fields.slice(colon + 2, end))
    start = end + 2
  }
  return flat
}

/** CGI variables of an HTTP request, `[name, value, …]` (RFC 3875, section 4.1). */
export function paramsOf(request: IncomingMessage): string[] {
  const socket = request.socket
  const params = [
    'REQUEST_METHOD',
    request.method ?? '',
    'REQUEST_URI',
    request.url ?? '',
    'SERVER_PROTOCOL',
    `HTTP/${request.httpVersion}`,
    'SERVER_NAME',
    socket.localAddress ?? 'localhost',
    'SERVER_PORT',
    socket.localPort === undefined ? '' : String(socket.localPort),
    'CONTENT_TYPE',
    request.headers['content-type'] ?? '',
    'CONTENT_LENGTH',
    request.headers['content-length'] ?? '',
  ]
  addPeer(params, request, socket)
  const { rawHeaders } = request
  const host = hostOfTarget(request)
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (host !== undefined && name.toLowerCase() === 'host') {
      params.push('HTTP_HOST', host)
      continue
    }
    // X_Forwarded_For would become the same variable as X-Forwarded-For: dropped, as nginx drops it.
    if (name.includes('_')) continue
    params.push(`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, rawHeaders[index + 1] ?? '')
  }
  return params
}

/** Of an absolute target of a client the host holds, whatever Host says (RFC 9112, section 3.2.2); a proxy has seen to that. */
function hostOfTarget({ url = '', socket }: IncomingMessage): string | undefined {
  return url.startsWith('/') || isBehindProxy(socket) ? undefined : /^https?:\/\/([^/?#@]+)/i.exec(url)?.[1]
}

/** Who the client is: over TCP the peer, else whom the proxy names. */
function addPeer(params: string[], request: IncomingMessage, socket: Socket): void {
  if (!isBehindProxy(socket)) {
    params.push(
      'REMOTE_ADDR',
      (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
      'REMOTE_PORT',
      String(socket.remotePort ?? ''),
    )
    params.push('REQUEST_SCHEME', 'http')
    return
  }
  const { address, serverPort, encrypted } = forwardedPeer(request)
  if (address !== undefined) params.push('REMOTE_ADDR', address)
  if (serverPort !== undefined) params[params.indexOf('SERVER_PORT') + 1] = serverPort
  const host = request.headers.host?.replace(/:\d*$/, '')
  if (host) params[params.indexOf('SERVER_NAME') + 1] = host
  params.push('REQUEST_SCHEME', encrypted ? 'https' : 'http')
}

/** A response's error is its connection's, which 'close' reports. */
function ignore(): void {}
