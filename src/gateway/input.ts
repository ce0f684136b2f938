import type { InputStream } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import { INPUT_HIGH_WATER_BYTES } from '../interface/limits.ts'

/** Who delivers the body, and can be asked to wait. */
export interface InputSource {
  pauseInput(): void
  resumeInput(): void
}

const NOTHING = new Uint8Array(0)
const LF = 10

/**
 * `tsgi.input`: the request body between the connection, which pushes, and the application, which reads.
 *
 * Holds at most `INPUT_HIGH_WATER_BYTES` and one chunk, then the source is paused. Until the application reads for the
 * first time nothing is lost and nothing more is taken in.
 */
export class RequestInput implements InputStream {
  readonly #source: InputSource
  #chunks: Uint8Array[] = []
  #buffered = 0
  #ended = false
  #discarding = false
  #paused = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(source: InputSource) {
    this.#source = source
  }

  /** True once the whole body has come in, or never will. */
  get ended(): boolean {
    return this.#ended || this.#error !== undefined
  }

  /** For the connection: the next bytes of the body. */
  push(data: Uint8Array): void {
    if (this.#discarding || this.#ended) return
    this.#chunks.push(data)
    this.#buffered += data.length
    if (this.#buffered >= INPUT_HIGH_WATER_BYTES && !this.#paused) {
      this.#paused = true
      this.#source.pauseInput()
    }
    this.#notify()
  }

  /** For the connection: the body is complete. */
  end(): void {
    if (this.ended) return
    this.#ended = true
    this.#notify()
  }

  /** For the connection: the body will not be completed. Reads reject with `error`. */
  fail(error: Error): void {
    if (this.ended) return
    this.#error = error
    this.#notify()
  }

  /** For the gateway: nobody reads any more; what still comes is thrown away. */
  discard(): void {
    if (this.#discarding) return
    this.#discarding = true
    this.#chunks = []
    this.#buffered = 0
    this.#resume()
    this.#notify()
  }

  /** The next chunk as it came, which is the caller's from then on; undefined when none is there now. */
  shift(): Uint8Array | undefined {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return undefined
    this.#buffered -= chunk.length
    if (this.#buffered < INPUT_HIGH_WATER_BYTES) this.#resume()
    return chunk
  }

  /** Calls `listener` once when there is more, or never will be: for a reader that takes chunks by `shift`. */
  onMore(listener: () => void): void {
    if (this.#chunks.length > 0 || this.#discarding || this.ended) {
      listener()
      return
    }
    this.#resume()
    this.#wake = listener
  }

  /** True when the response was complete before the body was, and the rest of it is thrown away. */
  get discarded(): boolean {
    return this.#discarding
  }

  /** Why the body will not be completed. */
  get error(): Error | undefined {
    return this.#error
  }

  async read(size?: number): Promise<Uint8Array> {
    if (size === undefined || size < 0 || size === Infinity) {
      let more = true
      while (more) more = await this.#more()
      return this.#take(this.#buffered)
    }
    if (size === 0) return NOTHING
    let more = true
    while (more && this.#buffered < size) more = await this.#more()
    return this.#take(Math.min(size, this.#buffered))
  }

  async readline(size = Infinity): Promise<Uint8Array> {
    if (size <= 0) return NOTHING
    let searched = 0
    for (;;) {
      const found = this.#findLineEnd(searched)
      if (found !== -1) return this.#take(Math.min(found + 1, size))
      if (this.#buffered >= size) return this.#take(size)
      searched = this.#buffered
      if (!(await this.#more())) return this.#take(this.#buffered)
    }
  }

  async readlines(hint = Infinity): Promise<Uint8Array[]> {
    const lines: Uint8Array[] = []
    let total = 0
    while (total < hint) {
      const line = await this.readline()
      if (line.length === 0) break
      lines.push(line)
      total += line.length
    }
    return lines
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.shift()
      if (chunk !== undefined) {
        yield chunk
      } else if (!(await this.#more())) {
        return
      }
    }
  }

  /** Waits until more has been pushed. False: the body is complete. Rejects when it never will be. */
  async #more(): Promise<boolean> {
    const before = this.#buffered
    while (this.#buffered === before) {
      if (this.#ended || this.#discarding) return false
      if (this.#error !== undefined) throw this.#error
      this.#resume()
      if (this.#wake !== undefined) throw new TsgiError('TSGI_ERR_APPLICATION', 'tsgi.input is read twice at the same time')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return true
  }

  #take(size: number): Uint8Array {
    if (size === 0) return NOTHING
    const first = this.#chunks[0] ?? NOTHING
    let taken: Uint8Array
    if (first.length >= size) {
      taken = first.length === size ? first : first.subarray(0, size)
      if (first.length === size) this.#chunks.shift()
      else this.#chunks[0] = first.subarray(size)
    } else {
      taken = Buffer.allocUnsafe(size)
      let filled = 0
      let used = 0
      while (filled < size) {
        const chunk = this.#chunks[used] ?? NOTHING
        const part = Math.min(chunk.length, size - filled)
        taken.set(part === chunk.length ? chunk : chunk.subarray(0, part), filled)
        filled += part
        if (part < chunk.length) this.#chunks[used] = chunk.subarray(part)
        else used++
      }
      this.#chunks.splice(0, used)
    }
    this.#buffered -= size
    if (this.#buffered < INPUT_HIGH_WATER_BYTES) this.#resume()
    return taken
  }

  /** The offset of the first LF at or behind `from` in what is buffered, -1 when there is none. */
  #findLineEnd(from: number): number {
    let base = 0
    for (const chunk of this.#chunks) {
      if (base + chunk.length > from) {
        const at = chunk.indexOf(LF, Math.max(0, from - base))
        if (at !== -1) return base + at
      }
      base += chunk.length
    }
    return -1
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#source.resumeInput()
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
