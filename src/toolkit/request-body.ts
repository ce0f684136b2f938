import { pipeline, Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { BrotliDecompress, Gunzip, Inflate } from 'node:zlib'
import type { Environ } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { BadRequest, RequestEntityTooLarge, UnsupportedMediaType } from './plain-exceptions.ts'
import { DEFAULT_LIMITS } from './request-limits.ts'
import type { RequestLimits } from './request-limits.ts'

/** The body of one request, within its limits. It comes once: whoever reads the stream takes it from `bytes`, and the other way round. */
export class RequestBody {
  readonly #environ: Environ
  readonly #limits: RequestLimits
  #taken = false
  #bytes: Promise<Buffer> | undefined

  constructor(environ: Environ, limits: RequestLimits) {
    this.#environ = environ
    this.#limits = limits
  }

  /**
   * The body, chunk by chunk, unpacked where that is wanted. Throws BadRequest (400), RequestEntityTooLarge (413), UnsupportedMediaType
   * (415), `TSGI_ERR_APPLICATION` where it was read before, `TSGI_ERR_CLIENT_DISCONNECTED` while it is read.
   */
  stream(): AsyncIterable<Uint8Array> {
    // What `bytes` has read it has kept.
    return this.#bytes === undefined ? this.#open() : chunkOf(this.#bytes)
  }

  #open(): AsyncIterable<Uint8Array> {
    if (this.#taken) throw new TsgiError('TSGI_ERR_APPLICATION', 'the body of the request was read before')
    this.#taken = true
    this.#checkLength()
    const coding = this.#coding()
    const source = counted(this.#environ['tsgi.input'], this.#limits.maxContentLength ?? Infinity)
    if (coding === undefined) return source
    return unpacked(source, coding, this.#limits.maxDecompressedSize ?? DEFAULT_LIMITS.maxDecompressedSize)
  }

  /** All of it, at most `maxBytes`. The same every time. */
  bytes(maxBytes: number): Promise<Buffer> {
    this.#bytes ??= this.#collect(maxBytes)
    return this.#bytes
  }

  async #collect(maxBytes: number): Promise<Buffer> {
    const declared = this.#checkLength() ?? 0
    if (declared > maxBytes) throw new RequestEntityTooLarge()
    const bytes = new GrowingBytes()
    for await (const chunk of counted(this.#open(), maxBytes)) bytes.append(chunk)
    return bytes.take()
  }

  /** A body that says that it is too large is refused before any of it is read. */
  #checkLength(): number | undefined {
    const length = this.#environ.CONTENT_LENGTH
    if (length === undefined || length === '') return undefined
    if (!/^\d{1,15}$/.test(length)) throw new BadRequest('The length of the request is no number.')
    if (Number(length) > (this.#limits.maxContentLength ?? Infinity)) throw new RequestEntityTooLarge()
    return Number(length)
  }

  #coding(): Coding | undefined {
    const field = this.#environ.HTTP_CONTENT_ENCODING
    const name = typeof field === 'string' ? field.trim().toLowerCase() : ''
    if (name === '' || name === 'identity') return undefined
    const coding = CODINGS.get(name)
    if (coding === undefined || this.#limits.decompress !== true) {
      // RFC 9110, section 12.5.3: the field tells what would have been taken.
      const accepted = this.#limits.decompress === true ? 'gzip, deflate, br' : 'identity'
      throw new UnsupportedMediaType('The server does not take a body of this coding.', {
        headers: [['Accept-Encoding', accepted]],
      })
    }
    return coding
  }
}

async function* chunkOf(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = await bytes
  if (chunk.length > 0) yield chunk
}

async function* counted(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0
  for await (const chunk of source) {
    total += chunk.length
    if (total > maxBytes) throw new RequestEntityTooLarge()
    yield chunk
  }
}

type Coding = () => BrotliDecompress | Gunzip | Inflate

const CODINGS: ReadonlyMap<string, Coding> = new Map<string, Coding>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

/** What is unpacked is counted as it comes out, in pieces of 16 KiB: a bomb is noticed when it has filled the limit, and goes no further. */
async function* unpacked(
  source: AsyncIterable<Uint8Array>,
  coding: Coding,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let failure: unknown
  const decoder = pipeline(Readable.from(keepError()), coding(), () => {
    // The iteration below rejects by itself.
  })
  async function* keepError(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* source
    } catch (error) {
      failure = error
      throw error
    }
  }
  try {
    // A decoder gives bytes.
    yield* counted(decoder as AsyncIterable<Uint8Array>, maxBytes)
  } catch (error) {
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the body failed', { cause: failure })
    if (error instanceof RequestEntityTooLarge) throw error
    throw new BadRequest('The body is not of the coding that it says.', { cause: error })
  } finally {
    decoder.destroy()
  }
}
