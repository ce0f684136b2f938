import { TsgiError } from '../interface/errors.ts'

const NOTHING = new Uint8Array(0)

/**
 * What the decoders of all protocols are: bytes of one connection in, events out, no I/O. `push` a chunk, take `next` until it gives
 * undefined, push the next chunk.
 */
export abstract class ChunkDecoder<Event> {
  /** What was pushed, and which part of it is not read yet. */
  protected chunk: Uint8Array = NOTHING
  protected offset = 0
  protected end = 0
  #error: TsgiError | undefined

  /** Takes the next bytes of the connection, the first `length` of `chunk`. They may be overwritten once `next` has given undefined. */
  push(chunk: Uint8Array, length = chunk.length): void {
    if (this.offset < this.end) {
      const rest = this.chunk.subarray(this.offset, this.end)
      const joined = new Uint8Array(rest.length + length)
      joined.set(rest)
      joined.set(chunk.subarray(0, length), rest.length)
      this.chunk = joined
      this.end = joined.length
    } else {
      this.chunk = chunk
      this.end = length
    }
    this.offset = 0
  }

  /** The next event, or undefined when more bytes are needed. Throws what the protocol's decoder says; then every time. */
  next(): Event | undefined {
    if (this.#error !== undefined) throw this.#error
    try {
      return this.decode()
    } catch (error) {
      // Where one part ended and the next begins is not known any more.
      if (error instanceof TsgiError) this.#error = error
      throw error
    }
  }

  /** What follows the request in the bytes pushed last, for a connection that is to carry another protocol; else it is dropped. */
  rest(): Uint8Array {
    return this.chunk.subarray(this.offset, this.end)
  }

  protected abstract decode(): Event | undefined
}
