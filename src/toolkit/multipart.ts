import { parse as parseDisposition } from 'content-disposition'
import { Headers } from './headers.ts'
import { BadRequest, RequestEntityTooLarge, RequestHeaderFieldsTooLarge } from './plain-exceptions.ts'

/** What a multipart body is made of, as it comes in. */
export type MultipartEvent =
  | { readonly kind: 'part'; readonly name: string; readonly filename: string | undefined; readonly headers: Headers }
  /** Bytes of the part, a view of what was pushed: copy what is to be kept. */
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'end' }

export interface MultipartLimits {
  /** Parts of one body. */
  readonly maxParts: number
  /** Bytes of the header fields of one part. */
  readonly maxPartHeaderSize: number
}

/** Header fields of one part: browsers send two. */
const MAX_PART_FIELDS = 16
/** What may stand before the first delimiter; browsers send nothing. */
const MAX_PREAMBLE_BYTES = 1024
/** White space behind a delimiter, which transports may have added (RFC 2046, section 5.1.1). */
const MAX_PADDING_BYTES = 64

/** At most 70 of these, and no space at its end (RFC 2046, section 5.1.1). */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')
const DASH = 45

type State = 'preamble' | 'delimiter' | 'fields' | 'body' | 'data' | 'epilogue'

/**
 * Reads `multipart/form-data` (RFC 7578): bytes in, events out, in pieces of any size. Never waits, and holds no more than a
 * delimiter or the fields of one part.
 *
 * What is malformed is refused, not mended, so that nobody reads it in another way than who checked it before: throws BadRequest
 * (400), RequestEntityTooLarge (413) for too many parts, RequestHeaderFieldsTooLarge (431) for the fields of a part. It is of no use after that.
 */
export class MultipartDecoder {
  readonly #limits: MultipartLimits
  /** What comes before a part or the end. */
  readonly #delimiter: Buffer
  /** What is not read yet. */
  #buffer: Buffer
  #state: State = 'preamble'
  #parts = 0

  constructor(boundary: string | undefined, limits: MultipartLimits) {
    if (boundary === undefined || !BOUNDARY.test(boundary)) throw new BadRequest('The form has no valid boundary.')
    this.#limits = limits
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    // The first delimiter need not stand behind a line end: here it always does.
    this.#buffer = LINE_END
  }

  /** True once the closing delimiter has come. What follows it counts for nothing. */
  get ended(): boolean {
    return this.#state === 'epilogue'
  }

  /** Takes the next bytes of the body, gives what they complete. */
  *push(chunk: Uint8Array): Generator<MultipartEvent, void, undefined> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes])
    for (;;) {
      let event: MultipartEvent | 'again' | undefined
      switch (this.#state) {
        case 'preamble':
          event = this.#readPreamble()
          break
        case 'delimiter':
          event = this.#readDelimiter()
          break
        case 'fields':
          event = this.#readFields()
          break
        case 'body':
          event = this.#readBodyStart()
          break
        case 'data':
          event = this.#readData()
          break
        case 'epilogue':
          this.#buffer = Buffer.alloc(0)
          return
      }
      if (event === undefined) return
      if (event !== 'again') yield event
    }
  }

  /** The body is complete. Throws where the form is not. */
  finish(): void {
    if (!this.ended) throw new BadRequest('The form ends in the middle.')
  }

  #readPreamble(): 'again' | undefined {
    const at = this.#buffer.indexOf(this.#delimiter)
    if (at > MAX_PREAMBLE_BYTES || (at === -1 && this.#buffer.length > MAX_PREAMBLE_BYTES + this.#delimiter.length)) {
      throw new BadRequest('The form does not begin with its boundary.')
    }
    if (at === -1) return undefined
    this.#skip(at + this.#delimiter.length)
    this.#state = 'delimiter'
    return 'again'
  }

  /** Behind a delimiter stand two dashes, or the line ends, perhaps after white space. */
  #readDelimiter(): 'again' | undefined {
    if (this.#buffer.length < 2) return undefined
    if (this.#buffer[0] === DASH && this.#buffer[1] === DASH) {
      this.#state = 'epilogue'
      return 'again'
    }
    const end = this.#buffer.indexOf(LINE_END)
    const padding = this.#buffer.subarray(0, end === -1 ? this.#buffer.length : end)
    // A CR at the end may be half of a line end.
    const isPadding = padding.every(
      (byte, index) => byte === 32 || byte === 9 || (end === -1 && byte === 13 && index === padding.length - 1),
    )
    if (!isPadding || padding.length > MAX_PADDING_BYTES) throw new BadRequest('The form has a malformed boundary.')
    if (end === -1) return undefined
    if (++this.#parts > this.#limits.maxParts) throw new RequestEntityTooLarge('The form has too many parts.')
    // The line end stays: a part without fields has but another one.
    this.#skip(end)
    this.#state = 'fields'
    return 'again'
  }

  #readFields(): MultipartEvent | undefined {
    const end = this.#buffer.indexOf(HEAD_END)
    if (end > this.#limits.maxPartHeaderSize || (end === -1 && this.#buffer.length > this.#limits.maxPartHeaderSize + 4)) {
      throw new RequestHeaderFieldsTooLarge('The header fields of a part are too large.')
    }
    if (end === -1) return undefined
    const text = this.#buffer.toString('utf8', LINE_END.length, Math.max(end, LINE_END.length))
    this.#skip(end + LINE_END.length)
    this.#state = 'body'
    return partOf(text)
  }

  /** The line end behind the fields is the one before the body, or, where a part has none, that of the next delimiter. */
  #readBodyStart(): MultipartEvent | 'again' | undefined {
    if (this.#buffer.length < this.#delimiter.length) return undefined
    this.#state = 'data'
    if (!this.#buffer.subarray(0, this.#delimiter.length).equals(this.#delimiter)) this.#skip(LINE_END.length)
    return 'again'
  }

  #readData(): MultipartEvent | undefined {
    const at = this.#buffer.indexOf(this.#delimiter)
    if (at === 0) {
      this.#skip(this.#delimiter.length)
      this.#state = 'delimiter'
      return { kind: 'end' }
    }
    const size = at === -1 ? this.#sizeWithoutDelimiter() : at
    if (size === 0) return undefined
    const data = this.#buffer.subarray(0, size)
    this.#skip(size)
    return { kind: 'data', data }
  }

  /** Bytes up to the first at which a delimiter may begin that is not complete yet. */
  #sizeWithoutDelimiter(): number {
    const from = Math.max(0, this.#buffer.length - this.#delimiter.length + 1)
    const lineEnd = this.#buffer.indexOf(13, from)
    return lineEnd === -1 ? this.#buffer.length : lineEnd
  }

  #skip(bytes: number): void {
    this.#buffer = this.#buffer.subarray(bytes)
  }
}

/** Reads the fields of a part. Their text is UTF-8 (RFC 7578, section 5.1). */
function partOf(text: string): MultipartEvent {
  const headers = new Headers()
  const lines = text === '' ? [] : text.split('\r\n')
  if (lines.length > MAX_PART_FIELDS) throw new RequestHeaderFieldsTooLarge('A part has too many header fields.')
  let disposition: string | undefined
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).toLowerCase()
    // A folded line, a bare line end or a NUL would be read in different ways.
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[\0\r\n]/.test(line)) throw new BadRequest('A part has a malformed header field.')
    const value = line.slice(colon + 1).trim()
    if (name === 'content-disposition') {
      if (disposition !== undefined) throw new BadRequest('A part has two names.')
      disposition = value
    } else {
      // What is no latin-1 is none of the fields that mean anything here.
      headers.add(name, value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?'))
    }
  }
  const { type, parameters } = parseDisposition(disposition ?? '', { multipart: true })
  const { name, filename } = parameters
  if (type !== 'form-data' || name === undefined) throw new BadRequest('A part has no name.')
  // RFC 7578, section 4.7: senders must not use them, and what they would mean is not what a form says.
  const encoding = headers.get('content-transfer-encoding', '8bit').toLowerCase()
  if (!['7bit', '8bit', 'binary'].includes(encoding)) throw new BadRequest('A part has a transfer encoding.')
  return { kind: 'part', name, filename, headers }
}
