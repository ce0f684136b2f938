import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../gateway/exchange.ts'
import type { ResponseHead } from '../gateway/response-head.ts'
import { OUTPUT_HIGH_WATER_BYTES } from '../interface/limits.ts'
import { ClientSocket } from './client-socket.ts'
import { hasBody } from './node-request.ts'
import { readResponseHead } from './node-response-head.ts'

type Callback = (error?: Error | null) => void

/** What was written and not yet sent. */
interface Piece {
  readonly chunk: string | Uint8Array
  readonly encoding: BufferEncoding
  readonly callback: Callback | undefined
}

/**
 * The socket of one request that a binary protocol carries: `req.socket` and `res.socket`.
 *
 * A real `ServerResponse` writes HTTP/1.1 to it, with all that Node does on the way: implicit heads, corking, callbacks, errors.
 * The head is cut off again, without what would be said of a connection that is the proxy's, and the rest goes to the exchange.
 *
 * It lives as long as its request, as with `Connection: close`: 'close' comes behind the response's 'finish', and where the
 * client leaves.
 */
export class GatewaySocket extends ClientSocket {
  readonly #exchange: Exchange
  #request: IncomingMessage | undefined
  #response: ServerResponse | undefined
  #pieces: Piece[] = []
  #headDone = false
  #ending = false
  #ended = false
  /** The connection takes no more for now. */
  #blocked = false
  /** As much is held as may be, until the next flush. */
  #full = false
  #heldBytes = 0
  /** Written to a connection that takes no more for now: what waits for a callback waits until it does. */
  #unconfirmed: Piece[] = []
  #unconfirmedBytes = 0
  #idleMs: number | undefined
  #idleTimer: NodeJS.Timeout | undefined

  constructor(exchange: Exchange) {
    super(exchange.params)
    this.#exchange = exchange
  }

  /** Joins the two ends of the request. */
  connect(request: IncomingMessage, response: ServerResponse): void {
    this.#request = request
    this.#response = response
    this.#exchange.onEnd(() => {
      // The response's own end is no news.
      if (!this.#ended) this.destroy()
    })
    this.#exchange.onLeave(() => this.destroy())
  }

  get timeout(): number | undefined {
    return this.#idleMs
  }

  /** 'timeout' goes to the request that is still coming in, to the response, and to the socket; where neither of the first two listens, the request is given up. */
  setTimeout(milliseconds: number, callback?: () => void): this {
    this.#idleMs = milliseconds
    clearTimeout(this.#idleTimer)
    this.#idleTimer = milliseconds > 0 && !this.destroyed ? setTimeout(() => this.#timedOut(), milliseconds) : undefined
    if (callback !== undefined) {
      if (milliseconds > 0) this.once('timeout', callback)
      else this.off('timeout', callback)
    }
    return this
  }

  #timedOut(): void {
    const request = this.#request
    const comesIn = request !== undefined && !request.complete && !this.#exchange.input.ended
    const heardByRequest = comesIn && request.emit('timeout', this)
    const heardByResponse = this.#response?.emit('timeout', this) === true
    if (!heardByRequest && !heardByResponse) this.destroy()
    this.emit('timeout')
  }

  #active(): void {
    this.#idleTimer?.refresh()
  }

  // What the response writes.

  /** The next `uncork` ends the response. */
  endsNow(ending: boolean): void {
    this.#ending = ending
  }

  /** The response is complete. */
  finish(): void {
    if (this.#request !== undefined) letGo(this.#request)
    this.destroy()
  }

  /** Ends a response that was ended with nothing more to write. */
  endNow(): void {
    if (this.#ending && !this.#ended && !this.destroyed && this.writableCorked === 0) this.#flush()
  }

  static {
    // What its stream type declares as plain properties is not the stream's to say here.
    Object.defineProperties(this.prototype, {
      writableLength: {
        get(this: GatewaySocket): number {
          return this.#heldBytes + this.#unconfirmedBytes
        },
      },
      writableNeedDrain: {
        get(this: GatewaySocket): boolean {
          return (this.#blocked || this.#full) && !this.destroyed
        },
      },
    })
  }

  /** Not by way of the stream's own buffer, whose bookkeeping would cost more than all else that is done here. */
  override write(chunk: unknown, encoding?: BufferEncoding | Callback | null, callback?: Callback): boolean {
    const done = typeof encoding === 'function' ? encoding : callback
    const name = typeof encoding === 'string' ? encoding : 'utf8'
    if (this.destroyed || this.#ended) {
      if (typeof done === 'function') process.nextTick(done, this.errored ?? new Error('write after the end of the response'))
      return false
    }
    // Node's ServerResponse writes nothing else.
    const piece: Piece = { chunk: chunk as string | Uint8Array, encoding: name, callback: done ?? undefined }
    this.#pieces.push(piece)
    this.#heldBytes += piece.chunk.length
    if (this.writableCorked === 0) this.#flush()
    // Node corks a response until the end of the tick: what is held meanwhile has the same limit.
    else if (this.#heldBytes >= OUTPUT_HIGH_WATER_BYTES) this.#full = true
    return !this.#blocked && !this.#full
  }

  override uncork(): void {
    super.uncork()
    if (this.writableCorked === 0 && this.#pieces.length > 0) this.#flush()
  }

  /** Sends what is held: as one response where this is all of it. */
  #flush(): void {
    const pieces = this.#pieces
    const exchange = this.#exchange
    this.#pieces = []
    this.#heldBytes = 0
    this.#active()
    if (exchange.ended) {
      runCallbacks(pieces)
      return
    }
    try {
      const chunks = this.#bodyOf(pieces)
      if (this.#ending) {
        this.#ended = true
        exchange.end(chunks.length > 1 ? joined(chunks) : (chunks[0] ?? null))
        exchange.finished()
        process.nextTick(finishResponse, this, [...this.#takeUnconfirmed(), ...pieces])
        return
      }
      // A flushed head is a write of no bytes.
      if (chunks.length === 0 && this.#headDone && !exchange.headSent) exchange.flushHead()
      for (const chunk of chunks) if (!exchange.write(chunk)) this.#block()
    } catch (error) {
      exchange.fail(error)
      exchange.finished()
    }
    if (this.#blocked) {
      for (const piece of pieces) {
        this.#unconfirmed.push(piece)
        this.#unconfirmedBytes += piece.chunk.length
      }
    } else {
      process.nextTick(runCallbacks, pieces)
    }
    if (this.#full && !this.#blocked) process.nextTick(() => this.#drained())
  }

  /** The pieces without the head, which goes to the exchange, and without interim responses, which a gateway has no way to send. */
  #bodyOf(pieces: readonly Piece[]): (string | Uint8Array)[] {
    const chunks: (string | Uint8Array)[] = []
    for (const piece of pieces) {
      let { chunk } = piece
      if (!this.#headDone) {
        const text = typeof chunk === 'string' ? headOf(chunk) : Buffer.from(chunk).toString('latin1')
        if (isInterim(text)) continue
        let head = readResponseHead(text)
        if (typeof chunk === 'string' && leavesAsUtf8(head, text, piece)) {
          head = readResponseHead(Buffer.from(text).toString('latin1'))
        }
        this.#headDone = true
        this.#exchange.startWith(head)
        chunk =
          typeof chunk === 'string' ? chunk.slice(chunk.indexOf('\r\n\r\n') + 4) : chunk.subarray(text.indexOf('\r\n\r\n') + 4)
      }
      if (chunk.length === 0) continue
      this.bytesWritten += chunk.length
      chunks.push(typeof chunk === 'string' && !isUtf8(piece.encoding) ? Buffer.from(chunk, piece.encoding) : chunk)
    }
    return chunks
  }

  #drained(): void {
    this.#blocked = false
    this.#full = false
    runCallbacks(this.#takeUnconfirmed())
    this.emit('drain')
    const response = this.#response
    if (response === undefined || response.destroyed) return
    answerNeedDrain(response, this)
    response.emit('drain')
  }

  #takeUnconfirmed(): Piece[] {
    const pieces = this.#unconfirmed
    this.#unconfirmed = []
    this.#unconfirmedBytes = 0
    return pieces
  }

  #block(): void {
    if (this.#blocked) return
    this.#blocked = true
    this.#exchange.ready().then(
      () => this.#drained(),
      // The client has left, which 'close' tells.
      () => {},
    )
  }

  // The stream's own side: nothing is ever read from it, and a destroyed one takes its request with it.

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: BufferEncoding, callback: Callback): void {
    callback()
  }

  /** An application that ends the socket gives the response up, as far as it is not complete. */
  override _final(callback: Callback): void {
    callback()
    this.destroy()
  }

  destroySoon(): void {
    this.end()
  }

  override _destroy(error: Error | null, callback: Callback): void {
    clearTimeout(this.#idleTimer)
    const pieces = [...this.#takeUnconfirmed(), ...this.#pieces]
    this.#pieces = []
    if (!this.#ended) {
      this.#ended = true
      const request = this.#request
      const { input } = this.#exchange
      if (request !== undefined && input.error === undefined && (input.ended || !hasBody(request))) request.complete = true
      this.#exchange.abort()
      this.#exchange.finished()
      if (request !== undefined && !request.destroyed && !(request.complete && request.readableEnded))
        request.destroy(abortedError())
    }
    runCallbacks(pieces, error ?? undefined)
    // Node's server listens for the errors of its sockets, so that none of them ends the process.
    callback(null)
  }
}

/** Behind the last write: 'finish' by its callback, then 'close'. */
function finishResponse(socket: GatewaySocket, pieces: readonly Piece[]): void {
  runCallbacks(pieces)
  socket.finish()
}

/**
 * A request that nobody has read ends with its response: 'end' and 'close' come, as they do on Node. Where nobody waits for
 * them, that is left undone.
 */
function letGo(request: IncomingMessage): void {
  if (request.destroyed || request.readableFlowing !== null || request.listenerCount('readable') > 0) return
  if (request.listenerCount('end') === 0 && request.listenerCount('close') === 0) return
  request.complete = true
  request.push(null)
  request.resume()
}

/**
 * Node remembers that a response needs a drain until its own server emits 'drain', and nothing public makes it forget: from the
 * first wait on, the socket is asked.
 */
function answerNeedDrain(response: ServerResponse, socket: GatewaySocket): void {
  if (Object.hasOwn(response, 'writableNeedDrain')) return
  Object.defineProperty(response, 'writableNeedDrain', {
    configurable: true,
    get: () => !response.destroyed && !response.writableEnded && socket.writableNeedDrain,
  })
}

function runCallbacks(pieces: readonly Piece[], error?: Error): void {
  for (const { callback } of pieces) callback?.(error)
}

/** What Node's own server destroys a request with whose client has left. */
function abortedError(): Error {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
}

/** The head that a chunk begins with. */
function headOf(chunk: string): string {
  const end = chunk.indexOf('\r\n\r\n')
  return end === -1 ? chunk : chunk.slice(0, end + 4)
}

/**
 * Node sends a head in one write with a first chunk of UTF-8, and then as UTF-8: a field value beyond ASCII leaves as it does
 * there, and so does one that is flushed. Where the body goes in chunks, the head leaves with the size of the first, as latin-1.
 */
function leavesAsUtf8(head: ResponseHead, text: string, piece: Piece): boolean {
  if (!isUtf8(piece.encoding) || Buffer.byteLength(text) === text.length) return false
  return head.contentLength !== -1 || piece.chunk.length === text.length
}

function isInterim(head: string): boolean {
  return head.startsWith('HTTP/1.1 1')
}

function isUtf8(encoding: BufferEncoding): boolean {
  return encoding === 'utf8' || encoding === 'utf-8'
}

function joined(chunks: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)))
}
