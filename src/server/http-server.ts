import { createServer } from 'node:http'
import type { IncomingMessage, Server as NodeHttpServer, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HEADER_TIMEOUT_MS } from '../interface/limits.ts'
import { failNodeResponse } from '../adapters/node-failure.ts'
import type { FailurePage } from '../gateway/failure-page.ts'
import type { Logger } from '../interface/logger.ts'
import type { ClientLimits } from './client-limits.ts'
import type { ConnectionServer } from './connection.ts'
import { HttpClients } from './http-clients.ts'
import { HttpTransport } from './http-connection.ts'
import { nodeRequestLabel, refuseSlowBody, serveNodeRequest } from './http-node-request.ts'
import { rememberPeer } from './http-peer.ts'
import { refusalOfProxied, Refusals } from './request-refusal.ts'
import { HttpUpgrades } from './http-upgrade.ts'

/** How often `node:http` looks for heads that take too long, milliseconds; without a word it is half a minute. */
const CHECK_INTERVAL_MS = 1000

/** `node:http` for connections that were accepted elsewhere. */
export class HttpServer {
  readonly #http: NodeHttpServer
  readonly #transports = new Set<HttpTransport>()
  /** Those of a Node application, which has no transports. */
  readonly #responses = new Set<ServerResponse>()
  readonly #sockets = new Set<Socket>()

  readonly #server: ConnectionServer
  readonly #log: Logger
  readonly #clients: HttpClients | undefined
  readonly #failurePage: FailurePage | undefined
  readonly #refusals = new Refusals()

  /** `limits`: those of clients without a proxy in between; undefined: a proxy judges its own. */
  constructor(server: ConnectionServer, limits?: ClientLimits) {
    this.#server = server
    this.#log = server.context.log
    this.#failurePage = server.context.failurePage
    // From Node 22 on it asks first; the types are those of Node 20.
    const options = {
      keepAliveTimeout: limits?.keepAliveTimeoutMs ?? server.limits.keepAliveTimeoutMs,
      noDelay: true,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      // Judged here, for `node:http` goes on with what stands behind a request that it has refused for this.
      requireHostHeader: false,
      ...(limits === undefined ? {} : { maxHeaderSize: limits.maxHeadBytes }),
      shouldUpgradeCallback: (request: IncomingMessage) => upgrades.wants(request),
    }
    this.#http = createServer(options)
    const upgrades = new HttpUpgrades(server, this.#http, this.#transports, (request, response) =>
      this.#admits(request, response),
    )
    this.#http.headersTimeout = limits?.headerTimeoutMs ?? HEADER_TIMEOUT_MS
    // Their size is limited. Beyond a number of fields, Node 20 would leave some out, Content-Length perhaps.
    this.#http.maxHeadersCount = 0
    // An upload may take as long as it takes; a client that stops sending is the proxy's to judge, or the body's reader's.
    this.#http.requestTimeout = limits?.bodyMaxTimeoutMs === undefined ? 0 : limits.headerTimeoutMs + limits.bodyMaxTimeoutMs
    this.#clients = limits === undefined ? undefined : new HttpClients(this.#http, limits, this.#log, this.#refusals)
    this.#http.on('request', (request, response) => this.#serve(request, response))
    // Who waits for a word before sending his body need not send one that will not be taken.
    this.#http.on('checkContinue', (request, response) => {
      const limit = server.limits.maxRequestBodyBytes
      if (limit === 0 || Number(request.headers['content-length'] ?? 0) <= limit) response.writeContinue()
      this.#serve(request, response)
    })
    // Slow heads are looked for from this event on; there is no listening socket here that would emit it.
    this.#http.emit('listening')
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const server = this.#server
    if (response.socket === null) closeWithConnection(request, response)
    if (!this.#admits(request, response)) return
    const { node } = server.handler
    if (node !== undefined) {
      this.#responses.add(response)
      response.on('close', () => this.#responses.delete(response))
      this.#clients?.began(request, response, () => refuseSlowBody(request, response))
      serveNodeRequest(server, node, request, response)
      return
    }
    const transport = new HttpTransport(server, request, response)
    this.#transports.add(transport)
    response.on('close', () => this.#transports.delete(transport))
    this.#clients?.began(request, response, () => transport.giveUpBody())
    transport.start()
  }

  /** A proxy has judged what it sends, but for what must not be read in two ways by anybody. */
  #admits(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#refusals.isBehindOne(request)) return false
    if (this.#clients !== undefined) return this.#clients.admit(request, response)
    const status = refusalOfProxied(request)
    if (status === undefined) return true
    this.#refusals.refuse(request, response, status)
    return false
  }

  serve(socket: Socket): void {
    if (this.#clients === undefined) rememberPeer(socket)
    else this.#clients.connected(socket)
    this.#sockets.add(socket)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#server.traffic?.closed(socket)
    })
    this.#http.emit('connection', socket)
  }

  /** An application has taken the connection over. */
  forget(socket: Socket): void {
    if (this.#sockets.delete(socket)) this.#clients?.forget(socket)
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
    for (const response of this.#responses) failNodeResponse(response.req, response, error, this.#log, this.#failurePage)
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
