import { promisify } from 'node:util'
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib'
import type { BrotliCompress, Gzip } from 'node:zlib'
import compressible from 'compressible'
import type { Chunk, ExcInfo, HeaderPair, Middleware, ResponseBody, StartResponse, Write } from '../interface/application.ts'
import { chunksOf, closeBody, wholeOf } from './response-body.ts'
import type { OwnBody } from './response-body.ts'
import { codingsFor } from './content-coding.ts'
import { addVary, fieldOf, removeField, setField } from './response-fields.ts'
import { keepingLifespan } from './keep-lifespan.ts'

export interface CompressOptions {
  /** Bytes below which a body whose size is known stays as it is. 1024 when left out: less hardly gets shorter in packets. */
  readonly threshold?: number
  /** Which codings, the preferred first. Both when left out. */
  readonly encodings?: readonly ('br' | 'gzip')[]
  /** Which types are worth it. What mime-db calls compressible when left out. */
  readonly filter?: (contentType: string) => boolean
}

const compressWhole = { br: promisify(brotliCompress), gzip: promisify(gzip) }

/** Node's default quality of 11 takes a hundred times as long as 4, which is what servers use on the fly. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }

type Coding = 'br' | 'gzip'

interface Head {
  readonly status: string
  readonly headers: readonly HeaderPair[]
  readonly excInfo: ExcInfo | null | undefined
}

/**
 * Compresses responses by what the client accepts (RFC 9110, sections 8.4 and 12.5.3). A stream stays one: each chunk leaves
 * at once, compressed. Not compressed are: what is small, what has a coding or is part of something, types that it does not pay
 * for, `Cache-Control: no-transform`, answers to HEAD, and answers without a body. An ETag becomes a weak one.
 *
 * The proxy can do the same, by `--compress`, and then spares the workers that work.
 */
export function compress(options: CompressOptions = {}): Middleware {
  const { threshold = 1024, encodings = ['br', 'gzip'], filter = (type: string) => compressible(type) === true } = options
  return keepingLifespan((application) => async (environ, startResponse) => {
    const [coding] = environ.REQUEST_METHOD === 'HEAD' ? [] : codingsFor(environ, encodings)
    const response = new CompressedResponse(startResponse, coding, { threshold, filter })
    const body = await application(environ, response.startResponse)
    return response.deliver(body)
  })
}

interface Worth {
  readonly threshold: number
  readonly filter: (contentType: string) => boolean
}

/** One response on its way: its head waits until it is known whether the body is to be compressed. */
class CompressedResponse {
  readonly #startResponse: StartResponse
  readonly #coding: Coding | undefined
  readonly #options: Worth
  #head: Head | undefined
  #write: Write | undefined
  #stream: ChunkCompressor | undefined

  constructor(startResponse: StartResponse, coding: Coding | undefined, options: Worth) {
    this.#startResponse = startResponse
    this.#coding = coding
    this.#options = options
  }

  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    // Once the head has left, or a second one comes without a reason, the server has the word.
    if (this.#write !== undefined || (this.#head !== undefined && !excInfo)) return this.#startResponse(status, headers, excInfo)
    this.#head = { status, headers, excInfo }
    return async (chunk) => {
      const write = this.#begin(undefined)
      await write(this.#stream === undefined ? chunk : await this.#stream.compress(chunk))
    }
  }

  async deliver(body: ResponseBody): Promise<ResponseBody> {
    // Without a head the server says what is wrong.
    if (this.#head === undefined) return body
    const whole = this.#write === undefined ? wholeOf(body) : undefined
    if (whole !== undefined) return this.#deliverWhole(body, whole)
    const iterator = this.#chunks(body)
    return { [Symbol.asyncIterator]: () => iterator, close: () => closeBody(body) } satisfies OwnBody
  }

  async #deliverWhole(body: ResponseBody, whole: Uint8Array): Promise<ResponseBody> {
    const { status = '', headers = [], excInfo } = this.#head ?? {}
    const coding = whole.length < this.#options.threshold ? undefined : this.#codingOf(status, headers)
    if (coding === undefined) {
      this.#startResponse(status, this.#varied(status, headers), excInfo)
      return body
    }
    const compressed = coding === 'br' ? await compressWhole.br(whole, BROTLI) : await compressWhole.gzip(whole)
    this.#startResponse(status, [...compressedFields(headers, coding), ['Content-Length', String(compressed.length)]], excInfo)
    return compressed
  }

  async *#chunks(body: ResponseBody): AsyncGenerator<Chunk, void, undefined> {
    try {
      for await (const chunk of chunksOf(body)) {
        if (chunk.length === 0) continue
        this.#begin(undefined)
        yield this.#stream === undefined ? chunk : await this.#stream.compress(chunk)
      }
      this.#begin(0)
      if (this.#stream !== undefined) yield await this.#stream.end()
    } finally {
      this.#stream?.destroy()
    }
  }

  /** Sends the head, if it has not left. `length`: what is known of the body, bytes. */
  #begin(length: number | undefined): Write {
    if (this.#write !== undefined) return this.#write
    const { status = '', headers = [], excInfo } = this.#head ?? {}
    const declared = Number(fieldOf(headers, 'content-length') ?? length ?? Infinity)
    const coding = declared < this.#options.threshold ? undefined : this.#codingOf(status, headers)
    if (coding !== undefined) this.#stream = new ChunkCompressor(coding)
    const fields = coding === undefined ? this.#varied(status, headers) : compressedFields(headers, coding)
    this.#write = this.#startResponse(status, fields, excInfo)
    return this.#write
  }

  #codingOf(status: string, headers: readonly HeaderPair[]): Coding | undefined {
    return this.#coding !== undefined && this.#mayBeCompressed(status, headers) ? this.#coding : undefined
  }

  /** Whether another client would get it compressed. */
  #mayBeCompressed(status: string, headers: readonly HeaderPair[]): boolean {
    const type = fieldOf(headers, 'content-type')
    return (
      !/^(?:204|206|304)/.test(status) &&
      type !== undefined &&
      fieldOf(headers, 'content-encoding') === undefined &&
      fieldOf(headers, 'content-range') === undefined &&
      !/\bno-transform\b/i.test(fieldOf(headers, 'cache-control') ?? '') &&
      this.#options.filter(type)
    )
  }

  #varied(status: string, headers: readonly HeaderPair[]): readonly HeaderPair[] {
    if (!this.#mayBeCompressed(status, headers)) return headers
    const fields = [...headers]
    addVary(fields, 'Accept-Encoding')
    return fields
  }
}

function compressedFields(headers: readonly HeaderPair[], coding: Coding): HeaderPair[] {
  const fields = [...headers]
  removeField(fields, 'content-length')
  // Ranges would be those of the compressed bytes, of which there is no second helping.
  removeField(fields, 'accept-ranges')
  const etag = fieldOf(fields, 'etag')
  // Other bytes, the same meaning (RFC 9110, section 8.8.1).
  if (etag?.startsWith('"') === true) setField(fields, 'ETag', `W/${etag}`)
  fields.push(['Content-Encoding', coding])
  addVary(fields, 'Accept-Encoding')
  return fields
}

/** A stream of zlib, chunk in, chunk out: what was put in comes out, so that nothing waits for more. */
class ChunkCompressor {
  readonly #stream: BrotliCompress | Gzip
  readonly #flushKind: number
  #output: Buffer[] = []

  constructor(coding: Coding) {
    this.#stream = coding === 'br' ? createBrotliCompress(BROTLI) : createGzip()
    this.#flushKind = coding === 'br' ? constants.BROTLI_OPERATION_FLUSH : constants.Z_SYNC_FLUSH
    // Held is what one chunk has become, which is about as much as the chunk.
    this.#stream.on('data', (bytes: Buffer) => this.#output.push(bytes))
  }

  async compress(chunk: Chunk): Promise<Uint8Array> {
    return this.#step((done) => {
      this.#stream.write(chunk)
      this.#stream.flush(this.#flushKind, done)
    })
  }

  async end(): Promise<Uint8Array> {
    return this.#step((done) => {
      this.#stream.once('end', done)
      this.#stream.end()
    })
  }

  destroy(): void {
    this.#stream.destroy()
  }

  async #step(act: (done: () => void) => void): Promise<Uint8Array> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.once('error', reject)
      act(() => {
        this.#stream.off('error', reject)
        resolve()
      })
    })
    const output = Buffer.concat(this.#output)
    this.#output = []
    return output
  }
}
