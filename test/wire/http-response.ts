import { latin1Text } from './bytes.ts'

/** The head of a response: from an HTTP status line, or a CGI `Status:` header. */
export interface Head {
  status: number
  reason: string
  /** As received, in their order, latin-1. */
  headers: [name: string, value: string][]
  /** The whole block as received, latin-1, up to and including the blank line. */
  raw: string
}

/** `open` more may come; `complete` ended as its framing says; `broken` ended before that. */
export type ResponseState = 'open' | 'complete' | 'broken'

/** How the end of the body is told. */
type Framing = 'length' | 'chunked' | 'until-end'

/**
 * Reads one response, bytes in, as strictly as a test needs: what is malformed is `broken`.
 * `http` is a status line and HTTP's framing; `uwsgi` a status line and no chunking; `cgi` a `Status:` header.
 */
export class ResponseReader {
  readonly #flavour: 'http' | 'uwsgi' | 'cgi'
  readonly #method: string
  readonly #keepBody: boolean
  #pending: Buffer = Buffer.alloc(0)
  #framing: Framing = 'until-end'
  #remaining = 0
  #chunkTrailer = false
  readonly #body: Buffer[] = []
  head: Head | undefined
  state: ResponseState = 'open'
  /** Why the response is `broken`. */
  problem: string | undefined
  bodyBytes = 0
  /** Called with each piece of the body. */
  onBody: ((bytes: Uint8Array) => void) | undefined

  constructor(flavour: 'http' | 'uwsgi' | 'cgi', method: string, keepBody = true) {
    this.#flavour = flavour
    this.#method = method
    this.#keepBody = keepBody
  }

  body(): Buffer {
    return Buffer.concat(this.#body)
  }

  push(bytes: Uint8Array): void {
    if (this.state === 'broken') return
    if (this.state === 'complete') {
      this.#break(`${bytes.length} bytes after the end of the response: ${JSON.stringify(latin1Text(bytes.subarray(0, 60)))}`)
      return
    }
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes])
    if (this.head === undefined) this.#readHead()
    if (this.head !== undefined) this.#readBody()
  }

  /** The transport ended. `orderly`: as its protocol wants, so that a body without a length may be complete. */
  end(orderly: boolean): void {
    if (this.state !== 'open') return
    if (this.head === undefined) this.#break('ended before the end of the head')
    else if (!orderly) this.#break('the connection was cut off')
    else if (this.#framing === 'until-end' || (this.#framing === 'length' && this.#remaining === 0)) this.state = 'complete'
    else this.#break(`ended with ${this.#remaining} bytes of the ${this.#framing === 'chunked' ? 'chunk' : 'body'} missing`)
  }

  #readHead(): void {
    const end = this.#pending.indexOf('\r\n\r\n')
    if (end < 0) return
    const raw = this.#pending.toString('latin1', 0, end + 4)
    this.#pending = this.#pending.subarray(end + 4)
    const lines = raw.slice(0, -4).split('\r\n')
    let status: number | undefined
    let reason = ''
    if (this.#flavour !== 'cgi') {
      const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(lines.shift() ?? '')
      if (match?.[1] === undefined) return this.#break(`no status line: ${JSON.stringify(raw.slice(0, 80))}`)
      status = Number(match[1])
      reason = match[2] ?? ''
    }
    const headers: [string, string][] = []
    for (const line of lines) {
      const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0-\x08\x0a-\x1f\x7f]*)$/.exec(line)
      if (match?.[1] === undefined || match[2] === undefined) return this.#break(`header line ${JSON.stringify(line)}`)
      if (this.#flavour === 'cgi' && match[1].toLowerCase() === 'status') {
        const parts = /^(\d{3})(?: (.*))?$/.exec(match[2])
        if (parts?.[1] === undefined || status !== undefined) return this.#break(`Status ${JSON.stringify(match[2])}`)
        status = Number(parts[1])
        reason = parts[2] ?? ''
      } else headers.push([match[1], match[2]])
    }
    if (status === undefined) return this.#break('no Status header')
    this.head = { status, reason, headers, raw }
    this.#chooseFraming(this.head)
  }

  #chooseFraming(head: Head): void {
    const values = (name: string): string[] => head.headers.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value)
    const lengths = values('content-length')
    const length = lengths[0]
    const chunked = values('transfer-encoding').some((value) => /chunked/i.test(value))
    if (chunked && this.#flavour !== 'http') return this.#break('Transfer-Encoding on a gateway protocol')
    if (chunked && length !== undefined) return this.#break('Content-Length and Transfer-Encoding')
    if (lengths.length > 1 || (length !== undefined && !/^\d+$/.test(length)))
      return this.#break(`Content-Length ${lengths.join(' | ')}`)
    if (this.#method === 'HEAD' || head.status === 204 || head.status === 304 || head.status < 200) {
      this.#framing = this.#flavour === 'http' ? 'length' : 'until-end'
      this.#remaining = 0
      // A gateway's body would be taken for the next response or dropped: there must be none.
      if (this.#flavour !== 'http') this.#remaining = -1
      else this.state = 'complete'
      return
    }
    if (chunked) {
      this.#framing = 'chunked'
      this.#remaining = 0
    } else if (length !== undefined) {
      this.#framing = 'length'
      this.#remaining = Number(length)
      // The end of a gateway's response is its transport's to tell.
      if (this.#remaining === 0 && this.#flavour === 'http') this.state = 'complete'
    } else this.#framing = 'until-end'
  }

  #readBody(): void {
    if (this.#framing === 'chunked') return this.#readChunks()
    const bytes = this.#pending
    this.#pending = Buffer.alloc(0)
    if (bytes.length === 0) return
    if (this.#framing === 'until-end') {
      if (this.#remaining === -1) return this.#break('a body where there must be none')
      return this.#give(bytes)
    }
    if (bytes.length > this.#remaining) return this.#break(`${bytes.length - this.#remaining} bytes past Content-Length`)
    this.#remaining -= bytes.length
    this.#give(bytes)
    if (this.#remaining === 0 && this.#flavour === 'http') this.state = 'complete'
  }

  #readChunks(): void {
    for (;;) {
      if (this.#remaining > 0) {
        if (this.#pending.length === 0) return
        const piece = this.#pending.subarray(0, this.#remaining)
        this.#pending = this.#pending.subarray(piece.length)
        this.#remaining -= piece.length
        this.#give(piece)
        if (this.#remaining > 0) return
        this.#chunkTrailer = true
      }
      if (this.#chunkTrailer) {
        if (this.#pending.length < 2) return
        if (this.#pending.toString('latin1', 0, 2) !== '\r\n') return this.#break('chunk without its end')
        this.#pending = this.#pending.subarray(2)
        this.#chunkTrailer = false
      }
      const lineEnd = this.#pending.indexOf('\r\n')
      if (lineEnd < 0) return
      const size = this.#pending.toString('latin1', 0, lineEnd)
      if (!/^[0-9a-fA-F]+$/.test(size)) return this.#break(`chunk size ${JSON.stringify(size)}`)
      if (Number.parseInt(size, 16) === 0) {
        if (this.#pending.length < lineEnd + 4) return
        if (this.#pending.length > lineEnd + 4) return this.#break('bytes after the last chunk')
        this.#pending = Buffer.alloc(0)
        this.state = 'complete'
        return
      }
      this.#remaining = Number.parseInt(size, 16)
      this.#pending = this.#pending.subarray(lineEnd + 2)
    }
  }

  #give(bytes: Buffer): void {
    this.bodyBytes += bytes.length
    if (this.#keepBody) this.#body.push(bytes)
    this.onBody?.(bytes)
  }

  #break(problem: string): void {
    this.state = 'broken'
    this.problem = problem
  }
}
