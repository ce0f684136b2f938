import type { Socket } from 'node:net'

import { TsgiError } from '../interface/errors.ts'
import type { Exchange } from '../gateway/exchange.ts'
import { disconnected, startExchange } from './connection.ts'
import type { ConnectionServer, ProtocolConnection } from './connection.ts'

/** Bytes in, events out, as every codec has it. */
export interface Decoder<Event> {
  push(chunk: Uint8Array, length: number): void
  next(): Event | undefined
}

/**
 * What the connections of FastCGI, uwsgi and SCGI have in common: bytes go through a decoder, at most one request is served at
 * a time, and when one side has had enough the connection is closed so that nothing that was written is lost.
 */
export abstract class WireConnection<Event> implements ProtocolConnection {
  protected readonly server: ConnectionServer
  protected readonly socket: Socket
  /** The request being served. */
  protected exchange: Exchange | undefined
  /** Its body has come in whole. */
  protected bodyComplete = false
  /** The connection was ended from here: what still comes is thrown away. */
  protected closing = false
  /** When the current wait (for a request, for the rest of one's head, for the peer to close) began. */
  protected waitingSince: number
  /** When the peer closed its half with a request in flight; 0: it has not. */
  protected leftAt = 0
  protected abstract readonly decoder: Decoder<Event>

  constructor(server: ConnectionServer, socket: Socket) {
    this.server = server
    this.socket = socket
    this.waitingSince = server.clock
  }

  /** Does what the peer said. */
  protected abstract handle(event: Event): void
  /** A malformed packet. */
  protected abstract reject(error: unknown): void
  /** What the head of a request, when one is on its way, must not take longer for; undefined: none is. */
  protected abstract headWait(): string | undefined
  /** How long a connection may be open with no request on its way, milliseconds. */
  protected abstract idleLimitMs(): number
  protected abstract endSocket(): void

  get requestLabel(): string | undefined {
    return this.exchange?.label
  }

  /** An idle connection closes, and so does one whose peer has left; a request in flight is finished first. */
  drain(): void {
    const { exchange } = this
    if (exchange === undefined ? this.headWait() !== undefined : this.leftAt === 0) return
    this.close()
    exchange?.disconnect(disconnected(undefined))
  }

  receive(chunk: Buffer, length: number): void {
    if (this.closing) return
    const { decoder } = this
    try {
      decoder.push(chunk, length)
      let event = decoder.next()
      while (event !== undefined) {
        this.handle(event)
        // The handler may have closed the connection.
        if (this.closing) return
        event = decoder.next()
      }
    } catch (error) {
      this.reject(error)
    }
  }

  /**
   * nginx closes when its client leaves. A client of another kind may have closed its half only: it still gets the response
   * that it waits for, but the rest of one that has begun is for nobody.
   */
  peerEnded(): void {
    const { exchange } = this
    if (exchange !== undefined && this.bodyComplete && !exchange.headSent && !this.server.draining) {
      this.leftAt = this.server.clock
      exchange.leave(disconnected(undefined))
      return
    }
    this.close()
    exchange?.disconnect(disconnected(undefined))
  }

  drained(): void {
    this.exchange?.drained()
  }

  closed(error: Error | undefined): void {
    this.closing = true
    const { exchange } = this
    this.exchange = undefined
    exchange?.disconnect(disconnected(error))
  }

  giveUp(error: Error): void {
    if (this.exchange === undefined) this.socket.destroy()
    else this.exchange.fail(error)
  }

  checkTimeouts(now: number): void {
    const { headerTimeoutMs, lingerTimeoutMs } = this.server.limits
    const waited = now - this.waitingSince
    if (this.closing) {
      if (waited > lingerTimeoutMs) this.socket.destroy()
    } else if (this.exchange !== undefined) {
      if (this.leftAt !== 0 && now - this.leftAt > lingerTimeoutMs) this.socket.destroy()
    } else {
      const wait = this.headWait()
      if (wait === undefined) {
        if (waited > this.idleLimitMs()) this.close()
      } else if (waited > headerTimeoutMs) {
        this.reject(new TsgiError('TSGI_ERR_HEADER_TIMEOUT', `${headerTimeoutMs} ms for ${wait}`))
      }
    }
  }

  pauseInput(): void {
    this.socket.pause()
  }

  resumeInput(): void {
    this.socket.resume()
  }

  finished(): void {
    this.server.requestFinished()
  }

  /** Hands a request to the application, or refuses it where its declared body is over the limit. */
  protected start(exchange: Exchange, contentLength: number): void {
    this.exchange = exchange
    const limit = this.server.limits.maxRequestBodyBytes
    if (limit > 0 && contentLength > limit) {
      this.refuse(exchange, new TsgiError('TSGI_ERR_BODY_LIMIT', `${contentLength} bytes, the limit is ${limit}`))
    } else {
      startExchange(this.server, exchange)
    }
  }

  /** Answers a request that the application never sees. */
  protected refuse(exchange: Exchange, error: unknown): void {
    this.exchange = exchange
    this.server.requestStarted()
    exchange.fail(error)
    exchange.finished()
  }

  /** Gives up a connection whose framing is lost, and the request on it. */
  protected abandon(error: unknown): void {
    const { exchange } = this
    this.exchange = undefined
    exchange?.disconnect(error instanceof Error ? error : disconnected(undefined))
    this.close()
  }

  protected close(): void {
    this.closing = true
    this.waitingSince = this.server.clock
    this.endSocket()
  }
}
