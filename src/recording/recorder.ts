import { createHash } from 'node:crypto'
import { lstatSync, statSync } from 'node:fs'

import { RequestInput } from '../gateway/input.ts'
import { findParam } from '../gateway/params.ts'
import type { Recording, RequestRecorder } from '../gateway/request-recorder.ts'
import type { Transport } from '../gateway/transport.ts'
import { requestedUpgrade } from '../gateway/upgrade.ts'
import type { Chunk, HeaderPair } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { FileSink } from '../logging/file-sink.ts'
import { Losses } from '../logging/line-sink.ts'
import { keptBody } from './kept-body.ts'
import { RECORD_VERSION } from './recorded-request.ts'
import type { RecordedRequest } from './recorded-request.ts'
import { Redactor } from './redactor.ts'

/** Plain values: the master tells its workers. */
export interface RecordOptions {
  readonly path: string
  /** The part of all requests that is kept, 0 to 1. */
  readonly sample: number
  /** Of the file, bytes: beyond it nothing more is kept. */
  readonly maxFileBytes: number
  /** Of a body, bytes: of a longer one the length and, of responses, the hash are kept. */
  readonly maxBodyBytes: number
  /** Names whose values are secret, beside those that are known. */
  readonly redact: readonly string[]
}

/** Nobody else reads what is in it. */
const RECORD_MODE = 0o600

/** Requests that are kept at the same time: so much memory bodies take at most, times their limit and two. */
const MAX_AT_ONCE = 64

/** Writes some of a worker's requests to a file, which other workers write to as well. */
export class Recorder implements RequestRecorder {
  readonly #options: RecordOptions
  readonly #log: Logger
  readonly #sink: FileSink
  readonly #losses: Losses
  readonly #redactor: Redactor
  #full = false
  #open = 0

  /** Opens the file. Throws `TSGI_ERR_LOG`, also where others could read it. */
  constructor(options: RecordOptions, log: Logger) {
    this.#options = options
    this.#log = log
    this.#losses = new Losses((message) => log.warn(`--record: ${message}`))
    checkPrivate(options.path)
    this.#sink = new FileSink(options.path, this.#losses, RECORD_MODE)
    this.#redactor = new Redactor(options.redact)
    // However the process ends, short of SIGKILL.
    process.on('exit', () => this.#sink.flush())
  }

  begin(mountPoint: string, params: readonly string[], transport: Transport): Recording | undefined {
    if (this.#full || this.#open >= MAX_AT_ONCE || Math.random() >= this.#options.sample) return undefined
    // What becomes of a connection that is taken over is no response, and the launcher's probe is no visit.
    if (requestedUpgrade(params) !== undefined || findParam(params, 'HTTP_X_TSGI_PROBE') !== undefined) return undefined
    this.#open += 1
    return new RecordedExchange(transport, this.#options.maxBodyBytes, declaredLength(params), (seen) => {
      this.#open -= 1
      if (seen !== undefined) this.#write(mountPoint, params, seen)
    })
  }

  /** The file has been moved away: a new one has room. */
  reopen(): void {
    this.#sink.reopen()
    this.#full = false
  }

  async close(): Promise<void> {
    this.#losses.end()
    await this.#sink.close()
  }

  #write(mount: string, params: readonly string[], seen: SeenExchange): void {
    if (this.#full) return
    const redactor = this.#redactor
    const { kept, left } = redactor.params(params)
    const record: RecordedRequest = {
      tsgi: RECORD_VERSION,
      at: new Date().toISOString(),
      ms: Math.round(seen.ms * 100) / 100,
      mount,
      params: kept,
      left,
      body: keptBody(seen.request, findParam(params, 'CONTENT_TYPE'), findParam(params, 'HTTP_CONTENT_ENCODING'), redactor),
      response: {
        status: seen.status,
        headers: redactor.headers(seen.headers),
        body: keptBody(seen.response, fieldOf(seen.headers, 'content-type'), fieldOf(seen.headers, 'content-encoding'), redactor),
        sha256: seen.sha256,
      },
    }
    const line = JSON.stringify(record)
    if (this.#size() + line.length > this.#options.maxFileBytes) {
      this.#full = true
      const { path } = this.#options
      this.#log.warn(`--record: ${quote(path)} is full, and nothing more is recorded; move it away and send USR1 to go on`)
      return
    }
    this.#sink.write(line)
  }

  /** Of the file, with what other workers have written. */
  #size(): number {
    return statSync(this.#options.path, { throwIfNoEntry: false })?.size ?? 0
  }
}

/** A file that is there must be an ordinary one of this user's, closed to others: what is in it is private. */
function checkPrivate(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  const refuse = (why: string): never => {
    throw new TsgiError('TSGI_ERR_LOG', `${quote(path)} ${why}`)
  }
  if (stats === undefined) return
  if (!stats.isFile()) refuse('is no file')
  const user = process.geteuid?.()
  if (user === undefined) return
  if (stats.uid !== user) refuse(`belongs to another user (${stats.uid}) than the one who records (${user})`)
  if ((stats.mode & 0o077) !== 0) refuse('is open to others, and requests are private: chmod 600')
}

/** How long the body of a request is to be; -1: it says so by its end. */
function declaredLength(params: readonly string[]): number {
  const length = findParam(params, 'CONTENT_LENGTH')
  if (length) return /^\d+$/.test(length) ? Number(length) : -1
  return findParam(params, 'HTTP_TRANSFER_ENCODING') ? -1 : 0
}

interface SeenBody {
  readonly chunks: Uint8Array[]
  bytes: number
  complete: boolean
}

interface SeenExchange {
  readonly ms: number
  readonly status: string
  readonly headers: readonly HeaderPair[]
  readonly request: SeenBody
  readonly response: SeenBody
  readonly sha256: string
}

/** Looks on at a request and its response. Tells of it at the end; of one that broke off only that it is over. */
class RecordedExchange implements Recording {
  readonly input: RequestInput
  readonly #inner: Transport
  readonly #maxBytes: number
  readonly #declaredBytes: number
  readonly #onEnd: (seen: SeenExchange | undefined) => void
  readonly #startedAt = performance.now()
  readonly #hash = createHash('sha256')
  readonly #request: SeenBody = { chunks: [], bytes: 0, complete: false }
  readonly #response: SeenBody = { chunks: [], bytes: 0, complete: false }
  #status = ''
  #fields = ''
  #over = false

  constructor(inner: Transport, maxBytes: number, declaredBytes: number, onEnd: (seen: SeenExchange | undefined) => void) {
    this.#inner = inner
    this.#maxBytes = maxBytes
    this.#declaredBytes = declaredBytes
    this.#onEnd = onEnd
    this.input = new RecordedInput(inner, (data) => this.#see(this.#request, data))
  }

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    this.#status = status
    this.#fields = fields
    if (body !== null) this.#seeResponse(body)
    if (last) this.#response.complete = true
    return this.#inner.sendHead(status, fields, body, last)
  }

  sendBody(chunk: Chunk): boolean {
    this.#seeResponse(chunk)
    return this.#inner.sendBody(chunk)
  }

  end(): void {
    this.#response.complete = true
    this.#inner.end()
  }

  abort(lengthPending: boolean): void {
    this.#inner.abort(lengthPending)
  }

  pauseInput(): void {
    this.#inner.pauseInput()
  }

  resumeInput(): void {
    this.#inner.resumeInput()
  }

  finished(): void {
    this.#inner.finished()
    if (this.#over) return
    this.#over = true
    if (!this.#response.complete) {
      this.#onEnd(undefined)
      return
    }
    // A response may be over before the wire has said that the body is: FastCGI says it for requests without one, too.
    const whole = this.input.ended && this.input.error === undefined
    this.#request.complete = whole || this.#request.bytes === this.#declaredBytes
    this.#onEnd({
      ms: performance.now() - this.#startedAt,
      status: this.#status,
      headers: pairsOf(this.#fields),
      request: this.#request,
      response: this.#response,
      sha256: this.#hash.digest('hex'),
    })
  }

  #seeResponse(chunk: Chunk): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    this.#hash.update(bytes)
    this.#see(this.#response, bytes)
  }

  #see(body: SeenBody, data: Uint8Array): void {
    body.bytes += data.length
    if (body.bytes > this.#maxBytes) body.chunks.length = 0
    // A copy: what it is a part of is read into again.
    else body.chunks.push(Uint8Array.prototype.slice.call(data))
  }
}

/** Shows somebody else, too, what comes. */
class RecordedInput extends RequestInput {
  readonly #see: (data: Uint8Array) => void

  constructor(source: Transport, see: (data: Uint8Array) => void) {
    super(source)
    this.#see = see
  }

  override push(data: Uint8Array): void {
    this.#see(data)
    super.push(data)
  }
}

function pairsOf(fields: string): HeaderPair[] {
  return fields
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
}

/** `name` in lower case. */
function fieldOf(headers: readonly HeaderPair[], name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1]
}
