import { createHash } from 'node:crypto'

import { Exchange } from '../gateway/exchange.ts'
import type { RequestHandler, ServerContext } from '../gateway/request-handler.ts'
import type { Transport } from '../gateway/transport.ts'
import type { Chunk } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'

export interface ReplayedRequest {
  /** CGI variables, `[name, value, …]`, latin-1. */
  readonly params: readonly string[]
  readonly body: Uint8Array
}

/** What an application answers now. */
export interface ReplayedResponse {
  /** `200 OK`; empty: there was none. */
  readonly status: string
  /** Field lines, latin-1, each with its line end. */
  readonly fields: string
  readonly complete: boolean
  readonly bytes: number
  /** Of the body, hexadecimal. */
  readonly sha256: string
  /** Its beginning, as much as is worth showing. */
  readonly body: Buffer
}

/** Of a body, bytes: what is beyond it is only hashed. */
const SHOWN_BYTES = 1024 * 1024

/**
 * Serves one request without a connection. Resolves when the application is done with it, or `limitMs` is over, which is answered 504
 * where nothing has been.
 */
export function replayRequest(
  handler: RequestHandler,
  context: ServerContext,
  request: ReplayedRequest,
  limitMs: number,
): Promise<ReplayedResponse> {
  return new Promise((resolve) => {
    new Replay(context, request, limitMs, resolve).start(handler, request.body)
  })
}

class Replay implements Transport {
  readonly #exchange: Exchange
  readonly #onFinished: (response: ReplayedResponse) => void
  readonly #timer: NodeJS.Timeout
  readonly #hash = createHash('sha256')
  readonly #shown: Buffer[] = []
  #status = ''
  #fields = ''
  #bytes = 0
  #complete = false
  #over = false

  constructor(
    context: ServerContext,
    { params }: ReplayedRequest,
    limitMs: number,
    onFinished: (response: ReplayedResponse) => void,
  ) {
    this.#exchange = new Exchange(context, this, params)
    this.#onFinished = onFinished
    this.#timer = setTimeout(() => {
      const error = new TsgiError('TSGI_ERR_REQUEST_TIMEOUT', `no whole response within ${limitMs} ms`)
      this.#exchange.timeOut(error)
      // One that has begun is given up as if its client had left.
      this.#exchange.disconnect(error)
    }, limitMs)
  }

  start(handler: RequestHandler, body: Uint8Array): void {
    if (body.length > 0) this.#exchange.input.push(body)
    this.#exchange.input.end()
    handler.serve(this.#exchange)
  }

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    this.#status = status
    this.#fields = fields
    if (body !== null) this.sendBody(body)
    if (last) this.#complete = true
    return true
  }

  sendBody(chunk: Chunk): boolean {
    const bytes = Buffer.from(chunk)
    this.#hash.update(bytes)
    if (this.#bytes < SHOWN_BYTES) this.#shown.push(bytes)
    this.#bytes += bytes.length
    return true
  }

  end(): void {
    this.#complete = true
  }

  abort(): void {}
  pauseInput(): void {}
  resumeInput(): void {}

  finished(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    this.#onFinished({
      status: this.#status,
      fields: this.#fields,
      complete: this.#complete,
      bytes: this.#bytes,
      sha256: this.#hash.digest('hex'),
      body: Buffer.concat(this.#shown).subarray(0, SHOWN_BYTES),
    })
  }
}
