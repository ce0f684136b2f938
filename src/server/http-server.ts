import { createServer } from 'node:http'
import type { IncomingMessage, Server as NodeHttpServer, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HEADER_TIMEOUT_MS } from '../interface/limits.ts'
import { failNodeResponse } from '../adapters/node-failure.ts'
import type { Logger } from '../interface/logger.ts'
import type { ConnectionServer } from './connection.ts'
import { HttpTransport } from './http-connection.ts'
import { nodeRequestLabel, serveNodeRequest } from './http-node-request.ts'
import { rememberPeer } from './http-peer.ts'
import { HttpUpgrades } from './http-upgrade.ts'

/** `node:http` for connections that were accepted elsewhere. */
export class HttpServer {
  readonly #http: NodeHttpServer
  readonly #transports = new Set<HttpTransport>()
  /** Those of a Node application, which has no transports. */
  readonly #responses = new Set<ServerResponse>()
  readonly #sockets = new Set<Socket>()

  readonly #log: Logger

  constructor(server: ConnectionServer) {
    this.#log = server.context.log
    // From Node 22 on it asks first; the types are those of Node 20.
    const options = {
      keepAliveTimeout: server.limits.keepAliveTimeoutMs,
      noDelay: true,
      shouldUpgradeCallback: (request: IncomingMessage) => upgrades.wants(request),
    }
    this.#http = createServer(options)
    const upgrades = new HttpUpgrades(server, this.#http, this.#transports)
    this.#http.headersTimeout = HEADER_TIMEOUT_MS
    // Their size is limited. Beyond a number of fields, Node 20 would leave some out, Content-Length perhaps.
    this.#http.maxHeadersCount = 0
    // An upload may take as long as it takes; a client that stops sending is the proxy's to judge, or the body's reader's.
    this.#http.requestTimeout = 0
    this.#http.on('request', (request, response) => {
      if (response.socket === null) closeWithConnection(request, response)
      const { node } = server.handler
      if (node !== undefined) {
        this.#responses.add(response)
        response.on('close', () => this.#responses.delete(response))
        serveNodeRequest(server, node, request, response)
        return
      }
      const transport = new HttpTransport(server, request, response)
      this.#transports.add(transport)
      response.on('close', () => this.#transports.delete(transport))
      transport.start()
    })
    // Slow heads are looked for from this event on; there is no listening socket here that would emit it.
    this.#http.emit('listening')
  }

  serve(socket: Socket): void {
    rememberPeer(socket)
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    this.#http.emit('connection', socket)
  }

  /** An application has taken the connection over. */
  forget(socket: Socket): void {
    this.#sockets.delete(socket)
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Adds the requests in flight to `labels`, up to `limit` of them. */
  describeRequests(limit: number, labels: string[]): void {
    for (const { exchange } of this.#transports) {
      if (labels.length >= limit) return
      labels.push(exchange.label)
    }
    for (const { req } of this.#responses) {
      if (labels.length >= limit) return
      labels.push(nodeRequestLabel(req))
    }
  }

  /** Closes connections without a request; the others close after their response. */
  drain(): void {
    this.#http.closeIdleConnections()
  }

  giveUp(error: Error): void {
    for (const transport of this.#transports) transport.exchange.fail(error)
    for (const response of this.#responses) failNodeResponse(response.req, response, error, this.#log)
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
    // Stops the interval that looks for slow heads; that nothing listens is no error here.
    this.#http.close(() => {})
  }
}

/** A response behind another one of its connection is never told when that connection closes: it is told here. */
function closeWithConnection(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  const tell = (): void => void response.emit('close')
  socket.once('close', tell)
  response.once('close', () => socket.off('close', tell))
}
