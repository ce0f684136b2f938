import { TsgiError } from '../../interface/errors.ts'
import { ChunkDecoder } from '../chunk-decoder.ts'
import { parseContentLength } from '../content-length.ts'
import { decodeVars } from './vars.ts'

/** What a uwsgi client said. `params` is `[name, value, …]`, latin-1; `data` is a view on the pushed bytes, never empty, good until the next push. */
export type UwsgiEvent =
  | {
      readonly type: 'request'
      readonly modifier1: number
      readonly modifier2: number
      readonly params: string[]
      /** Bytes of the body that follows; 0 when CONTENT_LENGTH is absent or empty. */
      readonly contentLength: number
    }
  | { readonly type: 'body'; readonly data: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'ping' }

/** Bytes of a packet header: modifier1, size (u16le), modifier2. */
const HEADER_BYTES = 4

export const Modifier = { WSGI: 0, PSGI: 5, RACK: 7, PING: 100 } as const

const State = { HEADER: 0, VARS: 1, BODY: 2, END: 3, DONE: 4 } as const
type State = (typeof State)[keyof typeof State]

const NOTHING = new Uint8Array(0)

/**
 * A uwsgi decoder for one connection, which carries one request: bytes in, events out, no I/O.
 *
 * `push` a chunk, take `next` until it gives undefined, push the next chunk. Any chunking gives the same events, but that
 * the body may come in other pieces. The body is exactly CONTENT_LENGTH bytes, for clients do not close their side behind
 * it; what follows is ignored and never taken for another request. Memory: the pushed chunk and one packet of 65,535 bytes.
 */
export class UwsgiDecoder extends ChunkDecoder<UwsgiEvent> {
  #state: State = State.HEADER
  /** The header's bytes, the first in the lowest eight bits. */
  #header = 0
  #headerFill = 0
  #vars: Uint8Array = NOTHING
  #varsFill = 0
  #size = 0
  #bodyLeft = 0

  /** Throws `TSGI_ERR_UWSGI_PACKET`, `TSGI_ERR_UWSGI_MODIFIER`: close; `TSGI_ERR_CONTENT_LENGTH`: answer 400 and close. */
  protected override decode(): UwsgiEvent | undefined {
    if (this.#state === State.HEADER) {
      while (this.#headerFill < HEADER_BYTES && this.offset < this.end) {
        this.#header |= (this.chunk[this.offset++] ?? 0) << (8 * this.#headerFill++)
      }
      if (this.#headerFill > 0) checkModifier(this.#header & 0xff)
      if (this.#headerFill < HEADER_BYTES) return undefined
      if ((this.#header & 0xff) === Modifier.PING) {
        this.#finish()
        return { type: 'ping' }
      }
      this.#size = (this.#header >>> 8) & 0xffff
      if (this.#size === 0) throw new TsgiError('TSGI_ERR_UWSGI_PACKET', 'no variables')
      this.#state = State.VARS
    }
    if (this.#state === State.VARS) return this.#readVars()
    if (this.#state === State.BODY) return this.#readBody()
    if (this.#state === State.END) {
      this.#state = State.DONE
      return { type: 'end' }
    }
    this.offset = this.end
    return undefined
  }

  #readVars(): UwsgiEvent | undefined {
    const available = this.end - this.offset
    let params: string[]
    if (this.#varsFill === 0 && available >= this.#size) {
      params = decodeVars(this.chunk, this.offset, this.offset + this.#size)
      this.offset += this.#size
    } else {
      if (available === 0) return undefined
      // Allocated once the first bytes are here, at the size the packet says: 65,535 bytes at most.
      if (this.#varsFill === 0) this.#vars = new Uint8Array(this.#size)
      const step = Math.min(available, this.#size - this.#varsFill)
      this.#vars.set(this.chunk.subarray(this.offset, this.offset + step), this.#varsFill)
      this.offset += step
      this.#varsFill += step
      if (this.#varsFill < this.#size) return undefined
      params = decodeVars(this.#vars, 0, this.#size)
      this.#vars = NOTHING
    }
    const contentLength = findContentLength(params)
    this.#bodyLeft = contentLength
    this.#state = contentLength > 0 ? State.BODY : State.END
    return { type: 'request', modifier1: this.#header & 0xff, modifier2: this.#header >>> 24, params, contentLength }
  }

  #readBody(): UwsgiEvent | undefined {
    const step = Math.min(this.#bodyLeft, this.end - this.offset)
    if (step === 0) return undefined
    const data = this.chunk.subarray(this.offset, this.offset + step)
    this.offset += step
    this.#bodyLeft -= step
    if (this.#bodyLeft === 0) this.#state = State.END
    return { type: 'body', data }
  }

  #finish(): void {
    this.#state = State.DONE
    this.offset = this.end
  }
}

function checkModifier(modifier1: number): void {
  switch (modifier1) {
    case Modifier.WSGI:
    case Modifier.PSGI:
    case Modifier.RACK:
    case Modifier.PING:
      return
    default:
      throw new TsgiError('TSGI_ERR_UWSGI_MODIFIER', String(modifier1))
  }
}

/** Two lengths, even equal ones, are refused: proxies differ in which they believe. */
function findContentLength(params: readonly string[]): number {
  let found: string | undefined
  for (let index = 0; index < params.length; index += 2) {
    if (params[index] !== 'CONTENT_LENGTH') continue
    if (found !== undefined) throw new TsgiError('TSGI_ERR_CONTENT_LENGTH', 'it occurs twice')
    found = params[index + 1] ?? ''
  }
  return Math.max(0, parseContentLength(found))
}
