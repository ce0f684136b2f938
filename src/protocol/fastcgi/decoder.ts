import { TsgiError } from '../../interface/errors.ts'
import { MAX_PARAMS_BYTES } from '../../interface/limits.ts'
import { ChunkDecoder } from '../chunk-decoder.ts'
import { decodeParams } from './params.ts'
import { FCGI_HEADER_BYTES, FCGI_VERSION, KEEP_CONNECTION, RecordType } from './records.ts'

/** What a FastCGI client said. `params` is `[name, value, …]`, latin-1; `data` is a view on the pushed bytes, never empty, good until the next push. */
export type FastcgiEvent =
  | { readonly type: 'begin'; readonly requestId: number; readonly role: number; readonly keepConnection: boolean }
  | { readonly type: 'params'; readonly requestId: number; readonly params: string[] }
  | { readonly type: 'stdin'; readonly requestId: number; readonly data: Uint8Array }
  | { readonly type: 'stdin-end'; readonly requestId: number }
  | { readonly type: 'abort'; readonly requestId: number }
  /** A second request while one is served: to be answered with CANT_MPX_CONN. */
  | { readonly type: 'multiplexed'; readonly requestId: number }
  | { readonly type: 'get-values'; readonly names: string[] }
  | { readonly type: 'unknown-type'; readonly recordType: number }

export interface FastcgiLimits {
  /** Most bytes of one request's PARAMS stream. */
  readonly maxParamsBytes?: number
}

/** What the bytes at the current position are. */
const State = { HEADER: 0, CONTENT: 1, PADDING: 2 } as const
type State = (typeof State)[keyof typeof State]

/** How far the request that is served has come in. */
const Phase = { NONE: 0, PARAMS: 1, STDIN: 2, COMPLETE: 3 } as const

const NOTHING = new Uint8Array(0)

/**
 * A FastCGI 1.0 decoder for the application's side of a connection: bytes in, events out, no I/O.
 *
 * `push` a chunk, take `next` until it gives undefined, push the next chunk. Any chunking gives the same events, but that
 * one `stdin` record may come as several events. One request at a time: `endRequest` says that its END_REQUEST was sent.
 * Memory is bounded by the pushed chunk, `maxParamsBytes` and one management record of at most 65,535 bytes.
 */
export class FastcgiDecoder extends ChunkDecoder<FastcgiEvent> {
  readonly #maxParamsBytes: number
  #state: State = State.HEADER
  readonly #header = new Uint8Array(FCGI_HEADER_BYTES)
  #headerFill = 0
  /** The record being read. */
  #type = 0
  #recordId = 0
  #contentLeft = 0
  #paddingLeft = 0
  #skip = false
  /** Content of a record that is only understood whole: BEGIN_REQUEST, GET_VALUES. */
  #whole: Uint8Array | undefined
  #wholeFill = 0
  /** The request being served; 0 when there is none. */
  #requestId = 0
  #phase: number = Phase.NONE
  /** Its PARAMS stream: a view while it lies in one piece, a growing copy after that. */
  #params: Uint8Array = NOTHING
  #paramsStart = 0
  #paramsEnd = 0
  #paramsOwned = false

  constructor(limits: FastcgiLimits = {}) {
    super()
    this.#maxParamsBytes = limits.maxParamsBytes ?? MAX_PARAMS_BYTES
  }

  /** END_REQUEST was sent: the id is free, and what still comes for it is ignored. */
  endRequest(): void {
    this.#requestId = 0
    this.#phase = Phase.NONE
    this.#params = NOTHING
    this.#paramsStart = this.#paramsEnd = 0
    this.#paramsOwned = false
    if (this.#state === State.CONTENT && this.#recordId !== 0 && this.#whole === undefined) this.#skip = true
  }

  /** Whether all that was pushed has been read, up to the end of a record: another decoder could go on from here. */
  get isBetweenRecords(): boolean {
    return this.#state === State.HEADER && this.#headerFill === 0 && this.offset >= this.end
  }

  /** Throws `TSGI_ERR_FASTCGI_RECORD`, `TSGI_ERR_FASTCGI_PARAMS`, `TSGI_ERR_PARAMS_TOO_LARGE`: the connection is to be closed. */
  protected override decode(): FastcgiEvent | undefined {
    for (;;) {
      if (this.#state === State.HEADER) {
        if (!this.#readHeader()) return this.#pause()
        const event = this.#startRecord()
        if (event !== undefined) return event
      } else if (this.#state === State.CONTENT) {
        const event = this.#readContent()
        if (event !== undefined) return event
        if (this.#contentLeft > 0) return this.#pause()
      } else {
        const step = Math.min(this.#paddingLeft, this.end - this.offset)
        this.offset += step
        this.#paddingLeft -= step
        if (this.#paddingLeft > 0) return this.#pause()
        this.#state = State.HEADER
      }
    }
  }

  /** More bytes are needed: what is kept of the chunk is copied. */
  #pause(): undefined {
    if (this.#paramsEnd > this.#paramsStart && !this.#paramsOwned) this.#growParams(0)
    return undefined
  }

  /** Reads the eight bytes of a record header. False: they are not all there yet. */
  #readHeader(): boolean {
    let bytes = this.chunk
    let at = this.offset
    if (this.#headerFill > 0 || this.end - at < FCGI_HEADER_BYTES) {
      // The version byte is judged as soon as it is there: eight bytes of something else may never come.
      while (this.#headerFill < FCGI_HEADER_BYTES && this.offset < this.end) {
        this.#header[this.#headerFill++] = bytes[this.offset++] ?? 0
        if (this.#header[0] !== FCGI_VERSION) throw malformed(`version ${this.#header[0]}`)
      }
      if (this.#headerFill < FCGI_HEADER_BYTES) return false
      this.#headerFill = 0
      bytes = this.#header
      at = 0
    } else {
      this.offset += FCGI_HEADER_BYTES
    }
    if (bytes[at] !== FCGI_VERSION) throw malformed(`version ${bytes[at]}`)
    this.#type = bytes[at + 1] ?? 0
    this.#recordId = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
    this.#contentLeft = ((bytes[at + 4] ?? 0) << 8) | (bytes[at + 5] ?? 0)
    this.#paddingLeft = bytes[at + 6] ?? 0
    this.#skip = false
    this.#state = this.#contentLeft > 0 ? State.CONTENT : State.PADDING
    return true
  }

  /** Judges a record by its header and the state of the request. */
  #startRecord(): FastcgiEvent | undefined {
    const type = this.#type
    const id = this.#recordId
    if (id === 0) return this.#startManagementRecord()
    if (type === RecordType.BEGIN_REQUEST) {
      if (this.#contentLeft !== 8) throw malformed(`BEGIN_REQUEST of ${this.#contentLeft} bytes`)
      if (id === this.#requestId) throw malformed(`BEGIN_REQUEST for request ${id}, which is being served`)
      if (this.end - this.offset >= 8) {
        const at = this.offset
        this.offset += 8
        this.#contentLeft = 0
        this.#state = State.PADDING
        return this.#beginRequest(this.chunk, at)
      }
      this.#expectWhole(8)
      return undefined
    }
    if (type === RecordType.END_REQUEST || type === RecordType.STDOUT || type === RecordType.STDERR) {
      throw malformed(`type ${type} comes from applications only`)
    }
    this.#skip = true
    // Records of a request that has ended, was refused or never began are read over (section 3.3).
    if (id !== this.#requestId) return undefined
    switch (type) {
      case RecordType.ABORT_REQUEST:
        return { type: 'abort', requestId: id }
      case RecordType.PARAMS:
        if (this.#phase !== Phase.PARAMS) {
          if (this.#contentLeft === 0) return undefined
          throw malformed('PARAMS after the end of the params')
        }
        if (this.#contentLeft === 0) return this.#finishParams()
        this.#checkParamsSize(this.#contentLeft)
        this.#skip = false
        return undefined
      case RecordType.STDIN:
        if (this.#phase === Phase.PARAMS) throw malformed('STDIN before the end of the params')
        if (this.#phase === Phase.COMPLETE) {
          if (this.#contentLeft === 0) return undefined
          throw malformed('STDIN after the end of the body')
        }
        if (this.#contentLeft === 0) {
          this.#phase = Phase.COMPLETE
          return { type: 'stdin-end', requestId: id }
        }
        this.#skip = false
        return undefined
      default:
        return undefined
    }
  }

  #startManagementRecord(): FastcgiEvent | undefined {
    const type = this.#type
    if (type === RecordType.GET_VALUES) {
      if (this.#contentLeft === 0) return { type: 'get-values', names: [] }
      this.#expectWhole(this.#contentLeft)
      return undefined
    }
    if (type >= RecordType.BEGIN_REQUEST && type <= RecordType.DATA) throw malformed(`type ${type} with request id 0`)
    this.#skip = true
    return { type: 'unknown-type', recordType: type }
  }

  #expectWhole(bytes: number): void {
    this.#whole = new Uint8Array(bytes)
    this.#wholeFill = 0
  }

  /** Reads what is there of a record's content. */
  #readContent(): FastcgiEvent | undefined {
    const start = this.offset
    const step = Math.min(this.#contentLeft, this.end - start)
    if (step === 0) return undefined
    this.offset += step
    this.#contentLeft -= step
    if (this.#contentLeft === 0) this.#state = State.PADDING
    if (this.#whole !== undefined) {
      this.#whole.set(this.chunk.subarray(start, start + step), this.#wholeFill)
      this.#wholeFill += step
      return this.#contentLeft === 0 ? this.#finishWhole(this.#whole) : undefined
    }
    if (this.#skip) return undefined
    if (this.#type === RecordType.PARAMS) {
      this.#appendParams(start, step)
      return undefined
    }
    return { type: 'stdin', requestId: this.#recordId, data: this.chunk.subarray(start, start + step) }
  }

  #finishWhole(whole: Uint8Array): FastcgiEvent {
    this.#whole = undefined
    if (this.#type === RecordType.GET_VALUES) {
      const pairs = decodeParams(whole, 0, whole.length)
      return { type: 'get-values', names: pairs.filter((_, index) => index % 2 === 0) }
    }
    return this.#beginRequest(whole, 0)
  }

  #beginRequest(bytes: Uint8Array, at: number): FastcgiEvent {
    if (this.#requestId !== 0) return { type: 'multiplexed', requestId: this.#recordId }
    this.#requestId = this.#recordId
    this.#phase = Phase.PARAMS
    const role = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
    return { type: 'begin', requestId: this.#recordId, role, keepConnection: ((bytes[at + 2] ?? 0) & KEEP_CONNECTION) !== 0 }
  }

  #checkParamsSize(more: number): void {
    const size = this.#paramsEnd - this.#paramsStart + more
    if (size > this.#maxParamsBytes) {
      throw new TsgiError('TSGI_ERR_PARAMS_TOO_LARGE', `${size} bytes, the limit is ${this.#maxParamsBytes}`)
    }
  }

  #appendParams(start: number, step: number): void {
    const held = this.#paramsEnd - this.#paramsStart
    if (held === 0) {
      this.#params = this.chunk
      this.#paramsStart = start
      this.#paramsEnd = start + step
      return
    }
    if (!this.#paramsOwned || this.#paramsEnd + step > this.#params.length) this.#growParams(step)
    this.#params.set(this.chunk.subarray(start, start + step), this.#paramsEnd)
    this.#paramsEnd += step
  }

  /** Moves the PARAMS that are held into memory of the decoder's own, with room for `more` bytes. */
  #growParams(more: number): void {
    const held = this.#paramsEnd - this.#paramsStart
    const grown = new Uint8Array(Math.max(2 * held, held + more))
    grown.set(this.#params.subarray(this.#paramsStart, this.#paramsEnd))
    this.#params = grown
    this.#paramsStart = 0
    this.#paramsEnd = held
    this.#paramsOwned = true
  }

  #finishParams(): FastcgiEvent {
    const params = decodeParams(this.#params, this.#paramsStart, this.#paramsEnd)
    this.#params = NOTHING
    this.#paramsStart = this.#paramsEnd = 0
    this.#paramsOwned = false
    this.#phase = Phase.STDIN
    return { type: 'params', requestId: this.#recordId, params }
  }
}

function malformed(what: string): TsgiError {
  return new TsgiError('TSGI_ERR_FASTCGI_RECORD', what)
}
