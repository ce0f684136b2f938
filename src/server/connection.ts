import type { Socket } from 'node:net'
import type { HeaderPair } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import type { Exchange } from '../gateway/exchange.ts'
import type { RequestHandler, ServerContext } from '../gateway/request-handler.ts'
import { AdmittedRequest } from './admission.ts'
import type { Admission, Progress } from './admission.ts'
import type { Traffic } from './traffic.ts'

/** What a protocol does on one accepted connection. The listener forwards the socket's events to it. */
export interface ProtocolConnection {
  /** The request in flight for a log; undefined: there is none. */
  readonly requestLabel: string | undefined
  /** Bytes have come in, the first `length` of `chunk`; they are good until this returns. */
  receive(chunk: Buffer, length: number): void
  /** The peer sends no more. */
  peerEnded(): void
  /** What was written has been taken. */
  drained(): void
  /** The socket is gone. */
  closed(error: Error | undefined): void
  /** Requests in flight finish, then the connection closes; an idle one closes now. */
  drain(): void
  /** Gives up what is in flight, visibly to the client. */
  giveUp(error: Error): void
  /** Called about once a second. `now` is `performance.now()`. */
  checkTimeouts(now: number): void
}

/** What a connection needs of its server. */
export interface ConnectionServer {
  readonly context: ServerContext
  readonly handler: RequestHandler
  readonly limits: ConnectionLimits
  /** Undefined: every request goes to the application at once, and may take its time. */
  readonly admission: Admission | undefined
  readonly draining: boolean
  /** While it drains: gives a connection that its peer keeps, and that is idle, to another worker. False: it cannot be; then it is closed. */
  passOn(socket: Socket): boolean
  /** Counts connections; undefined: nobody does. */
  readonly traffic: Traffic | undefined
  /** So many connections that a client or a proxy would keep are to end behind their next response: each that does counts it down. */
  toLetGo: number
  /** A clock read about once a second: fine enough for timeouts, free on the hot path. Milliseconds. */
  readonly clock: number
  requestStarted(): void
  requestFinished(): void
  /** An application has taken the connection over, for a protocol. The server lets go of it, but for its own stop. */
  connectionTaken(socket: Socket, protocol: string): void
}

/** Whether the response is the last one on its connection of HTTP. */
export function isLast(server: ConnectionServer): boolean {
  if (server.toLetGo === 0) return server.draining
  server.toLetGo -= 1
  return true
}

export interface ConnectionLimits {
  readonly maxParamsBytes: number
  /** 0: unlimited, the proxy enforces it. */
  readonly maxRequestBodyBytes: number
  readonly headerTimeoutMs: number
  /** For the first byte of a client that may be no proxy. */
  readonly clientHeaderTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly lingerTimeoutMs: number
}

/** Hands a request to the application, or answers it where the server does. */
export function startExchange(server: ConnectionServer, exchange: Exchange): void {
  server.requestStarted()
  const token = server.context.probeToken
  if (token !== undefined && isProbe(exchange.params, token)) {
    // Nobody's visit.
    exchange.meter = undefined
    exchange.respond(204, probeAnswer())
    exchange.finished()
    return
  }
  if (server.admission === undefined) server.handler.serve(exchange)
  else server.admission.begin(new AdmittedExchange(server.admission, exchange, server.handler))
}

class AdmittedExchange extends AdmittedRequest {
  readonly #exchange: Exchange
  readonly #handler: RequestHandler

  constructor(admission: Admission, exchange: Exchange, handler: RequestHandler) {
    super(admission)
    this.#exchange = exchange
    this.#handler = handler
    exchange.watch = this
  }

  override wait(): void {
    // Whoever sends no more has most probably left. One who still reads is told 503, not kept in the dark.
    this.#exchange.onLeave(() => {
      if (this.state === 'queued') this.#answer(503)
    })
  }

  override start(): void {
    this.#handler.serve(this.#exchange)
  }

  override timeOut(error: TsgiError): boolean {
    this.#exchange.timeOut(error)
    return true
  }

  override get progress(): Progress {
    const { label, headSent, ended, outcome } = this.#exchange
    return { label, begun: headSent || ended, status: outcome }
  }

  override refuse(retryAfterSeconds: number): void {
    this.#answer(503, [['Retry-After', String(retryAfterSeconds)]])
  }

  #answer(status: number, fields: readonly HeaderPair[] = []): void {
    this.#exchange.respond(status, fields)
    this.#exchange.finished()
  }
}

/** The header fields of the answer to a probe. */
export function probeAnswer(): HeaderPair[] {
  return [
    ['X-TSGI-Probe', 'ok'],
    ['X-TSGI-Worker', String(process.pid)],
  ]
}

function isProbe(params: readonly string[], token: string): boolean {
  for (let index = 0; index < params.length; index += 2) {
    if (params[index] === 'HTTP_X_TSGI_PROBE') return params[index + 1] === token
  }
  return false
}

/** The reason that exchanges are given when their socket closes. */
export function disconnected(cause: Error | undefined): TsgiError {
  return new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED', undefined, cause === undefined ? undefined : { cause })
}

/**
 * Closes a socket whose peer has said all it will: nothing can be left unread, so that no half-close has to wait for the
 * peer's. Saves a system call and a turn of the event loop.
 */
export function endAfterWrite(socket: Socket): void {
  if (socket.writableLength === 0) socket.destroy()
  else socket.write('', () => socket.destroy())
}

/**
 * Closes a socket without losing what was written: FIN, then read on and throw away. Closing one with unread bytes makes the
 * kernel answer ECONNRESET, and the proxy loses the response.
 */
export function lingeringEnd(socket: Socket): void {
  if (socket.destroyed) return
  if (!socket.writableEnded) socket.end()
  socket.resume()
}
