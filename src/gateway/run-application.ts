import type { Application, Chunk, Environ, ErrorStream, ResponseBody, StartResponse } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { isReadableInto } from '../interface/read-into.ts'
import type { ReadableInto } from '../interface/read-into.ts'
import { createEnviron, draftBase } from './environ.ts'
import type { DraftBase } from './environ-shape.ts'
import type { Exchange } from './exchange.ts'
import type { RequestHandler } from './request-handler.ts'
import { sendReadable } from './send-readable.ts'

/** Serves requests by a TSGI application. */
export function applicationHandler(application: Application): RequestHandler {
  let base: DraftBase | undefined
  return {
    serve(exchange) {
      base ??= draftBase(exchange.context, ERRORS)
      runApplication(application, exchange, base)
    },
  }
}

/** A request of a connection: its environ, then the application. */
function runApplication(application: Application, exchange: Exchange, base: DraftBase): void {
  let environ: Environ | undefined
  try {
    environ = createEnviron(exchange, base)
  } catch (error) {
    exchange.fail(error)
    exchange.finished()
    return
  }
  if (environ === undefined) {
    exchange.respond(404)
    exchange.finished()
    return
  }
  callApplication(application, exchange, environ)
}

/** One call of the application, to `close()`. Whatever is thrown ends in the exchange. */
export function callApplication(application: Application, exchange: Exchange, environ: Environ): void {
  let result: ResponseBody | Promise<ResponseBody>
  try {
    const startResponse: StartResponse = (status, headers, excInfo) => {
      exchange.startResponse(status, headers, excInfo)
      return exchange.writeAndWait
    }
    result = application(environ, startResponse)
  } catch (error) {
    exchange.fail(error)
    exchange.finished()
    return
  }
  if (isThenable(result)) {
    result.then(
      (body) => deliver(exchange, body),
      (error: unknown) => {
        exchange.fail(error)
        exchange.finished()
      },
    )
  } else {
    deliver(exchange, result)
  }
}

/** Sends what the application returned. */
function deliver(exchange: Exchange, body: ResponseBody | undefined): void {
  // What becomes of a connection that the application has taken over is its own to say.
  if (exchange.takenOver) return
  try {
    if (body === null || body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
      exchange.end(body ?? null)
    } else if (Array.isArray(body) && !hasClose(body)) {
      exchange.end(joinChunks(body))
    } else if (typeof body === 'object') {
      void (isReadableInto(body) ? pumpReadable(exchange, body) : pump(exchange, body))
      return
    } else {
      throw new TsgiError('TSGI_ERR_BODY_INVALID', `the application returned ${quote(body)}`)
    }
  } catch (error) {
    exchange.fail(error)
  }
  exchange.finished()
}

/** All chunks of a list are there at once: they leave in one write. */
function joinChunks(chunks: readonly unknown[]): Chunk | null {
  if (chunks.length === 0) return null
  for (const chunk of chunks) {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) continue
    throw new TsgiError('TSGI_ERR_BODY_INVALID', `${quote(chunk)} in the list is neither a string nor a Uint8Array`)
  }
  // Every one has been checked.
  const checked = chunks as readonly Chunk[]
  if (checked.length === 1) return checked[0] ?? null
  return Buffer.concat(checked.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)))
}

type ChunkIterator = Iterator<Chunk, unknown, undefined> | AsyncIterator<Chunk, unknown, undefined>

function iterate(body: object): ChunkIterator {
  if (body instanceof ReadableStream) return readStream(body)
  const source = body as { [Symbol.asyncIterator]?: () => ChunkIterator; [Symbol.iterator]?: () => ChunkIterator }
  if (typeof source[Symbol.asyncIterator] === 'function') return source[Symbol.asyncIterator]?.call(body) ?? [][Symbol.iterator]()
  if (typeof source[Symbol.iterator] === 'function') return source[Symbol.iterator]?.call(body) ?? [][Symbol.iterator]()
  throw new TsgiError('TSGI_ERR_BODY_INVALID', `the application returned ${quote(body)}, which cannot be iterated`)
}

/** A stream's own iterator cancels only when the read that is under way has ended, which may be never. */
function readStream(stream: ReadableStream<Chunk>): ChunkIterator {
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

/**
 * Sends an iterable chunk by chunk, each as soon as it is there and the connection takes it.
 * When the exchange ends early the iterator is told to return, and the wait for its next chunk is over. Never rejects.
 */
async function pump(exchange: Exchange, body: object): Promise<void> {
  let exhausted = false
  let iterator: ChunkIterator | undefined
  try {
    iterator = iterate(body)
    while (!exchange.ended) {
      let step: IteratorResult<Chunk, unknown>
      const next = iterator.next()
      if (isThenable(next)) {
        const first = await nextOrEnd(exchange, next)
        if (first === undefined) break
        step = first
      } else {
        step = next
      }
      if (step.done === true) {
        exhausted = true
        exchange.end(null)
        break
      }
      if (!exchange.write(step.value)) await exchange.ready()
    }
  } catch (error) {
    // A wait that ended because the client left is no failure of the application: `fail` does nothing then.
    exchange.fail(error)
  }
  if (!exhausted && iterator !== undefined) returnIterator(exchange, iterator)
  await closeBody(exchange, body)
  exchange.finished()
}

/** Sends what can be read into memory of ours. Never rejects. */
async function pumpReadable(exchange: Exchange, body: object & ReadableInto): Promise<void> {
  try {
    await sendReadable(exchange, body)
  } catch (error) {
    exchange.fail(error)
  }
  await closeBody(exchange, body)
  exchange.finished()
}

/**
 * The next step, or undefined when the exchange ends before it is there.
 * One listener that is replaced, not `Promise.race`: racing against one long promise would keep every step alive.
 */
function nextOrEnd<T>(exchange: Exchange, next: PromiseLike<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    exchange.onEnd(() => resolve(undefined))
    next.then(resolve, reject)
  })
}

/** Lets a generator run its `finally`. It may be waiting for something that never comes: nobody waits for it here. */
function returnIterator(exchange: Exchange, iterator: ChunkIterator): void {
  try {
    const returned = iterator.return?.()
    if (isThenable(returned)) returned.then(undefined, (error: unknown) => logCloseError(exchange, error))
  } catch (error) {
    logCloseError(exchange, error)
  }
}

async function closeBody(exchange: Exchange, body: object): Promise<void> {
  if (!hasClose(body)) return
  try {
    await body.close()
  } catch (error) {
    logCloseError(exchange, error)
  }
}

function logCloseError(exchange: Exchange, error: unknown): void {
  exchange.context.log.error(`${exchange.label} failed in close()`, error)
}

function hasClose(body: object): body is { close: () => unknown } {
  return 'close' in body && typeof body.close === 'function'
}

function isThenable<T>(value: T | PromiseLike<T> | undefined): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** `tsgi.errors`: the worker's standard error, which the launcher leads to the error log. */
const ERRORS: ErrorStream = {
  write(text) {
    process.stderr.write(text)
  },
  flush() {},
}
