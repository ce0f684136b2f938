import { READ_INTO } from '../interface/read-into.ts'
import type { ReadableInto } from '../interface/read-into.ts'
import type { Exchange } from './exchange.ts'

/**
 * One read, bytes: with less, reading costs more than what is read. As much as a response may hold back, so that each write of a
 * whole one waits until all of it has left, and its memory is free again.
 */
const BUFFER_BYTES = 64 * 1024

/** Kept between responses, 4 MiB: two for each of as many as are worth it. */
const MAX_FREE = 64

/**
 * Memory that is used again and again. New memory for each read would be freed by a collection of all garbage only, which it brings
 * about as soon as there are some tens of MiB of it: half of what a large file costs.
 */
const free: Uint8Array[] = []

function take(): Uint8Array {
  return free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
}

function give(buffer: Uint8Array): void {
  if (free.length < MAX_FREE) free.push(buffer)
}

/** Sends a body that can be read into memory; reads on while the last part is sent. Rejects as the body or the connection does. */
export async function sendReadable(exchange: Exchange, body: ReadableInto): Promise<void> {
  let current = take()
  let length = await body[READ_INTO](current)
  while (length > 0 && !exchange.ended) {
    const next = take()
    const reading = body[READ_INTO](next)
    // Where the wait below fails, nobody hears of it.
    reading.catch(() => {})
    if (length < BUFFER_BYTES) {
      // Nothing tells when these have left: a copy is left to the garbage.
      exchange.write(Buffer.from(current.subarray(0, length)))
      give(current)
    } else if (!exchange.write(current)) {
      await exchange.ready()
      give(current)
    }
    length = await reading
    current = next
  }
  give(current)
  if (!exchange.ended) exchange.end(null)
}
