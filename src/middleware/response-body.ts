import type { Chunk, ResponseBody } from '../interface/application.ts'

/** What a middleware returns that reads its application's body itself. */
export interface OwnBody extends AsyncIterable<Chunk> {
  close(): Promise<void>
}

/** The chunks of a body of any kind. */
export async function* chunksOf(body: ResponseBody): AsyncGenerator<Chunk, void, undefined> {
  if (body === null) return
  if (typeof body === 'string' || body instanceof Uint8Array) yield body
  else yield* body
}

/** All of a body that is there at once, as one chunk; undefined: it has to be waited for. */
export function wholeOf(body: ResponseBody): Uint8Array | undefined {
  if (body === null) return new Uint8Array(0)
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return body
  if (!Array.isArray(body) || hasClose(body)) return undefined
  // Arrays of what may be in a body; what else is in one, the server refuses.
  const chunks = body as unknown[]
  if (!chunks.every((chunk): chunk is Chunk => typeof chunk === 'string' || chunk instanceof Uint8Array)) return undefined
  return Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)))
}

/** Whether all of a body is there, and nothing is to be closed behind it. */
export function isWhole(body: ResponseBody): boolean {
  return body === null || typeof body === 'string' || body instanceof Uint8Array || (Array.isArray(body) && !hasClose(body))
}

/** The body, whose end calls `done` once: when all of it was sent, or when nobody wants the rest. */
export function onClose(body: ResponseBody, done: () => void): ResponseBody {
  if (isWhole(body)) {
    done()
    return body
  }
  const chunks = chunksOf(body)
  return {
    [Symbol.asyncIterator]: () => chunks,
    async close(): Promise<void> {
      try {
        await closeBody(body)
      } finally {
        done()
      }
    },
  } satisfies OwnBody
}

/** Calls the `close()` of a body that has one, as whoever returns another body in its place must. */
export async function closeBody(body: ResponseBody): Promise<void> {
  if (body !== null && typeof body === 'object' && hasClose(body)) await body.close()
}

function hasClose(body: object): body is { close: () => unknown } {
  return 'close' in body && typeof body.close === 'function'
}
