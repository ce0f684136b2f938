import { TsgiError } from '../../interface/errors.ts'
import { decodeLatin1, encodeLatin1 } from '../latin1.ts'
import { NAMES } from '../name-table.ts'

/** Most bytes of the variables of one packet: its size is a u16. */
export const UWSGI_MAX_VARS_BYTES = 65_535

/**
 * Decodes variables, `u16le keyLength, key, u16le valueLength, value` one behind the other, from `bytes[start, end)`.
 * Returns `[name, value, …]`, latin-1. An empty value is legal, an empty key is not.
 *
 * Throws `TSGI_ERR_UWSGI_PACKET`.
 */
export function decodeVars(bytes: Uint8Array, start: number, end: number): string[] {
  const params: string[] = []
  const text = decodeLatin1(bytes, start, end)
  let at = start
  while (at < end) {
    if (at + 2 > end) throw malformed(at - start, 'a trailing fragment')
    const key = at + 2
    const keyEnd = key + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8))
    if (keyEnd === key) throw malformed(at - start, 'an empty key')
    if (keyEnd + 2 > end) throw malformed(at - start, 'a key longer than the packet')
    const value = keyEnd + 2
    const valueEnd = value + ((bytes[keyEnd] ?? 0) | ((bytes[keyEnd + 1] ?? 0) << 8))
    if (valueEnd > end) throw malformed(at - start, 'a value longer than the packet')
    params.push(NAMES.lookUp(bytes, key, keyEnd, text, start), text.slice(value - start, valueEnd - start))
    at = valueEnd
  }
  return params
}

/** Encodes `[name, value, …]`, latin-1. Throws `TSGI_ERR_UWSGI_PACKET` for an empty name or more than 65,535 bytes. */
export function encodeVars(params: readonly string[]): Uint8Array {
  let size = 0
  for (const text of params) size += 2 + text.length
  if (size > UWSGI_MAX_VARS_BYTES) {
    throw new TsgiError('TSGI_ERR_UWSGI_PACKET', `${size} bytes of variables, a packet holds ${UWSGI_MAX_VARS_BYTES}`)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  params.forEach((text, index) => {
    if (index % 2 === 0 && text === '') throw malformed(at, 'an empty key')
    bytes[at] = text.length
    bytes[at + 1] = text.length >>> 8
    encodeLatin1(text, bytes, at + 2)
    at += 2 + text.length
  })
  return bytes
}

function malformed(at: number, what: string): TsgiError {
  return new TsgiError('TSGI_ERR_UWSGI_PACKET', `${what} at byte ${at}`)
}
