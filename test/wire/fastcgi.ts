import { concat, latin1 } from './bytes.ts'

/** Record types, FastCGI 1.0 section 8. */
export const BEGIN_REQUEST = 1
export const ABORT_REQUEST = 2
export const END_REQUEST = 3
export const PARAMS = 4
export const STDIN = 5
export const STDOUT = 6
export const STDERR = 7
export const GET_VALUES = 9
export const GET_VALUES_RESULT = 10
export const UNKNOWN_TYPE = 11

/** Roles and the flag of BEGIN_REQUEST, protocol states of END_REQUEST. */
export const RESPONDER = 1
export const AUTHORIZER = 2
export const FILTER = 3
export const KEEP_CONN = 1
export const REQUEST_COMPLETE = 0
export const CANT_MPX_CONN = 1
export const OVERLOADED = 2
export const UNKNOWN_ROLE = 3

const MAX_CONTENT_BYTES = 65_535

export interface FastcgiRecord {
  version: number
  type: number
  requestId: number
  content: Uint8Array
  paddingLength: number
}

/** One record. `contentLength` and `version` may lie, for malformed records. */
export function record(
  type: number,
  requestId: number,
  content: Uint8Array = new Uint8Array(0),
  options: { padding?: number; version?: number; contentLength?: number } = {},
): Uint8Array {
  const { padding = 0, version = 1, contentLength = content.length } = options
  const head = Buffer.alloc(8)
  head.writeUInt8(version, 0)
  head.writeUInt8(type, 1)
  head.writeUInt16BE(requestId, 2)
  head.writeUInt16BE(contentLength, 4)
  head.writeUInt8(padding, 6)
  // Padding has no meaning: a byte that is a valid version would hide a reader that does not skip it.
  return concat([head, content, new Uint8Array(padding).fill(1)])
}

export function beginRequest(requestId: number, options: { role?: number; keep?: boolean } = {}): Uint8Array {
  const { role = RESPONDER, keep = false } = options
  return record(BEGIN_REQUEST, requestId, Uint8Array.of(role >> 8, role & 0xff, keep ? KEEP_CONN : 0, 0, 0, 0, 0, 0))
}

/** Name-value pairs, section 3.4: lengths under 128 in one byte, else in four with the top bit set. */
export function nameValuePairs(pairs: readonly string[], options: { longLengths?: boolean } = {}): Uint8Array {
  const parts: Uint8Array[] = []
  for (let i = 0; i < pairs.length; i += 2) {
    const name = latin1(pairs[i] ?? '')
    const value = latin1(pairs[i + 1] ?? '')
    parts.push(pairLength(name.length, options.longLengths), pairLength(value.length, options.longLengths), name, value)
  }
  return concat(parts)
}

/** A stream's records and, unless told not to, the empty record that closes it. */
export function stream(
  type: number,
  requestId: number,
  content: Uint8Array,
  options: { recordSize?: number; padding?: number; close?: boolean } = {},
): Uint8Array {
  const { recordSize = MAX_CONTENT_BYTES, padding = 0, close = true } = options
  const parts: Uint8Array[] = []
  for (let at = 0; at < content.length; at += recordSize) {
    parts.push(record(type, requestId, content.subarray(at, at + recordSize), { padding }))
  }
  if (close) parts.push(record(type, requestId))
  return concat(parts)
}

/** BEGIN_REQUEST and the whole PARAMS stream. */
export function requestHead(
  requestId: number,
  params: readonly string[],
  options: { role?: number; keep?: boolean } = {},
): Uint8Array {
  return concat([beginRequest(requestId, options), stream(PARAMS, requestId, nameValuePairs(params))])
}

/** A whole request with its body. */
export function fastcgiRequest(
  requestId: number,
  params: readonly string[],
  body: Uint8Array = new Uint8Array(0),
  options: { role?: number; keep?: boolean } = {},
): Uint8Array {
  return concat([requestHead(requestId, params, options), stream(STDIN, requestId, body)])
}

/** Cuts what a server sends into records. */
export class RecordReader {
  #rest: Buffer = Buffer.alloc(0)

  /** Records that `bytes` completed. A malformed one is given as it is: what it means is the test's to say. */
  push(bytes: Uint8Array): FastcgiRecord[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes])
    const records: FastcgiRecord[] = []
    while (this.#rest.length >= 8) {
      const contentLength = this.#rest.readUInt16BE(4)
      const paddingLength = this.#rest.readUInt8(6)
      const end = 8 + contentLength + paddingLength
      if (this.#rest.length < end) break
      records.push({
        version: this.#rest.readUInt8(0),
        type: this.#rest.readUInt8(1),
        requestId: this.#rest.readUInt16BE(2),
        content: this.#rest.subarray(8, 8 + contentLength),
        paddingLength,
      })
      this.#rest = this.#rest.subarray(end)
    }
    return records
  }

  /** Bytes of a record that is not complete. */
  get pendingBytes(): number {
    return this.#rest.length
  }
}

/** `[name, value, …]` of a GET_VALUES_RESULT. */
export function decodePairs(content: Uint8Array): string[] {
  const bytes = Buffer.from(content)
  const pairs: string[] = []
  let at = 0
  const length = (): number => {
    const first = bytes.readUInt8(at)
    if (first < 128) {
      at += 1
      return first
    }
    at += 4
    return bytes.readUInt32BE(at - 4) & 0x7fffffff
  }
  while (at < bytes.length) {
    const nameLength = length()
    const valueLength = length()
    pairs.push(bytes.toString('latin1', at, at + nameLength))
    at += nameLength
    pairs.push(bytes.toString('latin1', at, at + valueLength))
    at += valueLength
  }
  return pairs
}

function pairLength(length: number, long = false): Uint8Array {
  if (length < 128 && !long) return Uint8Array.of(length)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE((length | 0x80000000) >>> 0)
  return bytes
}
