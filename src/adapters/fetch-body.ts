import { Readable } from 'node:stream'
import type { ReadableByteStreamController } from 'node:stream/web'
import { TsgiError } from '../interface/errors.ts'
import type { RequestInput } from '../gateway/input.ts'

/**
 * The request body as a stream of bytes. It takes a chunk when it is asked for one, so that the body waits in the proxy as
 * long as nobody reads. Cancelling it lets the rest go.
 */
export function bodyStream(input: RequestInput): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      if (deliver(input, controller)) return undefined
      return new Promise((resolve) => {
        input.onMore(() => {
          deliver(input, controller)
          resolve()
        })
      })
    },
    cancel() {
      input.discard()
    },
  })
}

/** Hands on a chunk, or the end. False: there is neither now. */
function deliver(input: RequestInput, controller: ReadableByteStreamController): boolean {
  let chunk = input.shift()
  // Streams of bytes refuse an empty one.
  while (chunk?.length === 0) chunk = input.shift()
  if (chunk !== undefined) {
    // The stream takes the memory of what it is given away from everybody else, so it gets its own.
    controller.enqueue(new Uint8Array(chunk))
    return true
  }
  if (input.error !== undefined) {
    controller.error(input.error)
  } else if (input.discarded) {
    // A stream that is cancelled has no reader left to be told.
    controller.error(new TsgiError('TSGI_ERR_APPLICATION', 'the response was complete before the request body was read'))
  } else if (input.ended) {
    controller.close()
    // Somebody who reads into a buffer of his own waits for an answer of its own.
    controller.byobRequest?.respond(0)
  } else {
    return false
  }
  return true
}

/** The body of a request that was read: nobody can read it again. */
export function usedStream(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() })
  stream.getReader()
  return stream
}

/** Text of bytes as `fetch` reads it: UTF-8, without a byte order mark. */
export function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** The bytes in memory of their own, which the caller may keep, change and transfer. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

/** Whether somebody has read of a stream, or cancelled it. */
export function isDisturbed(stream: ReadableStream<unknown>): boolean {
  // Documented for web streams, too; its type knows of Node's only.
  return Readable.isDisturbed(stream as unknown as Readable)
}
