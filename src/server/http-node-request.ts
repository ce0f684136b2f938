import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { quote } from '../interface/errors.ts'
import type { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { familyOf } from '../gateway/peer.ts'
import { stripAuthority, targetUnderMount } from '../gateway/request-target.ts'
import { CLIENT_LEFT } from '../gateway/request-meter.ts'
import type { NodeHandler } from '../gateway/request-handler.ts'
import { REASONS } from '../gateway/reasons.ts'
import { AdmittedRequest } from './admission.ts'
import type { Admission, Progress } from './admission.ts'
import { isLast, probeAnswer } from './connection.ts'
import type { ConnectionServer } from './connection.ts'
import { answeredPast, logNodeRequest } from './http-access.ts'
import { countedPast, countNodeRequest } from './http-meter.ts'
import { forwardedPeer, isBehindProxy } from './http-peer.ts'

/**
 * Gives a Node application the very request and response that `node:http` has made. What an exchange would see to is seen to
 * here: the probe, the limit of the body, the mount point, the count of requests, and who the client is.
 */
export function serveNodeRequest(
  server: ConnectionServer,
  node: NodeHandler,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (isLast(server)) response.shouldKeepAlive = false
  const { mountPoint, probeToken, access, meter } = server.context
  server.requestStarted()
  response.once('close', () => server.requestFinished())
  if (probeToken !== undefined && request.headers['x-tsgi-probe'] === probeToken) {
    answer(response, 204, Object.fromEntries(probeAnswer()))
    return
  }
  if (meter !== undefined) countNodeRequest(meter, request, response)
  if (access !== undefined) logNodeRequest(access, request, response)
  if (!withinLimit(server.limits.maxRequestBodyBytes, request, response)) return
  if (!mountNodeRequest(request, mountPoint)) {
    answer(response, 404)
    return
  }
  if (isBehindProxy(request.socket)) describePeer(request)
  if (server.admission === undefined) node.request(request, response)
  else server.admission.begin(new AdmittedNodeRequest(server.admission, server, node, request, response))
}

class AdmittedNodeRequest extends AdmittedRequest {
  readonly #log: Logger
  readonly #node: NodeHandler
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(
    admission: Admission,
    server: ConnectionServer,
    node: NodeHandler,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    super(admission)
    this.#log = server.context.log
    this.#node = node
    this.#request = request
    this.#response = response
    response.once('close', () => this.done())
  }

  /** A client that leaves closes its response. */
  override wait(): void {}

  override start(): void {
    if (this.#response.destroyed || this.#request.socket.destroyed) this.done()
    else this.#node.request(this.#request, this.#response)
  }

  override timeOut(error: TsgiError): boolean {
    const response = this.#response
    if (response.destroyed || hasSent(response)) return true
    // Its turn has not come: an earlier response of its connection is still on its way.
    if (response.socket === null) return false
    this.#log.error(`${nodeRequestLabel(this.#request)} answered 504`, error)
    answerPast(this.#request, '504 Gateway Timeout', 'Gateway Timeout\n')
    return true
  }

  override get progress(): Progress {
    const response = this.#response
    const begun = response.destroyed || hasSent(response)
    return { label: nodeRequestLabel(this.#request), begun, status: hasSent(response) ? response.statusCode : CLIENT_LEFT }
  }

  override refuse(retryAfterSeconds: number): void {
    answer(this.#response, 503, { 'Retry-After': String(retryAfterSeconds) })
    this.done()
  }
}

/** The request for a log line: method and target, bounded and escaped, and the proxy's id for it. */
export function nodeRequestLabel(request: IncomingMessage): string {
  const id = request.headers['x-request-id']
  const line = `${quote(request.method).slice(1, -1)} ${quote(request.url).slice(1, -1)}`
  return id === undefined ? line : `${line} [${quote(String(id)).slice(1, -1)}]`
}

/** Whether anything of the response has left. `headersSent` is true as soon as the head is written down, by `writeHead`. */
function hasSent(response: ServerResponse): boolean {
  const left: unknown = Reflect.get(response, '_headerSent')
  return typeof left === 'boolean' ? left : response.headersSent
}

/** Takes the mount point off a request's URL. False: the request is not under it. */
export function mountNodeRequest(request: IncomingMessage, mountPoint: string): boolean {
  if (mountPoint === '') return true
  const original = request.url ?? ''
  const url = targetUnderMount(stripAuthority(original), mountPoint)
  if (url === undefined) return false
  request.url = url
  Object.assign(request, { baseUrl: mountPoint, originalUrl: original })
  return true
}

/** Refuses a body that is declared too long, and watches one that is not declared. False: it was refused. */
function withinLimit(limit: number, request: IncomingMessage, response: ServerResponse): boolean {
  if (limit === 0) return true
  const declared = request.headers['content-length']
  if (declared !== undefined && Number(declared) > limit) {
    refuseBody(request, response)
    return false
  }
  if (declared === undefined && request.headers['transfer-encoding'] !== undefined) {
    let received = 0
    // `node:http`'s parser hands every chunk to it.
    const push = request.push.bind(request)
    request.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk instanceof Uint8Array) received += chunk.length
      if (received <= limit) return push(chunk, encoding)
      refuseBody(request, response)
      return false
    }
  }
  return true
}

/** The body does not come on, and is waited for no longer. */
export function refuseSlowBody(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) request.socket.destroySoon()
  else answerPast(request, '408 Request Timeout', 'Request Timeout\n')
}

/** The body is not wanted, and neither is the connection that it would have to be read from. */
function refuseBody(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) request.socket.destroySoon()
  else answerPast(request, '413 Content Too Large', 'Content Too Large\n')
}

/** The last answer on a connection. It goes past the response, which is the application's, who may be about to use it. */
function answerPast(request: IncomingMessage, status: string, text: string): void {
  const { socket } = request
  if (socket.writable) {
    const body = request.method === 'HEAD' ? '' : text
    answeredPast(request, Number(status.slice(0, 3)), body.length)
    countedPast(request, Number(status.slice(0, 3)))
    socket.write(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroySoon()
}

function answer(response: ServerResponse, status: 204 | 404 | 503, fields: Readonly<Record<string, string>> = {}): void {
  const text = status === 204 ? '' : `${REASONS[status] ?? ''}\n`
  response.writeHead(status, text === '' ? fields : { ...fields, 'Content-Type': 'text/plain; charset=utf-8' })
  response.end(text)
}

/**
 * Over a unix socket the peer is the proxy: who its client is, it says. A proxy's connection carries the requests of many clients,
 * one after the other, so the socket tells of the client of the request that it carries now.
 */
export function describePeer(request: IncomingMessage): void {
  const { address, encrypted } = forwardedPeer(request)
  const socket: Socket & { encrypted?: boolean } = request.socket
  Object.defineProperties(socket, {
    remoteAddress: { value: address, configurable: true, enumerable: true },
    remoteFamily: { value: familyOf(address), configurable: true, enumerable: true },
    encrypted: { value: encrypted, configurable: true, enumerable: true },
  })
}
