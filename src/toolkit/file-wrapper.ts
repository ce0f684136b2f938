/** What can be read in blocks, or chunk by chunk. */
export type WrappedFile = ({ read(size: number): Promise<Uint8Array> } | AsyncIterable<Uint8Array>) & { close?(): unknown }

const DEFAULT_BLOCK_BYTES = 64 * 1024

/** wsgiref's FileWrapper: a body of a file-like object, in blocks, that closes it in the end. */
export class FileWrapper implements AsyncIterable<Uint8Array> {
  readonly #file: WrappedFile
  readonly #blockSize: number
  #closed = false

  /** `blockSize`: bytes read at a time, of what is read in blocks. */
  constructor(file: WrappedFile, blockSize = DEFAULT_BLOCK_BYTES) {
    this.#file = file
    this.#blockSize = blockSize
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if ('read' in this.#file) {
      for (let block = await this.#file.read(this.#blockSize); block.length > 0; block = await this.#file.read(this.#blockSize))
        yield block
    } else {
      yield* this.#file
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#file.close?.()
  }
}
