import type { Socket } from 'node:net'
import type { Chunk, ExcInfo, HeaderPair, Write } from '../interface/application.ts'
import { quote, saysAborted, TsgiError } from '../interface/errors.ts'
import { fieldLine } from '../protocol/response-head.ts'
import { watched } from './access.ts'
import { byteLength, checkChunk } from './body-chunk.ts'
import { answerFailure } from './failure-page.ts'
import { RequestInput } from './input.ts'
import { findParam } from './params.ts'
import type { ServerContext } from './request-handler.ts'
import { CLIENT_LEFT, NO_RESPONSE, SWITCHING_PROTOCOLS } from './request-meter.ts'
import type { RequestMeter } from './request-meter.ts'
import { REASONS } from './reasons.ts'
import { nextRequestId, requestIdField, requestLabel } from './request-id.ts'
import { checkResponseHead } from './response-head.ts'
import type { ResponseHead } from './response-head.ts'
import { refusedWait, RESOLVED, RoomWaiters } from './room-waiters.ts'
import type { ExchangeWatch, Transport } from './transport.ts'
import { requestedUpgrade } from './upgrade.ts'

/**
 * One request and its response: what has been said, what may still be said, and the end of it.
 *
 * Sits between an application's adapter, which calls `startResponse`, `write`, `end` and `fail`, and the connection, which
 * carries bytes by `Transport` and reports `drained` and `disconnect`. Content-Length is enforced here (RFC 9110, section
 * 8.6), and so are the responses without a body.
 */
export class Exchange {
  readonly context: ServerContext
  readonly params: readonly string[]
  readonly input: RequestInput
  /** Told once when the exchange has ended; undefined: nobody watches over it. */
  watch: ExchangeWatch | undefined
  /** Who counts the request; undefined: nobody does. */
  meter: RequestMeter | undefined
  readonly #startedAt: number
  #requestId: string | undefined
  readonly #transport: Transport
  readonly #isHead: boolean
  #head: ResponseHead | undefined
  #headSent = false
  #bodiless = false
  #lengthIsOurs = true
  #sent = 0
  #overrun = false
  #ended = false
  #finished = false
  #disconnected = false
  #takenSocket: Socket | undefined
  #controller: AbortController | undefined
  #abortReason: Error | undefined
  #waiting: RoomWaiters | undefined
  #blocked = false
  #onEnd: (() => void) | undefined
  #onLeave: (() => void) | undefined

  constructor(context: ServerContext, transport: Transport, params: readonly string[]) {
    this.context = context
    this.meter = context.meter
    this.#startedAt = context.meter === undefined ? 0 : performance.now()
    const recording = context.recorder?.begin(context.mountPoint, params, transport)
    this.#transport = watched(context.access, recording ?? transport, params)
    this.params = params
    this.#isHead = findParam(params, 'REQUEST_METHOD') === 'HEAD'
    this.input = recording?.input ?? new RequestInput(transport)
  }

  /** True once the response is complete, was given up, or has lost its reader. */
  get ended(): boolean {
    return this.#ended
  }

  get responseStarted(): boolean {
    return this.#head !== undefined
  }

  get headSent(): boolean {
    return this.#headSent
  }

  /** Identifies the request in every log line: the proxy's TSGI_REQUEST_ID, else one made here. */
  get requestId(): string {
    this.#requestId ??= findParam(this.params, 'TSGI_REQUEST_ID') || nextRequestId()
    return this.#requestId
  }

  /** The request for a log line: method, target and id, bounded and escaped. */
  get label(): string {
    return requestLabel(this.params, this.requestId)
  }

  /** Aborted when the client leaves or the server gives the request up. Made on first use. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  /** The protocol that the client asks for in place of HTTP, where the connection can be had for it; else undefined. */
  get upgrade(): string | undefined {
    return this.#transport.takeOver === undefined ? undefined : requestedUpgrade(this.params)
  }

  /** The application has the connection. */
  get takenOver(): boolean {
    return this.#takenSocket !== undefined
  }

  /**
   * Gives the application the connection, with the answer still to be written: for an upgrade. The exchange is over with that.
   *
   * Throws `TSGI_ERR_UPGRADE` where the client asks for no upgrade, the wire cannot carry one or the response has begun.
   */
  takeOver(): Socket {
    if (this.#head !== undefined || this.#ended) throw new TsgiError('TSGI_ERR_UPGRADE', 'the response has begun')
    const socket = this.upgrade === undefined ? undefined : this.#transport.takeOver?.()
    if (socket === undefined) throw new TsgiError('TSGI_ERR_UPGRADE', 'none is asked for, or the wire cannot carry one')
    this.#takenSocket = socket
    this.#close()
    this.finished()
    return socket
  }

  /** PEP 3333's `start_response`; see `StartResponse`. */
  startResponse(status: string, headers: readonly HeaderPair[], excInfo?: ExcInfo | null): void {
    if (excInfo !== undefined && excInfo !== null) {
      if (this.#headSent) throw Array.isArray(excInfo) ? (excInfo as readonly [unknown])[0] : excInfo
    } else if (this.#head !== undefined) {
      throw new TsgiError('TSGI_ERR_RESPONSE_STARTED', `${quote(this.#head.status)}, then ${quote(status)} without excInfo`)
    }
    this.#head = checkResponseHead(status, headers)
  }

  /** For an adapter that has checked status and headers itself. A length that the head does not have is not added. */
  startWith(head: ResponseHead): void {
    this.#head = head
    this.#lengthIsOurs = false
  }

  /**
   * Sends body bytes, the head before them. True: there is room for more; false: wait for `ready()`.
   * An empty chunk sends nothing. What exceeds Content-Length is cut off and logged once.
   *
   * Throws `TSGI_ERR_RESPONSE_NOT_STARTED`, `TSGI_ERR_BODY_INVALID`.
   */
  write(chunk: Chunk): boolean {
    checkChunk(chunk)
    if (this.#head === undefined) throw new TsgiError('TSGI_ERR_RESPONSE_NOT_STARTED', 'before the first chunk of the body')
    if (this.#ended || chunk.length === 0) return true
    const body = this.#withinLength(this.#head, chunk)
    let room: boolean
    if (!this.#headSent) room = this.#sendHead(this.#head, body, false)
    else if (body !== null) room = this.#transport.sendBody(body)
    else return true
    if (!room) this.#blocked = true
    return room
  }

  /** Sends the head ahead of the body. */
  flushHead(): void {
    if (this.#head === undefined || this.#headSent || this.#ended) return
    if (!this.#sendHead(this.#head, null, false)) this.#blocked = true
  }

  /** `write` as an application sees it: resolves when there is room for more. */
  writeAndWait: Write = (chunk) => {
    if (this.#disconnected) return this.ready()
    return this.write(chunk) ? RESOLVED : this.ready()
  }

  /** Resolves when the connection takes more; rejects with `TSGI_ERR_CLIENT_DISCONNECTED` when it never will. */
  ready(): Promise<void> {
    if (this.#disconnected) return refusedWait(this.#abortReason ?? new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED'))
    if (!this.#blocked) return RESOLVED
    this.#waiting ??= new RoomWaiters()
    return this.#waiting.wait()
  }

  /**
   * Ends the response with its last chunk; when nothing was sent yet the whole response goes out in one write, and a
   * missing Content-Length is added because it is known.
   *
   * Throws `TSGI_ERR_RESPONSE_NOT_STARTED`, `TSGI_ERR_BODY_INVALID`.
   */
  end(chunk: Chunk | null): void {
    if (chunk !== null) checkChunk(chunk)
    const head = this.#head
    if (head === undefined) throw new TsgiError('TSGI_ERR_RESPONSE_NOT_STARTED', 'at the end of the body')
    if (this.#ended) return
    const last = chunk !== null && chunk.length > 0 ? chunk : null
    if (!this.#headSent) this.#sendWhole(head, last)
    else {
      if (last !== null) this.write(last)
      if (this.#lengthPending(head)) {
        this.#abandon(this.#shortError(head))
        return
      }
      this.#transport.end()
    }
    this.#close()
  }

  /** For an adapter whose application says itself what becomes of a failure: ends the request so that the client sees the loss. */
  abort(): void {
    if (!this.#ended) this.#abandon(undefined)
  }

  /**
   * Gives the request up: answers it where the head is not sent, else ends visibly. Only development tells more than a status.
   */
  fail(error: unknown): void {
    if (this.#takenSocket !== undefined) {
      this.context.log.error(`${this.label} failed after its upgrade`, error)
      this.#takenSocket.destroy()
    }
    if (this.#ended) return
    const status = error instanceof TsgiError ? error.status : 500
    if (saysAborted(error, this.#abortReason)) this.context.log.debug(`${this.label} ended early: its client left`)
    else if (status !== null && status < 500) this.context.log.warn(`${this.label} answered ${status}`, error)
    else this.context.log.error(`${this.label} failed${this.#headSent ? ' after its headers' : ''}`, error)
    if (this.#headSent || status === null) this.#abandon(undefined)
    else answerFailure(this, error, status)
  }

  /**
   * For the server: the application has had its time. Where the head was not sent, the client gets the status of `error`,
   * `tsgi.signal` is aborted with it, and nobody waits for the application any more; else nothing happens.
   */
  timeOut(error: TsgiError): void {
    if (this.#headSent || this.#ended) return
    const status = error.status ?? 504
    this.context.log.error(`${this.label} answered ${status}`, error)
    this.input.fail(error)
    // Before the signal: what its listeners do is too late for this response.
    this.respond(status)
    this.#stop(error)
    this.finished()
  }

  /** Answers with a status and its reason as plain text. Only before the head was sent. */
  respond(statusCode: number, extra: readonly HeaderPair[] = []): void {
    if (this.#headSent || this.#ended) return
    const reason = REASONS[statusCode] ?? 'Error'
    const type: HeaderPair[] = statusCode === 204 ? [] : [['Content-Type', 'text/plain; charset=utf-8']]
    const id = statusCode < 500 ? [] : requestIdField(this.requestId)
    this.#head = checkResponseHead(`${statusCode} ${reason}`, [...type, ...id, ...extra])
    this.#lengthIsOurs = true
    this.end(statusCode === 204 ? null : `${reason}\n`)
  }

  /** For the connection: what was sent has been taken. */
  drained(): void {
    this.#blocked = false
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve()
  }

  /**
   * For the connection: the client may have left; it said that it sends no more. `tsgi.signal` is aborted, but the response
   * is still delivered to one who has only closed his half.
   */
  leave(error: Error): void {
    if (this.#ended || this.#abortReason !== undefined) return
    this.#abortReason = error
    this.#controller?.abort(error)
    this.#onLeave?.()
  }

  /** For the connection: nobody reads the response any more. */
  disconnect(error: Error): void {
    if (this.#ended) return
    this.#disconnected = true
    this.#stop(error)
    // The application may go on, but there is nobody that a stop would have to wait for.
    this.finished()
  }

  /** Calls `listener` once when the exchange has ended before the application is done with it: iteration stops, `close` follows. */
  onEnd(listener: () => void): void {
    if (this.#ended) listener()
    else this.#onEnd = listener
  }

  /** Calls `listener` when the client has said that it sends no more; see `leave`. */
  onLeave(listener: () => void): void {
    this.#onLeave = listener
  }

  /** For the adapter: the application is done, its `close()` called. */
  finished(): void {
    if (this.#finished) return
    this.#finished = true
    this.#transport.finished()
  }

  #sendHead(head: ResponseHead, body: Chunk | null, last: boolean): boolean {
    this.#headSent = true
    this.#bodiless = this.#hasNoBody(head)
    return this.#transport.sendHead(head.status, head.fields, this.#bodiless ? null : body, last)
  }

  #sendWhole(head: ResponseHead, last: Chunk | null): void {
    if (head.contentLength === -1) {
      const length = last === null ? 0 : byteLength(last)
      // For HEAD an empty body says nothing about the length; 304 repeats what the application knows, 204 has none.
      if (this.#lengthIsOurs && head.statusCode !== 204 && head.statusCode !== 304 && !(this.#isHead && length === 0)) {
        head.fields += fieldLine('Content-Length', String(length))
      }
      this.#sendHead(head, last, true)
      return
    }
    const body = last === null ? null : this.#withinLength(head, last)
    if (!this.#hasNoBody(head) && this.#sent < head.contentLength) {
      this.#sendHead(head, body, false)
      this.#abandon(this.#shortError(head))
      return
    }
    this.#sendHead(head, body, true)
  }

  /** Responses that end with their head (RFC 9110, section 6.4.1). */
  #hasNoBody(head: ResponseHead): boolean {
    return this.#isHead || head.statusCode === 204 || head.statusCode === 304
  }

  /** Counts a chunk against Content-Length and cuts it there; null when nothing of it is to be sent. */
  #withinLength(head: ResponseHead, chunk: Chunk): Chunk | null {
    if (this.#bodiless) return null
    if (head.contentLength === -1) return chunk
    const size = byteLength(chunk)
    const room = head.contentLength - this.#sent
    if (size <= room) {
      this.#sent += size
      return chunk
    }
    this.#sent = head.contentLength
    if (!this.#overrun && !this.#isHead) {
      this.#overrun = true
      const error = new TsgiError('TSGI_ERR_BODY_TOO_LONG', `cut off at ${head.contentLength} bytes`)
      this.context.log.error(this.label, error)
    }
    if (room === 0) return null
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    return bytes.subarray(0, room)
  }

  #lengthPending(head: ResponseHead): boolean {
    return !this.#bodiless && head.contentLength !== -1 && this.#sent < head.contentLength
  }

  #shortError(head: ResponseHead): TsgiError {
    return new TsgiError('TSGI_ERR_BODY_TOO_SHORT', `${this.#sent} of ${head.contentLength} bytes`)
  }

  /** Ends an incomplete response visibly. */
  #abandon(error: TsgiError | undefined): void {
    if (error !== undefined) this.context.log.error(this.label, error)
    this.#transport.abort(this.#head !== undefined && this.#lengthPending(this.#head))
    this.meter?.broken()
    this.#stop(error ?? new TsgiError('TSGI_ERR_APPLICATION'))
  }

  #stop(reason: Error): void {
    if (this.#abortReason === undefined) {
      this.#abortReason = reason
      this.#controller?.abort(reason)
    }
    this.input.fail(reason)
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#close()
    waiting?.reject(reason)
  }

  #close(): void {
    if (!this.#ended) this.meter?.ended(this.outcome, this.#startedAt)
    this.#ended = true
    if (!this.input.ended) this.input.discard()
    this.watch?.done()
    this.watch = undefined
    const onEnd = this.#onEnd
    this.#onEnd = undefined
    onEnd?.()
  }

  /** The status that its client got, or would if it ended now; see `CLIENT_LEFT`. */
  get outcome(): number {
    if (this.#headSent && this.#head !== undefined) return this.#head.statusCode
    if (this.#takenSocket !== undefined) return SWITCHING_PROTOCOLS
    return this.#disconnected ? CLIENT_LEFT : NO_RESPONSE
  }
}
