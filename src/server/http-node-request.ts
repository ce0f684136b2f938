import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { familyOf } from '../gateway/peer.ts'
import { stripAuthority, targetUnderMount } from '../gateway/request-target.ts'
import type { NodeHandler } from '../gateway/request-handler.ts'
import { probeAnswer } from './connection.ts'
import type { ConnectionServer } from './connection.ts'
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
  if (server.draining) response.shouldKeepAlive = false
  server.requestStarted()
  response.once('close', () => server.requestFinished())
  const { mountPoint, probeToken } = server.context
  if (probeToken !== undefined && request.headers['x-tsgi-probe'] === probeToken) {
    answer(response, 204, Object.fromEntries(probeAnswer()))
    return
  }
  if (!withinLimit(server.limits.maxRequestBodyBytes, request, response)) return
  if (!mountNodeRequest(request, mountPoint)) {
    answer(response, 404)
    return
  }
  if (isBehindProxy(request.socket)) describePeer(request)
  node.request(request, response)
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

/**
 * The body is not wanted, and neither is the connection that it would have to be read from. The answer goes past the response,
 * which is the application's, who may be about to use it.
 */
function refuseBody(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  if (!response.headersSent && socket.writable) {
    const text = 'Content Too Large\n'
    socket.write(
      `HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
    )
  }
  socket.destroySoon()
}

function answer(response: ServerResponse, status: 204 | 404, fields: Readonly<Record<string, string>> = {}): void {
  const text = status === 204 ? '' : 'Not Found\n'
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
