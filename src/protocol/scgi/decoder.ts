import { TsgiError } from '../../interface/errors.ts'
import { MAX_PARAMS_BYTES } from '../../interface/limits.ts'
import { ChunkDecoder } from '../chunk-decoder.ts'
import { checkHeaders } from './check-headers.ts'
import { decodeHeaders } from './headers.ts'

/** What an SCGI client said. `params` is `[name, value, …]`, latin-1; `data` is a view on the pushed bytes, never empty, good until the next push. */
export type ScgiEvent =
  | {
      readonly type: 'request'
      readonly params: string[]
      /** Bytes of the body that follows. */
      readonly contentLength: number
    }
  | { readonly type: 'body'; readonly data: Uint8Array }
  | { readonly type: 'end' }

const State = { SIZE: 0, HEADERS: 1, BODY: 2, END: 3, DONE: 4 } as const
type State = (typeof State)[keyof typeof State]

const NOTHING = new Uint8Array(0)

const ZERO = 0x30
const COLON = 0x3a
const COMMA = 0x2c

/** What headers that come in pieces are gathered in at first, bytes: most fit. A size that a client only claims costs no more. */
const FIRST_GATHERED = 4096

/**
 * A decoder of SCGI for one connection, which carries one request: bytes in, events out, no I/O.
 * https://python.ca/scgi/protocol.txt: a netstring of headers, `len:CONTENT_LENGTH\0n\0SCGI\01\0…,`, and a body of n bytes.
 *
 * `push` a chunk, take `next` until it gives undefined, push the next chunk. Any chunking gives the same events, but that
 * the body may come in other pieces. What follows the body is ignored and never taken for another request.
 * Memory: the pushed chunk, and headers of `maxParamsBytes`, held as they come in.
 */
export class ScgiDecoder extends ChunkDecoder<ScgiEvent> {
  readonly #maxParamsBytes: number
  #state: State = State.SIZE
  #size = 0
  #digits = 0
  #gathered: Uint8Array = NOTHING
  #fill = 0
  #bodyLeft = 0

  /** `maxParamsBytes`: the largest netstring taken; 256 KiB when left out. */
  constructor(options: { readonly maxParamsBytes?: number } = {}) {
    super()
    this.#maxParamsBytes = options.maxParamsBytes ?? MAX_PARAMS_BYTES
  }

  /** Throws `TSGI_ERR_SCGI_REQUEST`, `TSGI_ERR_PARAMS_TOO_LARGE`: close; `TSGI_ERR_CONTENT_LENGTH`, `TSGI_ERR_REQUEST_INVALID`: answer 400 and close. */
  protected override decode(): ScgiEvent | undefined {
    if (this.#state === State.SIZE && !this.#readSize()) return undefined
    if (this.#state === State.HEADERS) return this.#readHeaders()
    if (this.#state === State.BODY) return this.#readBody()
    if (this.#state === State.END) {
      this.#state = State.DONE
      return { type: 'end' }
    }
    this.offset = this.end
    return undefined
  }

  /** The netstring's length. False: it goes on in bytes that are not here yet. */
  #readSize(): boolean {
    while (this.offset < this.end) {
      const byte = this.chunk[this.offset++] ?? 0
      if (byte === COLON && this.#digits > 0) {
        if (this.#size === 0) throw new TsgiError('TSGI_ERR_SCGI_REQUEST', 'no headers')
        this.#state = State.HEADERS
        return true
      }
      const digit = byte - ZERO
      if (digit < 0 || digit > 9) throw new TsgiError('TSGI_ERR_SCGI_REQUEST', 'the length of the headers is no number')
      if (this.#digits > 0 && this.#size === 0) throw new TsgiError('TSGI_ERR_SCGI_REQUEST', 'a length that begins with 0')
      this.#digits++
      this.#size = this.#size * 10 + digit
      if (this.#size > this.#maxParamsBytes) {
        throw new TsgiError('TSGI_ERR_PARAMS_TOO_LARGE', `more than ${this.#maxParamsBytes} bytes of SCGI headers`)
      }
    }
    return false
  }

  #readHeaders(): ScgiEvent | undefined {
    // With the comma that ends them.
    const size = this.#size + 1
    const available = this.end - this.offset
    let params: string[]
    if (this.#fill === 0 && available >= size) {
      params = this.#decodeAll(this.chunk, this.offset)
      this.offset += size
    } else {
      if (available === 0) return undefined
      const step = Math.min(available, size - this.#fill)
      this.#gather(step, size)
      this.offset += step
      if (this.#fill < size) return undefined
      params = this.#decodeAll(this.#gathered, 0)
      this.#gathered = NOTHING
    }
    const contentLength = checkHeaders(params)
    this.#bodyLeft = contentLength
    this.#state = contentLength > 0 ? State.BODY : State.END
    return { type: 'request', params, contentLength }
  }

  #decodeAll(bytes: Uint8Array, start: number): string[] {
    const end = start + this.#size
    if (bytes[end] !== COMMA) throw new TsgiError('TSGI_ERR_SCGI_REQUEST', 'no comma behind the headers')
    return decodeHeaders(bytes, start, end)
  }

  /** Doubles when it is full: linear in time, and held memory stays near to what has come. */
  #gather(step: number, size: number): void {
    const needed = this.#fill + step
    if (needed > this.#gathered.length) {
      const larger = new Uint8Array(Math.min(size, Math.max(needed, this.#gathered.length * 2, FIRST_GATHERED)))
      larger.set(this.#gathered.subarray(0, this.#fill))
      this.#gathered = larger
    }
    this.#gathered.set(this.chunk.subarray(this.offset, this.offset + step), this.#fill)
    this.#fill = needed
  }

  #readBody(): ScgiEvent | undefined {
    const step = Math.min(this.#bodyLeft, this.end - this.offset)
    if (step === 0) return undefined
    const data = this.chunk.subarray(this.offset, this.offset + step)
    this.offset += step
    this.#bodyLeft -= step
    if (this.#bodyLeft === 0) this.#state = State.END
    return { type: 'body', data }
  }
}
