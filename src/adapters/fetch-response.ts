import type { HeaderPair } from '../interface/application.ts'
import { isDisturbed } from './fetch-body.ts'
import { copyHeaders, inheritFrom } from './fetch-inherit.ts'
import { hasField, headerPairs } from './fetch-response-headers.ts'

type ResponseClass = typeof globalThis.Response

/** Node's own class, once `LightResponse` passes for it. */
let NativeResponse: ResponseClass

/** A body that is all there. Bytes are a copy that nobody else has. */
export type WholeBody = string | Uint8Array | Blob | null

/** What is to be sent of a response. */
export interface ResponseContent {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly HeaderPair[]
  readonly body: WholeBody | ReadableStream<unknown>
}

const TEXT_TYPE = 'text/plain;charset=UTF-8'
const JSON_TYPE = 'application/json'
const NO_PAIRS: readonly HeaderPair[] = []

/** The lists that most responses have. */
const ONLY_TYPE: Readonly<Record<string, readonly HeaderPair[]>> = {
  [TEXT_TYPE]: [['content-type', TEXT_TYPE]],
  [JSON_TYPE]: [['content-type', JSON_TYPE]],
}

/**
 * What `new Response()` gives while applications are served: an object that remembers what it was made of. Sending it takes
 * no stream and no Headers; whoever looks at them gets them, and what is rarely asked for comes from a native Response.
 */
export class LightResponse {
  #status = 200
  #statusText = ''
  /** The fields that were given, until `headers` is asked for. */
  #pairs: readonly HeaderPair[] = NO_PAIRS
  /** What the body says that its type is, where no field does. */
  #type = ''
  #headers: Headers | undefined
  #body: WholeBody | ReadableStream<unknown> = null
  /** The body, once it was asked for as a stream. */
  #stream: ReadableStream<unknown> | undefined
  #native: Response | undefined

  constructor(body?: unknown, init?: unknown) {
    if (!this.#takeBody(body) || (init !== undefined && init !== null && !this.#takeInit(init))) {
      // It says what is wrong, or can do what is not done here. What it is given has been given to a Response already.
      this.#native = new NativeResponse(body as ResponseBodyInit, init as ResponseInit)
    }
  }

  /** Makes this class pass for Node's. */
  static inherit(native: ResponseClass): void {
    NativeResponse = native
    inheritFrom(LightResponse, native, (response) => response.#asNative())
    Object.setPrototypeOf(LightResponse, native)
    Object.defineProperty(LightResponse, 'name', { value: 'Response', configurable: true })
    Object.defineProperty(LightResponse, 'length', { value: 0, configurable: true })
  }

  /** Every Response is one, whoever made it. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return this === LightResponse ? value instanceof NativeResponse : Function.prototype[Symbol.hasInstance].call(this, value)
  }

  /** As the standard has it; without Node's stream of the text. */
  static json(data: unknown, init?: unknown): Response {
    const text = JSON.stringify(data) as string | undefined
    if (text === undefined) throw new TypeError('Value is not JSON serializable')
    const response = new LightResponse(text, init)
    if (response.#native !== undefined) return NativeResponse.json(data, init as ResponseInit)
    if (response.#type !== '') response.#type = JSON_TYPE
    return asResponse(response)
  }

  /** What to send of a response that nobody has looked into; undefined where its public members must be asked. */
  static content(response: object): ResponseContent | undefined {
    if (!(#native in response) || response.#native !== undefined) return undefined
    // A class of the application's own may have other members.
    if (Object.getPrototypeOf(response) !== LightResponse.prototype) return undefined
    const body = response.#stream === undefined ? response.#body : wholeBodyOf(response.#stream)
    if (body === undefined) return undefined
    const headers = response.#headers === undefined ? response.#fields() : [...response.#headers]
    return { status: response.#status, statusText: response.#statusText, headers, body }
  }

  get status(): number {
    return this.#native === undefined ? this.#status : this.#native.status
  }

  get statusText(): string {
    return this.#native === undefined ? this.#statusText : this.#native.statusText
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      if (this.#native !== undefined) return this.#native.headers
      this.#headers = new Headers()
      for (const [name, value] of this.#fields()) this.#headers.append(name, value)
    }
    return this.#headers
  }

  get body(): ReadableStream<unknown> | null {
    if (this.#native !== undefined) return this.#native.body
    if (this.#body === null) return null
    this.#stream ??= streamOf(this.#body)
    return this.#stream
  }

  get bodyUsed(): boolean {
    if (this.#native !== undefined) return this.#native.bodyUsed
    const stream = this.#stream ?? this.#body
    return stream instanceof ReadableStream && isDisturbed(stream)
  }

  clone(): Response {
    if (this.#native !== undefined || this.#stream !== undefined || this.#body instanceof ReadableStream) {
      return this.#asNative().clone()
    }
    const clone = new LightResponse()
    clone.#status = this.#status
    clone.#statusText = this.#statusText
    clone.#pairs = this.#headers === undefined ? this.#pairs : [...this.#headers]
    clone.#type = this.#headers === undefined ? this.#type : ''
    clone.#body = this.#body
    return asResponse(clone)
  }

  #takeBody(body: unknown): boolean {
    if (typeof body === 'string') {
      this.#body = body
      this.#type = TEXT_TYPE
    } else if (body === undefined || body === null) {
      this.#body = null
    } else if (body instanceof Uint8Array || body instanceof ArrayBuffer) {
      // The standard's copy: what is given may be changed afterwards.
      this.#body = new Uint8Array(body)
    } else if (body instanceof ReadableStream) {
      if (body.locked || isDisturbed(body)) return false
      this.#body = body
    } else if (body instanceof Blob) {
      this.#body = body
      this.#type = body.type
    } else {
      return false
    }
    return true
  }

  /** False: a native Response must judge it. Throws what `Headers` throws. */
  #takeInit(init: unknown): boolean {
    if (typeof init !== 'object' || init === null) return false
    // Its members are unknown until they have been looked at.
    const { status, statusText } = init as Readonly<Record<string, unknown>>
    if (status !== undefined) {
      if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) return false
      if (this.#body !== null && (status === 204 || status === 205 || status === 304)) return false
      this.#status = status
    }
    if (statusText !== undefined) {
      if (typeof statusText !== 'string' || !REASON.test(statusText)) return false
      this.#statusText = statusText
    }
    const pairs = pairsOfInit(init)
    if (pairs !== undefined) {
      this.#pairs = pairs
      if (this.#type !== '' && hasField(pairs, 'content-type')) this.#type = ''
    }
    return true
  }

  /** The fields as they are sent. */
  #fields(): readonly HeaderPair[] {
    if (this.#type === '') return this.#pairs
    const only = ONLY_TYPE[this.#type] ?? [['content-type', this.#type] as const]
    return this.#pairs.length === 0 ? only : [...this.#pairs, ...only]
  }

  /** Looks at the fields of a Response that is given as `init` without making its Headers. */
  static pairs(init: object): readonly HeaderPair[] | undefined {
    return #native in init && init.#native === undefined && init.#headers === undefined ? init.#fields() : undefined
  }

  /** The native Response of this one. Once it exists the body is its own; header fields are what `headers` says. */
  #asNative(): Response {
    if (this.#native === undefined) {
      const body = this.#stream ?? this.#body
      const init = { status: this.#status, statusText: this.#statusText, headers: this.headers }
      this.#native = new NativeResponse(body as ResponseBodyInit, init)
    }
    if (this.#headers !== undefined) copyHeaders(this.#headers, this.#native.headers)
    return this.#native
  }
}

function asResponse(light: LightResponse): Response {
  // It is one by its prototype, which the type of a class cannot say.
  return light as unknown as Response
}

type ResponseBodyInit = ConstructorParameters<ResponseClass>[0]
type ResponseInit = ConstructorParameters<ResponseClass>[1]

/** A reason phrase (RFC 9112, section 4). */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/

function pairsOfInit(init: object): readonly HeaderPair[] | undefined {
  const pairs = LightResponse.pairs(init)
  if (pairs !== undefined) return pairs
  const { headers } = init as { headers?: unknown }
  return headers === undefined ? undefined : headerPairs(headers)
}

/**
 * Streams that were made of a whole body. Middleware makes a new Response of another's `body`: as long as nobody has read of
 * the stream, what it was made of is sent.
 */
const WHOLE_BODIES = new WeakMap<ReadableStream<unknown>, WholeBody>()

function streamOf(body: Exclude<WholeBody, null> | ReadableStream<unknown>): ReadableStream<unknown> {
  if (body instanceof ReadableStream) return body
  const stream = body instanceof Blob ? body.stream() : streamOfBytes(body)
  WHOLE_BODIES.set(stream, body)
  return stream
}

function streamOfBytes(body: string | Uint8Array): ReadableStream<unknown> {
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body)
      if (bytes.length > 0) controller.enqueue(bytes)
      controller.close()
      // Somebody who reads into a buffer of his own waits for an answer of its own.
      controller.byobRequest?.respond(0)
    },
  })
}

/** What a stream was made of, where it is as good as the stream; undefined otherwise. */
export function wholeBodyOf(stream: ReadableStream<unknown>): WholeBody | undefined {
  const body = WHOLE_BODIES.get(stream)
  return body === undefined || stream.locked || isDisturbed(stream) ? undefined : body
}
