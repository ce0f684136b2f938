import type { Chunk } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'

/** Throws `TSGI_ERR_BODY_INVALID` for what cannot be sent. */
export function checkChunk(chunk: unknown): asserts chunk is Chunk {
  if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
    throw new TsgiError('TSGI_ERR_BODY_INVALID', `${quote(chunk)} is neither a string nor a Uint8Array`)
  }
}

export function byteLength(chunk: Chunk): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength
}
