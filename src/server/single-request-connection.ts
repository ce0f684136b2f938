import type { Socket } from 'node:net'
import type { Chunk } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import { Exchange } from '../gateway/exchange.ts'
import { describeClient } from '../gateway/peer.ts'
import type { Transport } from '../gateway/transport.ts'
import { encodeResponseHead } from '../protocol/response-head.ts'
import type { StatusPrefix } from '../protocol/response-head.ts'
import { endAfterWrite, lingeringEnd } from './connection.ts'
import { WireConnection } from './wire-connection.ts'
import type { Decoder } from './wire-connection.ts'

/** Up to here a body is copied behind the head, to leave in one buffer. */
const COPY_LIMIT_BYTES = 16 * 1024

/** Most bytes kept of what a client sends behind a request for an upgrade, before it was answered. None should. */
const MAX_EARLY_BYTES = 64 * 1024

/** A decoder that keeps what follows the request until the next push. */
interface SingleRequestDecoder<Event> extends Decoder<Event> {
  rest(): Uint8Array
}

/**
 * What uwsgi and SCGI have in common: a connection carries one request, whose body comes as it is and ends by CONTENT_LENGTH, and
 * one response, which ends with the connection.
 */
export abstract class SingleRequestConnection<Event> extends WireConnection<Event> implements Transport {
  protected abstract override readonly decoder: SingleRequestDecoder<Event>
  /** How a response begins. */
  protected abstract readonly prefix: StatusPrefix
  /** The protocol's name for the log, with its article. */
  protected abstract readonly name: string
  /** What the client has sent ahead of the answer to its request for an upgrade. */
  #early: Buffer[] | undefined
  #earlyBytes = 0

  override receive(chunk: Buffer, length: number): void {
    if (this.bodyComplete && this.exchange !== undefined) this.#keepEarly(chunk.subarray(0, length))
    else super.receive(chunk, length)
  }

  /** The bytes are the socket's, which reads the next ones into the same place. */
  protected bodyCame(data: Uint8Array): void {
    this.exchange?.input.push(Buffer.from(data))
  }

  protected bodyEnded(): void {
    this.bodyComplete = true
    this.exchange?.input.end()
    if (this.exchange !== undefined) this.#keepEarly(this.decoder.rest())
  }

  protected startRequest(params: string[], contentLength: number): void {
    this.bodyComplete = contentLength === 0
    this.start(new Exchange(this.server.context, this, params), contentLength)
  }

  protected override idleLimitMs(): number {
    return this.server.limits.headerTimeoutMs
  }

  /** A malformed request. Where its framing is sound, and only what it says is not, it is answered. */
  protected override reject(error: unknown): void {
    const status = error instanceof TsgiError ? error.status : null
    this.server.context.log.warn(`${this.name} connection was ${status === null ? 'closed' : `answered ${status}`}`, error)
    if (this.exchange === undefined && status !== null) {
      const fields = 'Content-Type: text/plain\r\nContent-Length: 12\r\n'
      this.socket.write(`${encodeResponseHead(this.prefix, `${status} Bad Request`, fields)}Bad Request\n`)
    }
    this.abandon(error)
  }

  // Transport: what the exchange says.

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    const head = encodeResponseHead(this.prefix, status, fields)
    const room = this.#writeHead(head, body)
    if (last) this.#finish()
    return room
  }

  sendBody(chunk: Chunk): boolean {
    return this.socket.write(chunk)
  }

  end(): void {
    this.#finish()
  }

  /** The protocol has no other sign of a loss than a close before Content-Length is reached. */
  abort(): void {
    this.#finish()
  }

  takeOver(): Socket {
    const { socket, exchange } = this
    if (exchange === undefined) throw new TsgiError('TSGI_ERR_UPGRADE', 'the request is over')
    // Called by the application at once, when the decoder has not yet come to the end of the request.
    if (this.#early === undefined) this.#keepEarly(this.decoder.rest())
    const early = this.#early ?? []
    this.exchange = undefined
    this.closing = true
    this.server.connectionTaken(socket, exchange.upgrade ?? '')
    describeClient(socket, exchange.params)
    for (const chunk of early) socket.push(chunk)
    // A client that sends no more can speak no other protocol; its 'end' was told before anybody listened.
    if (this.leftAt !== 0) socket.destroy()
    return socket
  }

  /** Bytes behind a request are nothing, but the beginning of another protocol where the request asks for one. */
  #keepEarly(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.exchange?.upgrade === undefined) return
    this.#early ??= []
    this.#early.push(Buffer.from(bytes))
    this.#earlyBytes += bytes.length
    // Read on by whoever takes the connection over; else it closes with the response.
    if (this.#earlyBytes >= MAX_EARLY_BYTES) this.socket.pause()
  }

  /** nginx before 1.31 mis-reads a head that comes in pieces: it leaves in one buffer. */
  #writeHead(head: string, body: Chunk | null): boolean {
    if (body === null) return this.socket.write(head, 'latin1')
    // ASCII is the same in UTF-8 and latin-1. A string needs no buffer of ours: the stream encodes it on the way to the kernel.
    if (typeof body === 'string' && body.length <= COPY_LIMIT_BYTES && Buffer.byteLength(body) === body.length) {
      return this.socket.write(head + body, 'latin1')
    }
    const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (bodyBytes > COPY_LIMIT_BYTES) {
      this.socket.cork()
      this.socket.write(head, 'latin1')
      const room = this.socket.write(body)
      this.socket.uncork()
      return room
    }
    const buffer = Buffer.allocUnsafe(head.length + bodyBytes)
    buffer.write(head, 0, 'latin1')
    if (typeof body === 'string') buffer.write(body, head.length, 'utf8')
    else buffer.set(body, head.length)
    return this.socket.write(buffer)
  }

  #finish(): void {
    this.exchange = undefined
    this.close()
  }

  protected override endSocket(): void {
    if (this.bodyComplete) endAfterWrite(this.socket)
    else lingeringEnd(this.socket)
  }
}
