/**
 * Latin-1 text, one character a byte: the encoding of CGI variables and header fields.
 *
 * `TextDecoder('latin1')` is not it (the web platform means windows-1252 by that name), so Node's global `Buffer` does
 * the work where it exists and a loop where it does not.
 */
const hasBuffer = typeof Buffer !== 'undefined'

/** Characters handed to one `String.fromCharCode` call: far below every engine's limit on arguments. */
const SLICE = 8192

/** Decodes `bytes` from `start` to `end`. */
export function decodeLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (hasBuffer) {
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return buffer.toString('latin1', start, end)
  }
  let text = ''
  for (let at = start; at < end; at += SLICE) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + SLICE)))
  }
  return text
}

/** Writes `text` into `target` at `offset`, one byte a character; characters over U+00FF lose their upper bits. */
export function encodeLatin1(text: string, target: Uint8Array, offset: number): void {
  for (let index = 0; index < text.length; index++) target[offset + index] = text.charCodeAt(index)
}
