import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'

/** One response as it was on the connection. */
export interface Answer {
  /** Heads of interim responses (1xx) before it, as received. */
  interim: string[]
  statusLine: string
  /** Field lines as received: order and case are part of them. */
  fields: string[]
  /** Without the framing. Latin-1 text of what came. */
  body: string
  /** How the end was told, and whether it came. */
  end: 'length' | 'chunked' | 'close' | 'no body' | 'cut off'
  /** Field lines behind the last chunk. */
  trailers: string[]
}

/** A longer body is compared by its length and its digest. */
const SHOWN_BYTES = 100_000

export function shownBody(body: Buffer): string {
  if (body.length <= SHOWN_BYTES) return body.toString('latin1')
  return `${body.length} bytes, sha256 ${createHash('sha256').update(body).digest('hex')}`
}

/** What was compressed says something of a request: it is compared as it was before. */
function decoded(body: Buffer, fields: readonly string[]): Buffer {
  if (valueOf(fields, 'content-encoding') !== 'gzip') return body
  try {
    return gunzipSync(body)
  } catch {
    return body
  }
}

/**
 * Reads the responses of one connection, in the order of their requests. Bytes in, answers out. What is left when the peer
 * ends is an answer that is `cut off`, or `stray` bytes.
 */
export class AnswerReader {
  readonly answers: Answer[] = []
  /** Whether requests were HEAD, in their order: their answers have no body whatever their fields say. */
  readonly #methods: string[] = []
  #pending: Buffer = Buffer.alloc(0)
  #current: Answer | undefined
  #interim: string[] = []
  #body: Buffer[] = []
  #remaining = 0
  #inTrailers = false
  /** Bytes that belong to no response. */
  stray = ''

  expect(method: string): void {
    this.#methods.push(method)
  }

  /** An interim response has come, and no other since. */
  get interimSeen(): boolean {
    return this.#interim.length > 0
  }

  /** True while a response has begun and not ended. */
  get open(): boolean {
    return this.#current !== undefined
  }

  get currentBytes(): number {
    return this.#body.reduce((sum, piece) => sum + piece.length, 0)
  }

  push(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes])
    for (;;) {
      if (this.#current === undefined ? !this.#readHead() : !this.#readBody(this.#current)) return
    }
  }

  end(): void {
    const current = this.#current
    if (current !== undefined) {
      if (current.end === 'close') this.#complete(current)
      else {
        current.end = 'cut off'
        this.#complete(current)
      }
    } else this.stray = this.#pending.toString('latin1')
  }

  #readHead(): boolean {
    const end = this.#pending.indexOf('\r\n\r\n')
    if (end === -1) return false
    const text = this.#pending.toString('latin1', 0, end)
    this.#pending = this.#pending.subarray(end + 4)
    const [statusLine = '', ...fields] = text.split('\r\n')
    const status = Number(statusLine.slice(9, 12))
    if (status >= 100 && status < 200 && status !== 101) {
      this.#interim.push(text)
      return true
    }
    const answer: Answer = { interim: this.#interim, statusLine, fields, body: '', end: 'close', trailers: [] }
    this.#interim = []
    this.#body = []
    this.#current = answer
    const isHead = this.#methods[this.answers.length] === 'HEAD'
    const length = valueOf(fields, 'content-length')
    if (isHead || status === 204 || status === 304) {
      answer.end = 'no body'
      this.#complete(answer)
    } else if (/chunked/i.test(valueOf(fields, 'transfer-encoding') ?? '')) {
      answer.end = 'chunked'
      this.#remaining = -1
      this.#inTrailers = false
    } else if (length !== undefined) {
      answer.end = 'length'
      this.#remaining = Number(length)
      if (this.#remaining === 0) this.#complete(answer)
    }
    return true
  }

  /** False: more bytes are needed. */
  #readBody(answer: Answer): boolean {
    if (answer.end === 'chunked') return this.#readChunk(answer)
    if (this.#pending.length === 0) return false
    if (answer.end === 'close') {
      this.#take(this.#pending.length)
      return false
    }
    this.#remaining -= this.#take(this.#remaining)
    if (this.#remaining > 0) return false
    this.#complete(answer)
    return true
  }

  #readChunk(answer: Answer): boolean {
    if (this.#remaining > 0) {
      if (this.#pending.length === 0) return false
      this.#remaining -= this.#take(this.#remaining)
      return true
    }
    const lineEnd = this.#pending.indexOf('\r\n')
    if (lineEnd === -1) return false
    const line = this.#pending.toString('latin1', 0, lineEnd)
    this.#pending = this.#pending.subarray(lineEnd + 2)
    if (this.#inTrailers) {
      if (line === '') this.#complete(answer)
      else answer.trailers.push(line)
    } else if (this.#remaining === 0) {
      // The line end behind a chunk.
      this.#remaining = -1
    } else {
      this.#remaining = Number.parseInt(line, 16)
      if (this.#remaining === 0) this.#inTrailers = true
    }
    return true
  }

  #take(most: number): number {
    const piece = this.#pending.subarray(0, most)
    this.#pending = this.#pending.subarray(piece.length)
    this.#body.push(piece)
    return piece.length
  }

  #complete(answer: Answer): void {
    answer.body = shownBody(decoded(Buffer.concat(this.#body), answer.fields))
    this.#body = []
    this.#current = undefined
    this.answers.push(answer)
  }
}

/** The value of the first field with this name, given in lower case. */
export function valueOf(fields: readonly string[], name: string): string | undefined {
  const line = fields.find((field) => field.slice(0, field.indexOf(':')).toLowerCase() === name)
  return line?.slice(line.indexOf(':') + 1).trim()
}
