import type { Socket } from 'node:net'
import type { Logger } from '../interface/logger.ts'
import type { Receiver } from './shared-read.ts'

/** What a client gets that is one too many. */
const ANSWER =
  'HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 20\r\nRetry-After: 1\r\nConnection: close\r\n\r\nService Unavailable\n'

/** How long one that was refused may take to read that, milliseconds. */
const LEAVE_MS = 500

/** Refusals are told in one line for so long, milliseconds. */
const LOG_INTERVAL_MS = 1000

/** What comes in from one that was refused is thrown away. */
export const REFUSED: Receiver = { receive: () => true, nothingYet: () => {} }

/** Limits how many connections of clients there are at a time. */
export class ConnectionLimit {
  readonly #limit: number
  readonly #log: Logger
  #open = 0
  #refused = 0

  constructor(limit: number, log: Logger) {
    this.#limit = limit
    this.#log = log
  }

  /** Counts a connection until it closes. False: it was refused, and is closed. */
  admit(socket: Socket): boolean {
    if (this.#open >= this.#limit) {
      this.#refuse(socket)
      return false
    }
    this.#open += 1
    socket.once('close', () => (this.#open -= 1))
    return true
  }

  #refuse(socket: Socket): void {
    socket.on('error', () => {})
    socket.end(ANSWER)
    socket.resume()
    setTimeout(() => socket.destroy(), LEAVE_MS).unref()
    this.#refused += 1
    if (this.#refused > 1) return
    setTimeout(() => {
      this.#log.warn(`${this.#refused} connections were refused with 503: there are ${this.#limit}, as --connection-limit allows`)
      this.#refused = 0
    }, LOG_INTERVAL_MS).unref()
  }
}
