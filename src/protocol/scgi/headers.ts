import { TsgiError } from '../../interface/errors.ts'
import { decodeLatin1, encodeLatin1 } from '../latin1.ts'
import { NAMES } from '../name-table.ts'

const NUL = '\0'

/**
 * Decodes headers, `name NUL value NUL` one behind the other, from `bytes[start, end)`. Returns `[name, value, …]`, latin-1.
 * An empty value is legal, an empty name is not.
 *
 * Throws `TSGI_ERR_SCGI_REQUEST`.
 */
export function decodeHeaders(bytes: Uint8Array, start: number, end: number): string[] {
  const headers: string[] = []
  const text = decodeLatin1(bytes, start, end)
  let at = 0
  while (at < text.length) {
    const nameEnd = text.indexOf(NUL, at)
    if (nameEnd === at) throw malformed(at, 'an empty name')
    const valueEnd = nameEnd === -1 ? -1 : text.indexOf(NUL, nameEnd + 1)
    if (valueEnd === -1) throw malformed(at, 'a name or a value without the NUL that ends it')
    headers.push(NAMES.lookUp(bytes, start + at, start + nameEnd, text, start), text.slice(nameEnd + 1, valueEnd))
    at = valueEnd + 1
  }
  return headers
}

/** Encodes `[name, value, …]`, latin-1. Throws `TSGI_ERR_SCGI_REQUEST` for an empty name, or a NUL within a name or a value. */
export function encodeHeaders(headers: readonly string[]): Uint8Array {
  let size = 0
  for (const text of headers) size += text.length + 1
  const bytes = new Uint8Array(size)
  let at = 0
  headers.forEach((text, index) => {
    if (index % 2 === 0 && text === '') throw malformed(at, 'an empty name')
    if (text.includes(NUL)) throw malformed(at, 'a NUL within a name or a value')
    encodeLatin1(text, bytes, at)
    at += text.length + 1
  })
  return bytes
}

function malformed(at: number, what: string): TsgiError {
  return new TsgiError('TSGI_ERR_SCGI_REQUEST', `${what} at byte ${at}`)
}
