import type { IncomingMessage, Server as NodeHttpServer, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientLimits } from './client-limits.ts'

/** The request that a connection is at. */
interface Current {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Gives up a body that does not come. */
  readonly giveUp: () => void
  /** What had gone over the connection when it was last seen idle, and since when it has been. */
  progress: number
  idleSince: number
  /** What the socket's timer was last set to here, ms. */
  timerMs: number
  gaveUp: boolean
}

const CURRENT = Symbol('tsgi.current')
type ClientSocket = Socket & { [CURRENT]?: Current }

/**
 * Clients that stop in the middle: of the body that they send, or of the response that they read. `node:http`'s timer of a socket says
 * that nothing has moved for a while; whether the client is to blame is judged here, for an application may take its time.
 */
export class IdleClients {
  readonly #limits: ClientLimits
  readonly #tickMs: number

  constructor(http: NodeHttpServer, limits: ClientLimits) {
    this.#limits = limits
    this.#tickMs = Math.min(limits.bodyTimeoutMs, limits.sendTimeoutMs)
    http.timeout = this.#tickMs
    // With a listener nothing is destroyed but by it.
    http.on('timeout', (socket: Socket) => this.#judge(socket))
  }

  /** A request has begun. */
  began(request: IncomingMessage, response: ServerResponse, giveUp: () => void): void {
    const socket: ClientSocket = request.socket
    socket[CURRENT] = { request, response, giveUp, progress: -1, idleSince: 0, timerMs: this.#tickMs, gaveUp: false }
  }

  /** An application has taken the connection over. */
  forget(socket: Socket): void {
    socket.setTimeout(0)
  }

  #judge(socket: ClientSocket): void {
    const current = socket[CURRENT]
    // Between requests: this was the time that the next one had.
    if (current === undefined || (current.request.complete && isOver(current.response) && current.response.socket === null)) {
      socket.destroy()
      return
    }
    if (socket.timeout !== current.timerMs) {
      // The application has set it, for this request: what it does not hear ends the connection, as it does on `node:http`.
      if (!hearsTimeout(current)) socket.destroy()
      return
    }
    const owed = owes(socket, current)
    const limitMs = owed === 'body' ? this.#limits.bodyTimeoutMs : this.#limits.sendTimeoutMs
    const progress = socket.bytesRead + socket.bytesWritten
    if (owed === undefined || current.progress !== progress) {
      current.progress = owed === undefined ? -1 : progress
      current.idleSince = performance.now() - this.#tickMs
    }
    const idleMs = performance.now() - current.idleSince
    if (owed === undefined || idleMs < limitMs) {
      this.#setTimer(socket, current, owed === undefined ? this.#tickMs : Math.max(1, Math.ceil(limitMs - idleMs)))
      return
    }
    if (owed === 'reading' || current.gaveUp || isOver(current.response)) {
      socket.destroy()
      return
    }
    current.gaveUp = true
    current.giveUp()
    // The answer has as much time to leave.
    if (!socket.destroyed) this.#setTimer(socket, current, this.#tickMs)
  }

  #setTimer(socket: Socket, current: Current, ms: number): void {
    current.timerMs = ms
    socket.setTimeout(ms)
  }
}

/** What the connection waits for from its client; undefined: the application is at work. */
function owes(socket: Socket, { request, response }: Current): 'body' | 'reading' | undefined {
  if (socket.writableLength > 0 || response.writableNeedDrain) return 'reading'
  // An application that does not read holds the rest back.
  const isWanted = !request.isPaused() && request.readableLength < request.readableHighWaterMark
  return !request.complete && isWanted ? 'body' : undefined
}

function hearsTimeout({ request, response }: Current): boolean {
  return response.listenerCount('timeout') > 0 || (!request.complete && request.listenerCount('timeout') > 0)
}

function isOver(response: ServerResponse): boolean {
  return response.writableFinished || response.destroyed
}
