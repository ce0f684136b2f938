import { createServer } from 'node:net'
import type { Server as NetServer, Socket } from 'node:net'
import { TsgiError } from '../interface/errors.ts'
import {
  HEADER_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  LINGER_TIMEOUT_MS,
  LISTEN_BACKLOG,
  MAX_PARAMS_BYTES,
  OUTPUT_HIGH_WATER_BYTES,
} from '../interface/limits.ts'
import type { Logger } from '../interface/logger.ts'
import type { AccessLog } from '../gateway/access.ts'
import type { FailurePage } from '../gateway/failure-page.ts'
import type { RequestHandler, ServerContext } from '../gateway/request-handler.ts'
import type { RequestMeter } from '../gateway/request-meter.ts'
import type { RequestRecorder } from '../gateway/request-recorder.ts'
import { AcceptedSocket, releaseAccepted } from './accepted-socket.ts'
import type { Protocol, SocketOwner } from './accepted-socket.ts'
import { Admission } from './admission.ts'
import { formatBindAddress } from './address.ts'
import type { ClientLimits } from './client-limits.ts'
import { ConnectionLimit, REFUSED } from './connection-limit.ts'
import type { BindAddress } from './address.ts'
import type { ConnectionLimits } from './connection.ts'
import { stoppedHandle } from './connection-handover.ts'
import type { PassHandle } from './connection-handover.ts'
import { HttpServer } from './http-server.ts'
import { listening } from './listening.ts'
import type { BoundHandle } from './listening.ts'
import type { SlowRequests } from './slow-requests.ts'
import { acceptWithSharedReads, takeOver } from './shared-read.ts'
import { DEFAULT_SOCKET_MODE, SocketPath } from './socket-path.ts'
import { Traffic } from './traffic.ts'
import { UpgradedSockets } from './upgraded-sockets.ts'

export type { Protocol } from './accepted-socket.ts'

export interface ServerOptions {
  readonly handler: RequestHandler
  readonly log: Logger
  /** `''`, the default, or `'/x'`: what SCRIPT_NAME will be. Requests elsewhere get a 404. */
  readonly mountPoint?: string
  /** Whether other processes serve the same application. */
  readonly multiprocess?: boolean
  readonly probeToken?: string
  readonly access?: AccessLog
  /** Counts requests. Where there is one, connections and bytes are counted, too. */
  readonly meter?: RequestMeter | undefined
  /** See `ServerContext`. With it all requests become exchanges, those over HTTP to Node applications too. */
  readonly recorder?: RequestRecorder | undefined
  /** See `ServerContext`. */
  readonly failurePage?: FailurePage | undefined
  /** Bytes; 0, the default: unlimited, for a proxy in front has a limit. */
  readonly maxRequestBodyBytes?: number
  /** So many requests are called enough; 0, the default: none are. */
  readonly maxRequests?: number
  /** Called once, when that many requests are finished. */
  readonly onEnough?: () => void
  readonly maxParamsBytes?: number
  /** From the application's call to the head of its response, milliseconds; 0, the default: no limit. */
  readonly requestTimeoutMs?: number
  /** Requests that the application has at a time; 0, the default: no limit. */
  readonly workerConcurrency?: number
  /** How long the others wait for their turn, milliseconds; 0, the default: not at all. */
  readonly queueTimeoutMs?: number
  /** Undefined: nobody wants to know of requests that take long. */
  readonly slow?: SlowRequests | undefined
  readonly headerTimeoutMs?: number
  readonly keepAliveTimeoutMs?: number
  /** For clients that come over TCP by HTTP; absent: those of `node:http`, as for a proxy. */
  readonly clients?: ClientLimits | undefined
}

export interface ListenOptions {
  readonly protocol?: Protocol
  /** Permissions of a unix socket. */
  readonly mode?: number
}

/** How often timeouts are looked at, milliseconds: one timer for all connections instead of one each. */
const SWEEP_INTERVAL_MS = 1000

/** The application server of one process: listeners, their connections, and the drain. */
export class Server implements SocketOwner {
  readonly context: ServerContext
  readonly handler: RequestHandler
  readonly limits: ConnectionLimits
  readonly admission: Admission | undefined
  clock = performance.now()
  draining = false
  /** For connections that peers keep while this server drains; undefined: nobody else takes them. */
  passHandle: PassHandle | undefined
  toLetGo = 0
  requestsInFlight = 0
  requestsFinished = 0
  readonly traffic: Traffic | undefined
  readonly #maxRequests: number
  readonly #onEnough: () => void
  readonly #listeners: NetServer[] = []
  readonly #paths: SocketPath[] = []
  readonly #accepted = new Set<AcceptedSocket>()
  readonly #upgraded = new UpgradedSockets(() => this.#checkIdle())
  #unwatched: AcceptedSocket[] = []
  /** For proxies, which come by unix sockets, and for clients. */
  readonly #http: { proxies: HttpServer | undefined; clients: HttpServer | undefined } = {
    proxies: undefined,
    clients: undefined,
  }
  readonly #clients: ConnectionLimit | undefined
  readonly #clientLimits: ClientLimits | undefined
  #sweep: NodeJS.Timeout | undefined
  #idle: (() => void) | undefined
  #drainDeadline = Infinity
  #deadline: NodeJS.Timeout | undefined
  #drained: Promise<{ unfinished: number }> | undefined

  constructor(options: ServerOptions) {
    // Without the short cut that makes no exchange.
    const { handler, recorder } = options
    this.handler = recorder === undefined ? handler : { serve: (exchange) => handler.serve(exchange) }
    this.#maxRequests = options.maxRequests ?? 0
    this.#onEnough = options.onEnough ?? (() => {})
    this.context = {
      mountPoint: options.mountPoint ?? '',
      multiprocess: options.multiprocess ?? false,
      log: options.log,
      probeToken: options.probeToken,
      access: options.access,
      meter: options.meter,
      recorder,
      failurePage: options.failurePage,
    }
    this.traffic = options.meter === undefined ? undefined : new Traffic()
    this.#clientLimits = options.clients
    if (options.clients !== undefined && options.clients.connectionLimit > 0) {
      this.#clients = new ConnectionLimit(options.clients.connectionLimit, options.log)
    }
    this.admission = Admission.for(
      {
        requestTimeoutMs: options.requestTimeoutMs ?? 0,
        workerConcurrency: options.workerConcurrency ?? 0,
        queueTimeoutMs: options.queueTimeoutMs ?? 0,
      },
      options.log,
      options.meter,
      options.slow,
    )
    this.limits = {
      maxParamsBytes: options.maxParamsBytes ?? MAX_PARAMS_BYTES,
      maxRequestBodyBytes: options.maxRequestBodyBytes ?? 0,
      headerTimeoutMs: options.headerTimeoutMs ?? HEADER_TIMEOUT_MS,
      clientHeaderTimeoutMs: options.clients?.headerTimeoutMs ?? HEADER_TIMEOUT_MS,
      keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? KEEP_ALIVE_TIMEOUT_MS,
      lingerTimeoutMs: LINGER_TIMEOUT_MS,
    }
  }

  /**
   * Listens; may be called for several addresses. Resolves with the real address: the port that 0 became.
   *
   * Rejects with `TSGI_ERR_ADDRESS_IN_USE`, `TSGI_ERR_LISTEN`, `TSGI_ERR_SOCKET_PATH_TOO_LONG`.
   */
  async listen(address: BindAddress | BoundHandle, options: ListenOptions = {}): Promise<BindAddress> {
    const protocol = options.protocol ?? 'auto'
    // Of an inherited descriptor only the socket itself tells whether it is TCP's.
    let overTcp: boolean | undefined
    // An inherited unix socket has no address that Node knows: null.
    const isOverTcp = (bound: ReturnType<NetServer['address']>): boolean => typeof bound === 'object' && bound !== null
    const isClient = (): boolean => (overTcp ??= isOverTcp(listener.address()))
    const accept = (socket: Socket, bytes = 0): AcceptedSocket =>
      this.#accept(socket, bytes, protocol, this.#clientLimits !== undefined && isClient())
    const listener = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: OUTPUT_HIGH_WATER_BYTES })
    const clients = this.#clients
    if (protocol === 'http') {
      listener.on('connection', (socket) => {
        if (clients !== undefined && isClient() && !clients.admit(socket)) return
        this.traffic?.opened(socket, 0)
        this.serveHttp(socket, isClient())
      })
    } else {
      listener.on('connection', (socket) => {
        if (clients !== undefined && isClient() && !clients.admit(socket)) return
        const accepted = accept(socket)
        accepted.receiveFromStream()
        accepted.nothingYet()
      })
    }
    if (address.type === 'unix') {
      const socketPath = new SocketPath(address.path)
      await socketPath.claim()
      await listening(listener, { path: socketPath.temporary, backlog: LISTEN_BACKLOG }, formatBindAddress(address))
      socketPath.setMode(options.mode ?? DEFAULT_SOCKET_MODE)
      socketPath.publish()
      this.#paths.push(socketPath)
    } else if (address.type === 'fd') {
      await listening(listener, address.fd, formatBindAddress(address))
    } else if (address.type === 'handle') {
      await listening(listener, address, 'a socket of the master')
    } else {
      await listening(listener, { host: address.host, port: address.port, backlog: LISTEN_BACKLOG }, formatBindAddress(address))
    }
    if (protocol !== 'http') {
      acceptWithSharedReads(
        listener,
        clients !== undefined && isClient()
          ? (socket, bytes) => (clients.admit(socket) ? accept(socket, bytes) : REFUSED)
          : accept,
      )
    }
    this.#listeners.push(listener)
    this.#startSweep()
    if (address.type === 'unix' || address.type === 'fd') return address
    const bound = listener.address()
    const { address: host, port } = bound === null || typeof bound === 'string' ? { address: '', port: 0 } : bound
    return { type: 'tcp', host: address.type === 'tcp' ? address.host : host, port }
  }

  /**
   * Stops accepting, closes idle connections, lets requests in flight finish, and asks WebSockets to close, spread over the time.
   * After `timeoutMs` the rest is given up, visibly to its clients, and counted. A second call shortens the time that is left,
   * never lengthens it.
   *
   * `idleMs`: what connections without a request get before they are closed; each closes behind its next response. A request may
   * be on its way at any moment, and would be lost.
   */
  drain(timeoutMs: number, idleMs = 0): Promise<{ unfinished: number }> {
    this.#drainDeadline = Math.min(this.#drainDeadline, performance.now() + timeoutMs)
    this.#upgraded.drain(this.#drainDeadline - performance.now())
    if (this.#drained === undefined) this.#drained = this.#drain(idleMs)
    else this.#armDeadline()
    return this.#drained
  }

  /**
   * Asks WebSockets to close, spread over `windowMs`, and those that come from now on, too; all else goes on. For what precedes
   * a drain: a proxy that stops waits for them.
   */
  closeWebSockets(windowMs: number): void {
    this.#upgraded.drain(windowMs)
  }

  /** Lets go of this part of the connections that are kept: they come back, and find whoever is free. */
  share(part: number): void {
    this.toLetGo = Math.floor((this.#accepted.size + this.#httpConnections) * part)
  }

  /** Stops accepting and finishes what is in flight, however long it takes. */
  async close(): Promise<void> {
    await this.drain(Infinity)
  }

  async #drain(idleMs: number): Promise<{ unfinished: number }> {
    this.draining = true
    for (const listener of this.#listeners) listener.close()
    for (const socketPath of this.#paths) socketPath.remove()
    const idleUntil = performance.now() + idleMs
    await this.#untilClosed(() => Math.min(idleUntil, this.#drainDeadline))
    for (const accepted of this.#accepted) accepted.drain()
    for (const http of this.#httpServers()) http.drain()
    if (this.requestsInFlight + this.#upgraded.size > 0) await this.#untilIdle()
    const unfinished = this.requestsInFlight + this.#upgraded.size
    this.#upgraded.destroy()
    if (this.requestsInFlight > 0) {
      const error = new TsgiError('TSGI_ERR_APPLICATION', 'not finished within the graceful timeout')
      for (const accepted of this.#accepted) accepted.giveUp(error)
      for (const http of this.#httpServers()) http.giveUp(error)
    }
    // Responses are on their way to the proxy.
    const writtenUntil = performance.now() + SWEEP_INTERVAL_MS
    await this.#untilClosed(() => writtenUntil)
    clearInterval(this.#sweep)
    // One may have been taken over a moment ago.
    this.#upgraded.destroy()
    for (const accepted of this.#accepted) accepted.destroy()
    for (const http of this.#httpServers()) http.destroy()
    return { unfinished }
  }

  #untilIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = () => {
        clearTimeout(this.#deadline)
        this.#idle = undefined
        resolve()
      }
      this.#armDeadline()
    })
  }

  #armDeadline(): void {
    clearTimeout(this.#deadline)
    if (this.#idle === undefined || this.#drainDeadline === Infinity) return
    this.#deadline = setTimeout(this.#idle, Math.max(0, this.#drainDeadline - performance.now()))
  }

  /** Until every connection is closed, or the deadline (see `performance.now()`), which may change meanwhile. */
  async #untilClosed(deadline: () => number): Promise<void> {
    while (this.#accepted.size + this.#httpConnections > 0 && performance.now() < deadline()) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** The requests in flight for a log, the first `limit` of them; those that wait for their turn, too. */
  describeRequests(limit: number): { labels: string[]; total: number } {
    const labels: string[] = []
    for (const { requestLabel } of this.#accepted) {
      if (labels.length >= limit) break
      if (requestLabel !== undefined) labels.push(requestLabel)
    }
    for (const http of this.#httpServers()) http.describeRequests(limit, labels)
    return { labels, total: Math.max(this.requestsInFlight, labels.length) }
  }

  // For the connections.

  passOn(socket: Socket): boolean {
    const handle = this.passHandle === undefined ? undefined : stoppedHandle(socket)
    if (handle !== undefined) this.passHandle?.(handle, () => socket.destroy())
    return handle !== undefined
  }

  /** Goes on with a connection of FastCGI, idle now, that another worker has served. False: it is the caller's to close. */
  takeOver(handle: object): boolean {
    return !this.draining && takeOver(handle, (socket) => this.#accept(socket, 0, 'fastcgi', false))
  }

  #accept(socket: Socket, bytes: number, protocol: Protocol, isClient: boolean): AcceptedSocket {
    this.traffic?.opened(socket, bytes)
    const accepted = new AcceptedSocket(this, socket, { protocol, isClient })
    this.#accepted.add(accepted)
    return accepted
  }

  serveHttp(socket: Socket, isClient: boolean): void {
    if (isClient && this.#clientLimits !== undefined) {
      this.#http.clients ??= new HttpServer(this, this.#clientLimits)
      this.#http.clients.serve(socket)
    } else {
      this.#http.proxies ??= new HttpServer(this)
      this.#http.proxies.serve(socket)
    }
  }

  #httpServers(): HttpServer[] {
    return [this.#http.proxies, this.#http.clients].filter((http) => http !== undefined)
  }

  get #httpConnections(): number {
    return (this.#http.proxies?.connections ?? 0) + (this.#http.clients?.connections ?? 0)
  }

  forget(accepted: AcceptedSocket): void {
    this.#accepted.delete(accepted)
  }

  /** The check phase comes before anything else is read: by then a short request has been served and its connection closed. */
  watchSoon(accepted: AcceptedSocket): void {
    this.#unwatched.push(accepted)
    if (this.#unwatched.length > 1) return
    setImmediate(() => {
      for (const each of this.#unwatched) each.watch()
      this.#unwatched = []
    })
  }

  requestStarted(): void {
    this.requestsInFlight++
  }

  requestFinished(): void {
    this.requestsInFlight--
    this.requestsFinished++
    if (this.requestsFinished === this.#maxRequests) this.#onEnough()
    this.#checkIdle()
  }

  connectionTaken(socket: Socket, protocol: string): void {
    releaseAccepted(socket)
    for (const http of this.#httpServers()) http.forget(socket)
    this.#upgraded.add(socket, protocol)
    if (this.traffic !== undefined) socket.once('close', () => this.traffic?.closed(socket))
  }

  #checkIdle(): void {
    if (this.requestsInFlight + this.#upgraded.size === 0) this.#idle?.()
  }

  #startSweep(): void {
    this.#sweep ??= setInterval(() => {
      this.clock = performance.now()
      for (const accepted of this.#accepted) accepted.checkTimeouts(this.clock)
      this.#upgraded.checkTimeouts(this.clock)
    }, SWEEP_INTERVAL_MS)
    this.#sweep.unref()
  }
}
