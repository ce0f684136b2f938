import type { Readable, Writable } from 'node:stream'
import type { Chunk } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import { Exchange } from '../gateway/exchange.ts'
import { findParam } from '../gateway/params.ts'
import type { RequestHandler, ServerContext } from '../gateway/request-handler.ts'
import type { Transport } from '../gateway/transport.ts'
import { parseContentLength } from '../protocol/content-length.ts'
import { encodeResponseHead } from '../protocol/response-head.ts'
import { disconnected } from './connection.ts'

export interface CgiRequestOptions {
  readonly context: ServerContext
  readonly handler: RequestHandler
  /** `[name, value, …]`, latin-1. */
  readonly params: readonly string[]
  /** Where the body comes from: left alone where there is none. */
  readonly input: () => Readable
  readonly output: Writable
  /** Bytes; 0: unlimited. */
  readonly maxRequestBodyBytes: number
  /** From the application's call to the head of its response, milliseconds; 0: no limit. */
  readonly requestTimeoutMs: number
}

/** Serves the request that this process was started for (RFC 3875). Resolves when the response is written and the application is done with it. */
export async function serveCgiRequest(options: CgiRequestOptions): Promise<void> {
  const { output } = options
  await new Promise<void>((resolve) => {
    new CgiRequest(options, resolve).start()
  })
  // Behind what is buffered.
  if (!output.destroyed) await new Promise<void>((resolve) => void output.write('', () => resolve()))
}

class CgiRequest implements Transport {
  readonly #options: CgiRequestOptions
  readonly #exchange: Exchange
  readonly #onFinished: () => void
  #input: Readable | undefined
  /** Bytes the body has by CONTENT_LENGTH, -1 when it ends with its stream, and those that have come in. */
  #expected = 0
  #received = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: CgiRequestOptions, onFinished: () => void) {
    this.#options = options
    this.#onFinished = onFinished
    this.#exchange = new Exchange(options.context, this, options.params)
  }

  start(): void {
    const { handler, output, requestTimeoutMs } = this.#options
    const exchange = this.#exchange
    output.on('drain', () => exchange.drained())
    // The server has closed its end: its client has left.
    output.on('error', (error) => exchange.disconnect(disconnected(error)))
    try {
      this.#expected = this.#bodyLength()
    } catch (error) {
      exchange.fail(error)
      exchange.finished()
      return
    }
    this.#connectBody()
    if (requestTimeoutMs > 0) {
      this.#timer = setTimeout(() => {
        exchange.timeOut(new TsgiError('TSGI_ERR_REQUEST_TIMEOUT', `no response within ${requestTimeoutMs} ms`))
      }, requestTimeoutMs)
    }
    handler.serve(exchange)
  }

  /** Throws `TSGI_ERR_CONTENT_LENGTH`, `TSGI_ERR_BODY_LIMIT`. */
  #bodyLength(): number {
    const { params, maxRequestBodyBytes: limit } = this.#options
    const declared = parseContentLength(findParam(params, 'CONTENT_LENGTH'))
    if (limit > 0 && declared > limit) throw new TsgiError('TSGI_ERR_BODY_LIMIT', `${declared} bytes, the limit is ${limit}`)
    if (declared !== -1) return declared
    // No length is no body (section 4.2), but where the server says that the client sends chunks: Apache decodes them.
    return findParam(params, 'HTTP_TRANSFER_ENCODING') ? -1 : 0
  }

  #connectBody(): void {
    const { input: body } = this.#exchange
    if (this.#expected === 0) {
      body.end()
      return
    }
    this.#input = this.#options.input()
    this.#input.on('data', this.#onData)
    this.#input.on('end', () => {
      if (this.#expected === -1) body.end()
      else body.fail(new TsgiError('TSGI_ERR_BODY_LENGTH', `${this.#received} of ${this.#expected} bytes came`))
    })
    this.#input.on('error', (error) => body.fail(disconnected(error)))
  }

  readonly #onData = (chunk: Buffer): void => {
    const limit = this.#options.maxRequestBodyBytes
    const room = this.#expected === -1 ? chunk.length : this.#expected - this.#received
    const data = chunk.length > room ? chunk.subarray(0, room) : chunk
    this.#received += data.length
    if (limit > 0 && this.#received > limit) {
      this.#exchange.fail(new TsgiError('TSGI_ERR_BODY_LIMIT', `more than ${limit} bytes came`))
      this.#letGo()
      return
    }
    if (data.length > 0) this.#exchange.input.push(data)
    // What follows is not the body's, and the stream may have no end.
    if (this.#received === this.#expected) {
      this.#letGo()
      this.#exchange.input.end()
    }
  }

  #letGo(): void {
    this.#input?.off('data', this.#onData)
    this.#input?.pause()
  }

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    const { output } = this.#options
    clearTimeout(this.#timer)
    const head = Buffer.from(encodeResponseHead('Status: ', status, fields), 'latin1')
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const room = output.write(bytes === null ? head : Buffer.concat([head, bytes]))
    return last || room
  }

  sendBody(chunk: Chunk): boolean {
    return this.#options.output.write(chunk)
  }

  /** The end of the process is the end of the response. */
  end(): void {}

  /** CGI has no sign of a loss: the log has it. */
  abort(): void {}

  pauseInput(): void {
    this.#input?.pause()
  }

  resumeInput(): void {
    if (this.#received !== this.#expected) this.#input?.resume()
  }

  finished(): void {
    clearTimeout(this.#timer)
    this.#onFinished()
  }
}
