import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { quote } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import type { Exchange } from '../gateway/exchange.ts'
import { callListeners } from './call-listeners.ts'
import { createNodeRequest } from './node-request.ts'
import { GatewaySocket } from './node-socket.ts'

/** Whether a server's listeners are to have the connection of an exchange. Without one, Node takes the request for an ordinary one. */
export function takesUpgrade(server: Server, exchange: Exchange): boolean {
  return server.listenerCount('upgrade') > 0 && exchange.upgrade !== undefined
}

/**
 * Gives the connection of an exchange to the 'upgrade' listeners of a server. They get the proxy's connection, a real
 * `net.Socket`, on which nginx and Apache both take the response that they write.
 *
 * Throws `TSGI_ERR_REQUEST_INVALID`.
 */
export function serveNodeUpgrade(server: Server, exchange: Exchange): void {
  const { mountPoint, log } = exchange.context
  // Only a stand-in: while the request may still be refused, the connection is the exchange's.
  const request = createNodeRequest(exchange, new GatewaySocket(exchange), { mountPoint, upgrade: true })
  if (request === undefined) {
    exchange.respond(404)
    exchange.finished()
    return
  }
  const socket = exchange.takeOver()
  request.socket = socket
  // It has no body, and whoever reads it finds its end.
  request.complete = true
  request.push(null)
  // What the client has sent already is in the socket.
  emitUpgrade(server, request, socket, Buffer.alloc(0), log)
}

/** A listener that throws would end the process under Node; here its connection closes. */
export function emitUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer, log: Logger): void {
  callListeners(server, 'upgrade', [request, socket, head], (error) => {
    log.error(`${quote(request.method).slice(1, -1)} ${quote(request.url).slice(1, -1)} failed in its upgrade`, error)
    socket.destroy()
  })
}
