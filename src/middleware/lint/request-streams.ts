import type { Environ, ErrorStream, InputStream } from '../../interface/application.ts'
import { quote } from '../../interface/errors.ts'
import type { Reporter } from './finding.ts'
import type { RuleId } from './rules.ts'

const LF = 10

/** What a call of the application tells those who look at its streams. */
export interface RequestState {
  readonly environ: Environ
  readonly reporter: Reporter
  /** Nobody wants the rest of the body any more: it may end anywhere. */
  readonly over: boolean
}

/** `tsgi.input` between the server, which must keep to what it says, and the application. */
export class LintedInput implements InputStream {
  readonly #inner: InputStream
  readonly #state: RequestState
  /** What CONTENT_LENGTH says; undefined: nothing. */
  readonly #length: number | undefined
  #received = 0
  #ended = false
  #reading = 0

  constructor(inner: InputStream, state: RequestState) {
    this.#inner = inner
    this.#state = state
    const { CONTENT_LENGTH: length } = state.environ
    this.#length = length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined
  }

  read(...sizes: (number | undefined)[]): Promise<Uint8Array> {
    this.#checkSize('read', sizes)
    const size = isSize(sizes[0]) ? sizes[0] : undefined
    return this.#during(async () => {
      const bytes = await this.#inner.read(...sizes.slice(0, 1))
      this.#take(bytes, 'read()', size)
      // Fewer bytes than were asked for are the last ones.
      if (size !== 0 && (size === undefined || bytes.length < size)) this.#end()
      return bytes
    })
  }

  readline(...sizes: (number | undefined)[]): Promise<Uint8Array> {
    this.#checkSize('readline', sizes)
    return this.#during(async () => {
      const line = await this.#inner.readline(...sizes.slice(0, 1))
      this.#take(line, 'readline()', isSize(sizes[0]) ? sizes[0] : undefined)
      this.#checkLine(line)
      if (line.length === 0 && sizes[0] !== 0) this.#end()
      return line
    })
  }

  readlines(...hints: (number | undefined)[]): Promise<Uint8Array[]> {
    this.#checkSize('readlines', hints)
    return this.#during(async () => {
      const lines = await this.#inner.readlines(...hints.slice(0, 1))
      if (!Array.isArray(lines)) this.#report('2.21', `readlines() gave ${quote(lines)}`, 'a list of Uint8Arrays')
      for (const line of lines) {
        this.#take(line, 'readlines()', undefined)
        this.#checkLine(line)
      }
      if (hints[0] === undefined) this.#end()
      return lines
    })
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, undefined> {
    const inner = this.#inner[Symbol.asyncIterator]()
    return {
      next: () =>
        this.#during(async () => {
          const step = await inner.next()
          if (step.done === true) this.#end()
          else this.#take(step.value, 'its iterator', undefined)
          return step.done === true ? { done: true, value: undefined } : step
        }),
      return: async () => {
        await inner.return?.()
        return { done: true, value: undefined }
      },
    }
  }

  close(): void {
    this.#report('1.25', 'tsgi.input was closed', 'it to be left to the server')
  }

  destroy(): void {
    this.#report('1.25', 'tsgi.input was destroyed', 'it to be left to the server')
  }

  /** One read at a time. */
  async #during<T>(read: () => Promise<T>): Promise<T> {
    if (this.#reading > 0) this.#report('1.24', 'tsgi.input is read while another read is under way', 'one read at a time')
    this.#reading++
    try {
      return await read()
    } finally {
      this.#reading--
    }
  }

  #checkSize(method: string, sizes: readonly unknown[]): void {
    const [size] = sizes
    if (sizes.length > 1) this.#report('1.23', `${method}() was given ${sizes.length} arguments`, 'a size, or nothing')
    else if (!isSize(size))
      this.#report('1.23', `${method}() was given ${quote(size)}`, 'a whole number of bytes, 0 or more, or nothing')
  }

  #take(bytes: unknown, from: string, size: number | undefined): void {
    if (!(bytes instanceof Uint8Array)) {
      this.#report('2.21', `${from} gave ${quote(bytes)}`, 'a Uint8Array')
      return
    }
    if (bytes.length === 0) return
    if (size !== undefined && bytes.length > size) this.#report('2.21', `${from} gave ${bytes.length} bytes`, `${size} at most`)
    if (this.#ended) this.#report('2.21', `${from} gave ${bytes.length} bytes behind the end of the body`, 'an empty array')
    const before = this.#received
    this.#received += bytes.length
    if (this.#length !== undefined && before <= this.#length && this.#received > this.#length) {
      this.#report('2.4', `the body has ${this.#received} bytes`, `the ${this.#length} of CONTENT_LENGTH`)
    }
  }

  #checkLine(line: unknown): void {
    if (!(line instanceof Uint8Array)) return
    const at = line.indexOf(LF)
    if (at !== -1 && at < line.length - 1) this.#report('2.21', 'a line has more behind its LF', 'one that ends with it')
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#length === undefined || this.#received >= this.#length || this.#state.over) return
    this.#report('2.4', `the body ended after ${this.#received} bytes`, `the ${this.#length} of CONTENT_LENGTH, or an error`)
  }

  #report(rule: RuleId, seen: string, expected: string): void {
    this.#state.reporter.report(rule, seen, expected, this.#state.environ)
  }
}

/** `tsgi.errors`, to which the application writes text. */
export class LintedErrors implements ErrorStream {
  readonly #inner: ErrorStream
  readonly #state: RequestState

  constructor(inner: ErrorStream, state: RequestState) {
    this.#inner = inner
    this.#state = state
  }

  write(...texts: string[]): void {
    const [text] = texts
    if (texts.length !== 1 || typeof text !== 'string') {
      this.#report(`tsgi.errors.write() was given ${texts.length === 1 ? quote(text) : `${texts.length} arguments`}`, 'one text')
    }
    this.#inner.write(String(text))
  }

  flush(): void {
    this.#inner.flush()
  }

  close(): void {
    this.#report('tsgi.errors was closed', 'it to be left to the server')
  }

  #report(seen: string, expected: string): void {
    this.#state.reporter.report('1.26', seen, expected, this.#state.environ)
  }
}

/** Infinity is all that is left, as nothing is. */
function isSize(size: unknown): boolean {
  return size === undefined || size === Infinity || (typeof size === 'number' && Number.isInteger(size) && size >= 0)
}
