import { inspect } from 'node:util'
import type { Environ, ResponseBody, StartResponse } from '../interface/application.ts'
import { applyConditions } from './conditional.ts'
import type { ConditionalOptions, EnvironHolder } from './conditional.ts'
import { generateEtag } from './etags.ts'
import { chunksOf, closeBody, ClosingBody, needsClose, wholeOf } from './response-body.ts'
import type { CloseCallback } from './response-body.ts'
import { ResponseHead } from './response-head.ts'
import type { ResponseOptions } from './response-head.ts'

/** Statuses whose answers have no body (RFC 9110, section 6.4.1). */
const WITHOUT_BODY = new Set([204, 205, 304])

/**
 * A response: status, header fields and a body, which is one string, bytes, a list or an iterable of such chunks, or a web stream.
 *
 * It is an application itself, so that `return response(environ, startResponse)` sends it; what a handler of
 * `Request.application` returns is sent so. A stream can be sent once, a string, bytes or a list any number of times.
 */
export class Response extends ResponseHead {
  #body: ResponseBody
  #callbacks: CloseCallback[] | undefined

  constructor(body: ResponseBody = null, options: ResponseOptions = {}) {
    super(options)
    this.#body = body
  }

  /** JSON, UTF-8. Throws `TypeError` for what JSON cannot say. */
  static json(value: unknown, options: ResponseOptions = {}): Response {
    // Of undefined and functions JSON.stringify makes undefined, which its type hides.
    const text = JSON.stringify(value) as string | undefined
    if (text === undefined) throw new TypeError('This value has no JSON')
    return new Response(`${text}\n`, { contentType: 'application/json', ...options })
  }

  get body(): ResponseBody {
    return this.#body
  }
  /** A new body: its length is no longer that of the old one. Who sets it closes the old one. */
  set body(body: ResponseBody) {
    this.#body = body
    this.headers.delete('content-length')
  }

  /** True where the length is known only when all has been sent. */
  get isStreamed(): boolean {
    const body = this.#body
    return typeof body === 'object' && body !== null && !(body instanceof Uint8Array) && !Array.isArray(body)
  }

  /** Reads the body to its end and keeps it: bytes. A stream becomes bytes by that, all of them in memory. */
  async data(): Promise<Uint8Array> {
    const body = this.#body
    const whole = wholeOf(body)
    if (whole !== undefined) return whole
    const chunks: Uint8Array[] = []
    // What `wholeOf` makes nothing of has several chunks.
    for await (const chunk of chunksOf(body as Exclude<ResponseBody, string | Uint8Array | null>)) {
      chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    }
    await closeBody(body)
    const data = Buffer.concat(chunks)
    this.#body = data
    return data
  }

  /** The body as UTF-8. */
  async text(): Promise<string> {
    return Buffer.from(await this.data()).toString('utf8')
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  /** Calls this once the response has ended, sent or given up. */
  callOnClose(callback: CloseCallback): this {
    this.#callbacks ??= []
    this.#callbacks.push(callback)
    return this
  }

  /** Adds an ETag made of the body, unless there is one. A stream has none: its bytes are not known yet. */
  addEtag({ overwrite = false, weak = false } = {}): this {
    if (!overwrite && this.headers.has('etag')) return this
    const whole = wholeOf(this.#body)
    return whole === undefined ? this : this.setEtag(generateEtag(whole), weak)
  }

  /**
   * Answers the conditions of a request, `If-None-Match`, `If-Modified-Since`, `If-Match`, `If-Unmodified-Since`, `Range` and
   * `If-Range` (RFC 9110, sections 13 and 14), by 304, 412, 206 or 416. Set ETag and `Last-Modified` before. Only answers of
   * status 200 to GET and HEAD change: for other methods ask `checkPreconditions` before you do what they want.
   */
  makeConditional(request: Environ | EnvironHolder, options: ConditionalOptions = {}): this {
    this.#body = applyConditions(this, this.#body, request, options)
    return this
  }

  /** Sends the response: what a call of it does. */
  override respond(environ: Environ, startResponse: StartResponse): ResponseBody | Promise<ResponseBody> {
    const { headers, statusCode } = this
    const bodiless = WITHOUT_BODY.has(statusCode)
    let body = this.#body
    if (bodiless) {
      headers.delete('content-length')
      headers.delete('content-type')
    } else {
      if (Array.isArray(body)) body = wholeOf(body) ?? body
      const length = lengthOf(body)
      if (length !== undefined) headers.setDefault('Content-Length', length)
    }
    startResponse(this.status, headers.toList())
    const silent = bodiless || environ.REQUEST_METHOD === 'HEAD'
    // What is not sent is to be closed all the same, which the server does.
    if (this.#callbacks !== undefined) return new ClosingBody(silent ? unread(body) : body, this.#callbacks)
    return silent ? unread(body) : body
  }

  /** Ends a response that is not sent. */
  async close(): Promise<void> {
    await new ClosingBody(this.#body, this.#callbacks ?? []).close()
  }

  [inspect.custom](): string {
    return `Response <${this.status}>`
  }
}

function lengthOf(body: ResponseBody): number | undefined {
  if (body === null) return 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  return body instanceof Uint8Array || (Array.isArray(body) && body.length === 0) ? body.length : undefined
}

/** A body that has no chunks, and closes the other one. */
function unread(body: ResponseBody): ResponseBody {
  return needsClose(body) ? new ClosingBody(null, [() => closeBody(body)]) : null
}
