import type { Chunk } from '../interface/application.ts'

/** Response bytes held for a reader that does not read, before the application is asked to wait. */
const HIGH_WATER_BYTES = 64 * 1024

/** The body of a response between the exchange, which sends, and a reader in the same process. Chunks come out one by one, as they were sent. */
export class InProcessBody implements AsyncIterable<Uint8Array> {
  readonly #leave: () => Promise<void>
  readonly #onRoom: () => void
  #chunks: Uint8Array[] = []
  #held = 0
  #ended = false
  #error: unknown
  #failed = false
  #wake: (() => void) | undefined

  /** `onRoom`: there is room again. `leave`: the reader reads no more. */
  constructor(onRoom: () => void, leave: () => Promise<void>) {
    this.#onRoom = onRoom
    this.#leave = leave
  }

  /** False: the sender is to wait. */
  push(chunk: Chunk): boolean {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    this.#chunks.push(bytes)
    this.#held += bytes.length
    this.#wake?.()
    return this.#held < HIGH_WATER_BYTES
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** What is here still comes out, then the error. */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#error = error
    this.#failed = true
    this.end()
  }

  /** For the reader: the client leaves. What is not read yet is lost. */
  async close(): Promise<void> {
    this.#chunks = []
    if (!this.#ended) await this.#leave()
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift()
        if (chunk !== undefined) {
          const wasFull = this.#held >= HIGH_WATER_BYTES
          this.#held -= chunk.length
          if (wasFull && this.#held < HIGH_WATER_BYTES) this.#onRoom()
          yield chunk
        } else if (this.#failed) {
          throw this.#error
        } else if (this.#ended) {
          return
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      await this.close()
    }
  }
}
