import { TsgiError } from '../../interface/errors.ts'
import { decodeLatin1, encodeLatin1 } from '../latin1.ts'
import { NAMES } from '../name-table.ts'

/**
 * Decodes name-value pairs (section 3.4) from `bytes[start, end)`: nameLength, valueLength, name, value; a length below
 * 128 takes one byte, any other four with the top bit set. Returns `[name, value, name, value, …]`, latin-1.
 *
 * The block is decoded once and sliced: half the cost of decoding each piece.
 * Throws `TSGI_ERR_FASTCGI_PARAMS` where a pair does not fit into the block.
 */
export function decodeParams(bytes: Uint8Array, start: number, end: number): string[] {
  const params: string[] = []
  const text = decodeLatin1(bytes, start, end)
  let at = start
  while (at < end) {
    let nameLength = bytes[at++] ?? 0
    if (nameLength > 127) {
      if (at + 3 > end) throw truncated(at - start)
      nameLength = longLength(bytes, nameLength, at)
      at += 3
    }
    if (at >= end) throw truncated(at - start)
    let valueLength = bytes[at++] ?? 0
    if (valueLength > 127) {
      if (at + 3 > end) throw truncated(at - start)
      valueLength = longLength(bytes, valueLength, at)
      at += 3
    }
    // Both lengths are below 2^31, so that their sum is exact: no overflow as in CVE-2025-23016.
    if (nameLength + valueLength > end - at) throw truncated(at - start)
    const value = at + nameLength
    const name = NAMES.lookUp(bytes, at, value, text, start)
    at = value + valueLength
    params.push(name, text.slice(value - start, at - start))
  }
  return params
}

/** Encodes `[name, value, …]`, latin-1, as name-value pairs. */
export function encodePairs(params: readonly string[]): Uint8Array {
  let size = 0
  for (const text of params) size += text.length + (text.length < 128 ? 1 : 4)
  const bytes = new Uint8Array(size)
  let at = 0
  for (let index = 0; index < params.length; index += 2) {
    const name = params[index] ?? ''
    const value = params[index + 1] ?? ''
    at = writeLength(bytes, at, name.length)
    at = writeLength(bytes, at, value.length)
    encodeLatin1(name, bytes, at)
    at += name.length
    encodeLatin1(value, bytes, at)
    at += value.length
  }
  return bytes
}

function longLength(bytes: Uint8Array, first: number, at: number): number {
  return ((first & 0x7f) << 24) | ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
}

function writeLength(bytes: Uint8Array, at: number, length: number): number {
  if (length < 128) {
    bytes[at] = length
    return at + 1
  }
  bytes[at] = (length >>> 24) | 0x80
  bytes[at + 1] = length >>> 16
  bytes[at + 2] = length >>> 8
  bytes[at + 3] = length
  return at + 4
}

function truncated(at: number): TsgiError {
  return new TsgiError('TSGI_ERR_FASTCGI_PARAMS', `the pair at byte ${at} is longer than the block`)
}
