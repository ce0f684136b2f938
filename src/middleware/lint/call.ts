import { Duplex } from 'node:stream'
import type { Chunk, Environ, ResponseBody, StartResponse, Upgrade, Write } from '../../interface/application.ts'
import { quote } from '../../interface/errors.ts'
import { LintedBody } from './body.ts'
import type { Iterated } from './body.ts'
import type { Reporter } from './finding.ts'
import { LintedErrors, LintedInput } from './request-streams.ts'
import type { RequestState } from './request-streams.ts'
import { checkHead } from './response-head.ts'
import type { SeenHead } from './response-head.ts'
import type { RuleId } from './rules.ts'

/** One call of the application: what it says of its response, and what becomes of that. */
export class LintedCall implements RequestState {
  readonly environ: Environ
  readonly reporter: Reporter
  readonly closeWithinMs: number
  readonly #startResponse: StartResponse
  #head: SeenHead | undefined
  /** A chunk that is not empty has been given to the server, and the head with it. */
  #headSent = false
  #sent = 0
  #returned = false
  #over = false
  #upgraded = false
  /** That startResponse was not called has been said; and so for the length. */
  #missed = false
  #overran = false
  /** The error that the server has thrown again. */
  #rethrown = false

  constructor(environ: Environ, startResponse: StartResponse, reporter: Reporter, closeWithinMs: number) {
    this.environ = environ
    this.reporter = reporter
    this.closeWithinMs = closeWithinMs
    this.#startResponse = startResponse
  }

  get over(): boolean {
    return this.#over || this.#aborted
  }

  get upgraded(): boolean {
    return this.#upgraded
  }

  /** Puts itself between the application and what the server has put into the environ. */
  enter(): void {
    const { environ } = this
    if (!Object.isExtensible(environ)) return
    const { 'tsgi.input': input, 'tsgi.errors': errors, 'tsgi.upgrade': upgrade } = environ
    if (typeof input === 'object' && input !== null) environ['tsgi.input'] = new LintedInput(input, this)
    if (typeof errors === 'object' && errors !== null) environ['tsgi.errors'] = new LintedErrors(errors, this)
    if (typeof upgrade === 'function') environ['tsgi.upgrade'] = () => this.#upgrade(upgrade)
  }

  readonly startResponse = (...args: Parameters<StartResponse>): Write => {
    if (this.#upgraded)
      this.found('3.8', 'startResponse was called behind an upgrade', 'the response to be written to the connection')
    if (args.length < 2 || args.length > 3) {
      this.found('1.8', `startResponse was called with ${args.length} arguments`, 'status, headers and perhaps excInfo')
    }
    const [status, headers, excInfo] = args
    const isError = excInfo instanceof Error || (Array.isArray(excInfo) && excInfo.length === 1)
    const isGiven = excInfo !== undefined && excInfo !== null
    if (isGiven && !isError) this.found('1.22', `excInfo is ${quote(excInfo)}`, '[error], an Error or null')
    const again = this.#head !== undefined
    if (again && !isGiven) this.found('1.2', `startResponse was called again, with ${quote(status)}`, 'one call, or excInfo')
    const head = checkHead(status, headers, (rule, seen, expected) => this.found(rule, seen, expected))
    const write = this.#startServer(args, again && !isGiven)
    this.#head = head
    if (typeof write !== 'function') this.found('2.25', `startResponse returned ${quote(write)}`, 'a function, write(chunk)')
    return (chunk) => this.#write(write, chunk)
  }

  /** Calls the server's own, and looks at when it throws. `refused`: it must. */
  #startServer(args: Parameters<StartResponse>, refused: boolean): Write {
    const [, , excInfo] = args
    const isGiven = excInfo !== undefined && excInfo !== null
    const original: unknown = Array.isArray(excInfo) ? (excInfo as readonly unknown[])[0] : excInfo
    let write: Write
    try {
      write = this.#startResponse(...args)
    } catch (error) {
      if (isGiven && error === original) {
        if (this.#headSent) this.#rethrown = true
        else this.found('2.26', 'excInfo was thrown again when nothing was sent yet', 'the response to be replaced')
      }
      throw error
    }
    // Of a client that has left, nothing was sent.
    if (this.#aborted) return write
    if (isGiven && this.#headSent) this.found('2.26', 'excInfo was taken when the head was sent', 'the error to be thrown again')
    if (refused) this.found('2.26', 'a second startResponse without excInfo was taken', 'an error')
    return write
  }

  #write(write: Write, chunk: Chunk): Promise<void> {
    if (this.#returned) this.found('1.7', 'write was called when the application had returned', 'it to be called before')
    this.give(chunk)
    const written: unknown = write(chunk)
    this.passed(chunk)
    if (!isThenable(written)) this.found('2.25', `write returned ${quote(written)}`, 'a promise')
    // What else it is, is the application's to see.
    return written as Promise<void>
  }

  /** A chunk of the body is on its way to the server. */
  give(chunk: unknown): void {
    const head = this.#head
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
      this.found('1.5', `a chunk of the body is ${quote(chunk)}`, 'a string or a Uint8Array')
      return
    }
    if (head === undefined) {
      this.#miss('a chunk of the body came before startResponse')
      return
    }
    if (chunk.length === 0) return
    const isFirst = this.#sent === 0
    this.#sent += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength
    if (head.contentLength !== -1 && this.#sent > head.contentLength && this.#countsLength && !this.#overran) {
      this.#overran = true
      this.found('1.19', `the body has ${this.#sent} bytes or more`, `the ${head.contentLength} of Content-Length`)
    }
    if (isFirst && !this.#isHead && (head.statusCode === 204 || head.statusCode === 304)) {
      this.found('1.16', `the response has a body and the status ${head.statusCode}`, 'none')
    } else if (isFirst && !head.hasContentType) {
      this.found('1.14', 'the response has a body and no Content-Type', 'it to say what its body is')
    }
  }

  /** The server has had the chunk, and has sent the head with it. */
  passed(chunk: unknown): void {
    if ((typeof chunk === 'string' || chunk instanceof Uint8Array) && chunk.length > 0 && this.#head !== undefined)
      this.#headSent = true
  }

  /** The body is at its end. `complete`: by itself. */
  end(complete: boolean): void {
    const isFirst = !this.#over
    this.#over = true
    if (!complete || !isFirst || this.#aborted) return
    const { contentLength } = this.#head ?? { contentLength: -1 }
    if (this.#head === undefined) this.#miss('the response ended before startResponse')
    else if (contentLength > this.#sent && this.#countsLength) {
      this.found('1.19', `the body has ${this.#sent} bytes`, `the ${contentLength} of Content-Length`)
    }
  }

  failed(): void {
    this.#returned = true
    this.#over = true
  }

  /** What the application has returned, so that the rest of it is looked at, too. */
  take(body: ResponseBody): ResponseBody {
    this.#returned = true
    // What is returned behind an upgrade is ignored.
    if (this.#upgraded) return body
    if (this.#rethrown)
      this.found('1.3', 'the application went on behind an error that startResponse had thrown again', 'it to be let out')
    if (body === null) this.end(true)
    else if (typeof body === 'string' || body instanceof Uint8Array) this.#takeWhole([body])
    else if (typeof body !== 'object') this.#refuse(body)
    else if (Array.isArray(body) && !('close' in body)) this.#takeWhole(body)
    else if (isIterated(body)) return new LintedBody(body, this).body
    else this.#refuse(body)
    return body
  }

  found(rule: RuleId, seen: string, expected: string): void {
    this.reporter.report(rule, seen, expected, this.environ)
  }

  #takeWhole(chunks: readonly unknown[]): void {
    for (const chunk of chunks) this.give(chunk)
    this.end(true)
  }

  #miss(seen: string): void {
    if (this.#missed) return
    this.#missed = true
    this.found('1.2', seen, 'startResponse before it')
  }

  #refuse(body: unknown): void {
    this.#over = true
    this.found('1.5', `the application returned ${quote(body)}`, 'text, bytes, something that can be iterated, or null')
  }

  #upgrade(upgrade: Upgrade): Duplex {
    if (this.#upgraded) this.found('3.4', 'tsgi.upgrade was called again', 'one call')
    if (this.#head !== undefined)
      this.found('3.4', 'tsgi.upgrade was called behind startResponse', 'it before the response begins')
    const connection = upgrade()
    this.#upgraded = true
    if (!(connection instanceof Duplex)) this.found('3.2', `tsgi.upgrade returned ${quote(connection)}`, 'a Duplex')
    return connection
  }

  /** The length of a response that has no body is that of another one. */
  get #countsLength(): boolean {
    return !this.#isHead && this.#head?.statusCode !== 204 && this.#head?.statusCode !== 304
  }

  get #isHead(): boolean {
    return this.environ.REQUEST_METHOD === 'HEAD'
  }

  get #aborted(): boolean {
    const signal: unknown = this.environ['tsgi.signal']
    return signal instanceof AbortSignal && signal.aborted
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function isIterated(body: object): body is Iterated {
  return body instanceof ReadableStream || Symbol.asyncIterator in body || Symbol.iterator in body
}
