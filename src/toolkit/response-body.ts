import type { Chunk, ResponseBody } from '../interface/application.ts'

/** What runs when a response has ended, sent or not. */
export type CloseCallback = () => unknown

/** A body of several chunks. */
export type ChunkSource = Exclude<ResponseBody, Chunk | null>

/** Bytes that can be had from a place on: a range of it costs only what is in the range. */
export interface SeekableBody extends AsyncIterable<Uint8Array> {
  readonly size: number
  /** The same, from `start` to `end`, which is not in it. Closing either closes both. */
  slice(start: number, end: number): SeekableBody
  close(): unknown
}

export function isSeekable(body: ResponseBody): body is ResponseBody & SeekableBody {
  return typeof body === 'object' && body !== null && 'slice' in body && 'size' in body && Symbol.asyncIterator in body
}

/** A string or bytes; a list is put together, as long as nothing of it comes later. Undefined: it is not known before it is sent. */
export function wholeOf(body: ResponseBody): Uint8Array | undefined {
  if (body === null) return new Uint8Array(0)
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return body
  if (!Array.isArray(body) || hasClose(body)) return undefined
  return Buffer.concat((body as readonly Chunk[]).map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)))
}

/** Its chunks, however it comes. */
export function chunksOf(body: ChunkSource): AsyncIterable<Chunk> | Iterable<Chunk> {
  // A ReadableStream can be iterated in Node, which the types of its elements do not show.
  return body as AsyncIterable<Chunk> | Iterable<Chunk>
}

export async function closeBody(body: ResponseBody): Promise<void> {
  if (typeof body !== 'object' || body === null) return
  if (hasClose(body)) await body.close()
  else if (body instanceof ReadableStream && !body.locked) await body.cancel()
}

/** Whether something is to be done once a body is not read any more. */
export function needsClose(body: ResponseBody): boolean {
  return typeof body === 'object' && body !== null && (hasClose(body) || body instanceof ReadableStream)
}

function hasClose(body: object): body is { close: () => unknown } {
  return 'close' in body && typeof body.close === 'function'
}

/** `length` bytes of a body from `start` on: what is before is read and thrown away, and nothing behind is read. */
export async function* sliceChunks(
  body: ChunkSource,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let skip = start
  let left = length
  for await (const chunk of chunksOf(body)) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const from = Math.min(skip, bytes.length)
    skip -= from
    const part = bytes.subarray(from, from + left)
    left -= part.length
    if (part.length > 0) yield part
    if (left === 0) return
  }
}

type ChunkIterator = Iterator<Chunk, unknown, undefined> | AsyncIterator<Chunk, unknown, undefined>

/** Its iterator. That of a stream can be given up while it waits for a chunk, which its own cannot. */
export function iteratorOf(body: ChunkSource): ChunkIterator {
  if (body instanceof ReadableStream) {
    const reader = body.getReader()
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
  const source = chunksOf(body)
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
}

/**
 * An iterator that hands every step on through `run`. Not a generator: the end of one that waits for a chunk waits, too, so that what is behind it
 * would not learn that a client has left.
 */
export function forwarded(
  iterator: ChunkIterator,
  run: <Result>(step: () => Result) => Result = (step) => step(),
): AsyncIterator<Chunk, unknown, undefined> {
  return {
    next: async () => run(() => iterator.next()),
    return: async () => {
      await run(() => iterator.return?.())
      return { done: true, value: undefined }
    },
  }
}

/** A body of which somebody wants to know when it is closed. Every callback runs, in its order, whatever the others do. */
export class ClosingBody {
  readonly #body: ResponseBody
  readonly #callbacks: readonly CloseCallback[]
  #closed: Promise<void> | undefined

  constructor(body: ResponseBody, callbacks: readonly CloseCallback[]) {
    this.#body = body
    this.#callbacks = callbacks
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk, unknown, undefined> {
    const body = this.#body
    if (body === null) return forwarded([][Symbol.iterator]())
    return forwarded(iteratorOf(typeof body === 'string' || body instanceof Uint8Array ? [body] : body))
  }

  close(): Promise<void> {
    this.#closed ??= runAll([() => closeBody(this.#body), ...this.#callbacks])
    return this.#closed
  }
}

/** Rejects with the first error once all have run. */
async function runAll(callbacks: readonly CloseCallback[]): Promise<void> {
  const errors: unknown[] = []
  for (const callback of callbacks) {
    try {
      await callback()
    } catch (error) {
      errors.push(error)
    }
  }
  // Whatever was thrown is what the caller is to see.
  if (errors.length > 0) throw errors[0] instanceof Error ? errors[0] : new Error('a close callback failed', { cause: errors[0] })
}
