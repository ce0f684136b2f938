import type { Socket } from 'node:net'
import type { Chunk, HeaderPair } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { Exchange } from '../gateway/exchange.ts'
import type { Transport } from '../gateway/transport.ts'
import { encodeResponseHead } from '../protocol/response-head.ts'
import { UWSGI_PONG, UwsgiDecoder } from '../protocol/uwsgi/index.ts'
import type { UwsgiEvent } from '../protocol/uwsgi/index.ts'
import { disconnected, endAfterWrite, lingeringEnd, startExchange } from './connection.ts'
import type { ConnectionServer, ProtocolConnection } from './connection.ts'

/** Up to here a body is copied behind the head, to leave in one buffer. */
const COPY_LIMIT_BYTES = 16 * 1024

/** The one request of a uwsgi connection. */
export class UwsgiConnection implements ProtocolConnection, Transport {
  readonly #server: ConnectionServer
  readonly #socket: Socket
  readonly #decoder = new UwsgiDecoder()
  #exchange: Exchange | undefined
  #started = false
  #bodyComplete = false
  /** The connection was ended from here: what still comes is thrown away. */
  #closing = false
  #waitingSince: number
  #leftAt = 0

  constructor(server: ConnectionServer, socket: Socket) {
    this.#server = server
    this.#socket = socket
    this.#waitingSince = server.clock
  }

  receive(chunk: Buffer, length: number): void {
    if (this.#closing) return
    try {
      this.#decoder.push(chunk, length)
      let event = this.#decoder.next()
      while (event !== undefined) {
        this.#handle(event)
        if (this.#closing) return
        event = this.#decoder.next()
      }
    } catch (error) {
      this.#reject(error)
    }
  }

  /**
   * nginx closes when its client leaves. A client of another kind may have closed its half only: it still gets the response
   * that it waits for, but the rest of one that has begun is for nobody.
   */
  peerEnded(): void {
    const exchange = this.#exchange
    if (exchange !== undefined && this.#bodyComplete && !exchange.headSent) {
      this.#leftAt = this.#server.clock
      exchange.leave(disconnected(undefined))
      return
    }
    this.#close()
    exchange?.disconnect(disconnected(undefined))
  }

  drained(): void {
    this.#exchange?.drained()
  }

  closed(error: Error | undefined): void {
    this.#closing = true
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.disconnect(disconnected(error))
  }

  /** A packet is on its way or being served; both end with a close of their own. */
  drain(): void {}

  giveUp(error: Error): void {
    if (this.#exchange === undefined) this.#socket.destroy()
    else this.#exchange.fail(error)
  }

  checkTimeouts(now: number): void {
    const { headerTimeoutMs, lingerTimeoutMs } = this.#server.limits
    if (this.#closing) {
      if (now - this.#waitingSince > lingerTimeoutMs) this.#socket.destroy()
    } else if (!this.#started) {
      if (now - this.#waitingSince > headerTimeoutMs) {
        this.#reject(new TsgiError('TSGI_ERR_HEADER_TIMEOUT', `${headerTimeoutMs} ms for a packet`))
      }
    } else if (this.#leftAt !== 0 && now - this.#leftAt > lingerTimeoutMs) {
      this.#socket.destroy()
    }
  }

  #handle(event: UwsgiEvent): void {
    switch (event.type) {
      case 'request':
        this.#startRequest(event.params, event.contentLength)
        return
      case 'body':
        // The bytes are the socket's, which reads the next ones into the same place.
        this.#exchange?.input.push(Buffer.from(event.data))
        return
      case 'end':
        this.#bodyComplete = true
        this.#exchange?.input.end()
        return
      case 'ping':
        this.#socket.write(UWSGI_PONG)
        this.#close()
        return
    }
  }

  #startRequest(params: string[], contentLength: number): void {
    this.#started = true
    this.#bodyComplete = contentLength === 0
    const exchange = new Exchange(this.#server.context, this, params)
    this.#exchange = exchange
    const limit = this.#server.limits.maxRequestBodyBytes
    if (limit > 0 && contentLength > limit) {
      this.#server.requestStarted()
      exchange.fail(new TsgiError('TSGI_ERR_BODY_LIMIT', `${contentLength} bytes, the limit is ${limit}`))
      exchange.finished()
      return
    }
    startExchange(this.#server, exchange)
  }

  /** A malformed packet. With a bad Content-Length the parameters are sound: it is answered. */
  #reject(error: unknown): void {
    const status = error instanceof TsgiError ? error.status : null
    this.#server.context.log.warn(`a uwsgi connection was ${status === null ? 'closed' : `answered ${status}`}`, error)
    const exchange = this.#exchange
    this.#exchange = undefined
    if (exchange === undefined && status !== null) {
      this.#socket.write(`HTTP/1.1 ${status} Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nBad Request\n`)
    }
    exchange?.disconnect(error instanceof Error ? error : new TsgiError('TSGI_ERR_UWSGI_PACKET', quote(error)))
    this.#close()
  }

  // Transport: what the exchange says.

  sendHead(status: string, headers: readonly HeaderPair[], body: Chunk | null, last: boolean): boolean {
    const head = encodeResponseHead('HTTP/1.1 ', status, headers)
    const room = this.#writeHead(head, body)
    if (last) this.#finish()
    return room
  }

  sendBody(chunk: Chunk): boolean {
    return this.#socket.write(chunk)
  }

  end(): void {
    this.#finish()
  }

  /** The protocol has no other sign of a loss than a close before Content-Length is reached. */
  abort(): void {
    this.#finish()
  }

  pauseInput(): void {
    this.#socket.pause()
  }

  resumeInput(): void {
    this.#socket.resume()
  }

  finished(): void {
    this.#server.requestFinished()
  }

  /** nginx before 1.31 mis-reads a head that comes in pieces: it leaves in one buffer. */
  #writeHead(head: string, body: Chunk | null): boolean {
    if (body === null) return this.#socket.write(head, 'latin1')
    // ASCII is the same in UTF-8 and latin-1. A string needs no buffer of ours: the stream encodes it on the way to the kernel.
    if (typeof body === 'string' && body.length <= COPY_LIMIT_BYTES && Buffer.byteLength(body) === body.length) {
      return this.#socket.write(head + body, 'latin1')
    }
    const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (bodyBytes > COPY_LIMIT_BYTES) {
      this.#socket.cork()
      this.#socket.write(head, 'latin1')
      const room = this.#socket.write(body)
      this.#socket.uncork()
      return room
    }
    const buffer = Buffer.allocUnsafe(head.length + bodyBytes)
    buffer.write(head, 0, 'latin1')
    if (typeof body === 'string') buffer.write(body, head.length, 'utf8')
    else buffer.set(body, head.length)
    return this.#socket.write(buffer)
  }

  #finish(): void {
    this.#exchange = undefined
    this.#close()
  }

  #close(): void {
    this.#closing = true
    this.#waitingSince = this.#server.clock
    if (this.#bodyComplete) endAfterWrite(this.#socket)
    else lingeringEnd(this.#socket)
  }
}
