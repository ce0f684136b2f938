/** Bytes put together of pieces, however small: a client that sends single bytes must not cost an object for each. */
export class GrowingBytes {
  #buffer: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Copies the piece. */
  append(piece: Uint8Array): void {
    const needed = this.#size + piece.length
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      larger.set(this.#buffer.subarray(0, this.#size))
      this.#buffer = larger
    }
    this.#buffer.set(piece, this.#size)
    this.#size = needed
  }

  /** All that came in, and begins anew. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#size)
    this.#buffer = Buffer.alloc(0)
    this.#size = 0
    return taken
  }
}
