import type { Chunk, ResponseBody } from '../../interface/application.ts'
import { quote } from '../../interface/errors.ts'
import type { LintedCall } from './call.ts'

/** What can be iterated of what an application may return. */
export type Iterated = Exclude<ResponseBody, Chunk | null>
type Step = IteratorResult<Chunk, unknown>

interface AnyIterator {
  next(): Step | Promise<Step>
  return?(value?: unknown): unknown
}

/** A body that the server iterates and closes. */
export class LintedBody {
  /** What the server gets in its place, which can be iterated as it could. */
  readonly body: ResponseBody
  readonly #inner: Iterated
  readonly #call: LintedCall
  #iterator: AnyIterator | undefined
  #last: Chunk | undefined
  #waiting = false
  #finished = false
  #closed = false
  #timer: NodeJS.Timeout | undefined

  constructor(inner: Iterated, call: LintedCall) {
    this.#inner = inner
    this.#call = call
    const close: unknown = 'close' in inner ? inner.close : undefined
    if (close !== undefined && typeof close !== 'function')
      call.found('1.27', `close of the body is ${quote(close)}`, 'a function')
    const isAsync = inner instanceof ReadableStream || Symbol.asyncIterator in inner
    const shared = { close: () => this.#close() }
    // Each gives what its inner iterator gives: promises where that is asynchronous.
    this.body = isAsync
      ? { ...shared, [Symbol.asyncIterator]: () => this.#iterate() as AsyncIterator<Chunk> }
      : { ...shared, [Symbol.iterator]: () => this.#iterate() as Iterator<Chunk> }
    const signal: unknown = call.environ['tsgi.signal']
    if (signal instanceof AbortSignal) signal.addEventListener('abort', () => this.#expectClose(), { once: true })
  }

  #iterate(): AnyIterator {
    if (this.#iterator !== undefined) this.#call.found('2.27', 'the body is iterated again', 'one time')
    const iterator = iteratorOf(this.#inner)
    this.#iterator = iterator
    return {
      next: () => this.#next(iterator),
      return: (value) => {
        this.#finish(false)
        return iterator.return === undefined ? { done: true, value } : iterator.return(value)
      },
    }
  }

  #next(iterator: AnyIterator): Step | Promise<Step> {
    if (this.#waiting) this.#call.found('2.27', 'a chunk was asked for before the one before had come', 'one at a time')
    if (this.#finished || this.#closed) {
      this.#call.found('2.27', `a chunk was asked for behind ${this.#closed ? 'close()' : 'the end'}`, 'it to be over')
    }
    // Whoever asks for the next chunk has sent the one before.
    if (this.#last !== undefined) this.#call.passed(this.#last)
    this.#last = undefined
    if (this.#timer !== undefined) this.#expectClose()
    try {
      const step = iterator.next()
      if (!isPromise(step)) return this.#take(step)
      this.#waiting = true
      return step.then(
        (each) => {
          this.#waiting = false
          return this.#take(each)
        },
        (error: unknown) => {
          this.#waiting = false
          this.#finish(false)
          throw error
        },
      )
    } catch (error) {
      this.#finish(false)
      throw error
    }
  }

  #take(step: Step): Step {
    if (step.done === true) {
      this.#finish(true)
    } else if (!this.#finished && !this.#closed) {
      this.#call.give(step.value)
      this.#last = step.value
    }
    return step
  }

  #finish(complete: boolean): void {
    const first = !this.#finished
    this.#finished = true
    if (first) this.#expectClose()
    if (first && !this.#closed) this.#call.end(complete)
  }

  /** The end has come, or is near: `close()` must follow. */
  #expectClose(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    const { closeWithinMs, reporter, environ } = this.#call
    this.#timer = setTimeout(() => {
      const seen = `close() of the body was not called within ${closeWithinMs} ms of its end`
      reporter.note('2.7', seen, 'one call, however the request ends', environ)
    }, closeWithinMs)
    this.#timer.unref()
  }

  #close(): unknown {
    clearTimeout(this.#timer)
    if (this.#closed) this.#call.found('2.7', 'close() of the body was called again', 'one call')
    this.#closed = true
    this.#finish(false)
    const { close } = this.#inner
    return typeof close === 'function' ? Reflect.apply(close, this.#inner, []) : undefined
  }
}

function iteratorOf(body: Iterated): AnyIterator {
  if (body instanceof ReadableStream) return readStream(body)
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]()
}

/** A stream's own iterator cancels only when the read that is under way has ended. */
function readStream(stream: ReadableStream<Uint8Array>): AnyIterator {
  const reader = stream.getReader()
  return {
    next: async () => {
      const step = await reader.read()
      return step.done ? { done: true, value: undefined } : { done: false, value: step.value }
    },
    return: async () => {
      await reader.cancel()
      return { done: true, value: undefined }
    },
  }
}

function isPromise(step: Step | Promise<Step>): step is Promise<Step> {
  return 'then' in step && typeof step.then === 'function'
}
