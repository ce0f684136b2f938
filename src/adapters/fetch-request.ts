import type { Exchange } from '../gateway/exchange.ts'
import { findParam } from '../gateway/params.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { bodyStream, isDisturbed, ownBytes, textOf, usedStream } from './fetch-body.ts'
import type { FetchContext } from './fetch-context.ts'
import { copyHeaders, inheritFrom } from './fetch-inherit.ts'
import { layoutOf } from './param-layout.ts'
import type { ParamLayout } from './param-layout.ts'
import { requestUrl } from './fetch-url.ts'

type RequestClass = typeof globalThis.Request

/** Node's own class, once `LightRequest` passes for it. */
let NativeRequest: RequestClass

const NOTHING = new Uint8Array(0)

/**
 * The Request of an exchange. A native one costs as much as serving the whole request, and most applications ask for the method
 * and the URL; so everything else is made when it is asked for, and what is rarely asked for by a native Request.
 *
 * `waitUntil` and `ip` are what srvx adds to a request.
 */
export class LightRequest {
  readonly #exchange: Exchange
  readonly #context: FetchContext
  readonly #layout: ParamLayout
  readonly #method: string
  readonly #url: string
  #headers: Headers | undefined
  /** The body, once it was asked for as a stream. */
  #stream: ReadableStream<Uint8Array> | undefined
  /** The body was read without a stream. */
  #consumed = false
  #native: Request | undefined

  constructor(exchange: Exchange, context: FetchContext, layout: ParamLayout, method: string, url: string) {
    this.#exchange = exchange
    this.#context = context
    this.#layout = layout
    this.#method = method
    this.#url = url
  }

  /** Makes the objects of this class instances of Node's class. */
  static inherit(native: RequestClass): void {
    NativeRequest = native
    inheritFrom(LightRequest, native, (request) => request.#asNative())
  }

  /** What Node's own functions can use in the place of `value`. */
  static native(value: unknown): unknown {
    return typeof value === 'object' && value !== null && #native in value ? value.#asNative() : value
  }

  get method(): string {
    return this.#method
  }

  get url(): string {
    return this.#url
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      if (this.#native !== undefined) return this.#native.headers
      this.#headers = this.#makeHeaders()
    }
    return this.#headers
  }

  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#native !== undefined) return this.#native.body
    if (!this.#hasBody) return null
    this.#stream ??= this.#consumed ? usedStream() : bodyStream(this.#exchange.input)
    return this.#stream
  }

  get bodyUsed(): boolean {
    if (this.#consumed) return true
    if (this.#native !== undefined) return this.#native.bodyUsed
    return this.#stream !== undefined && isDisturbed(this.#stream)
  }

  get duplex(): string {
    return 'half'
  }

  get ip(): string | undefined {
    return findParam(this.#exchange.params, 'REMOTE_ADDR') || undefined
  }

  waitUntil(promise: unknown): void {
    this.#context.waitUntil(promise)
  }

  text(): Promise<string> {
    return this.#isUntouched ? this.#read().then(textOf) : this.#asNative().text()
  }

  json(): Promise<unknown> {
    return this.#isUntouched ? this.#read().then(jsonOf) : this.#asNative().json()
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#isUntouched ? this.#read().then((bytes) => ownBytes(bytes).buffer) : this.#asNative().arrayBuffer()
  }

  bytes(): Promise<Uint8Array> {
    return this.#isUntouched ? this.#read().then(ownBytes) : this.#asNative().arrayBuffer().then(toBytes)
  }

  /** A Request to GET or HEAD has no body, whatever was sent; neither has one by a method that `fetch` cannot send. */
  get #hasBody(): boolean {
    return this.#method !== 'GET' && this.#method !== 'HEAD' && !UNSPOKEN.has(this.#method)
  }

  get #isUntouched(): boolean {
    return this.#native === undefined && this.#stream === undefined
  }

  #read(): Promise<Uint8Array> {
    if (!this.#hasBody) return Promise.resolve(NOTHING)
    if (this.#consumed) return Promise.reject(new TypeError('Body is unusable: Body has already been read'))
    this.#consumed = true
    return this.#exchange.input.read()
  }

  #makeHeaders(): Headers {
    const { params } = this.#exchange
    const { fields, fieldsAt, contentTypeAt, contentLengthAt } = this.#layout
    const headers = new Headers()
    for (let index = 0; index < fields.length; index++) append(headers, fields[index] ?? '', params[fieldsAt[index] ?? 0] ?? '')
    // Gateways say it with nothing in it where the client has sent none.
    const type = contentTypeAt === 0 ? '' : params[contentTypeAt]
    if (type) append(headers, 'content-type', type)
    const length = contentLengthAt === 0 ? '' : params[contentLengthAt]
    if (length) append(headers, 'content-length', length)
    return headers
  }

  /** The native Request of this one. Once it exists the body is its own; header fields are what `headers` says. */
  #asNative(): Request {
    this.#native ??= this.#makeNative()
    if (this.#headers !== undefined) copyHeaders(this.#headers, this.#native.headers)
    return this.#native
  }

  #makeNative(): Request {
    const method = this.#method
    const headers = this.#headers ?? this.#makeHeaders()
    const init = { headers, signal: this.#exchange.signal, duplex: 'half' } as const
    if (UNSPOKEN.has(method)) {
      const native = new NativeRequest(this.#url, init)
      Object.defineProperty(native, 'method', { value: method, enumerable: true, configurable: true })
      return native
    }
    if (!this.#hasBody) return new NativeRequest(this.#url, { ...init, method })
    if (!this.#consumed) {
      this.#stream ??= bodyStream(this.#exchange.input)
      return new NativeRequest(this.#url, { ...init, method, body: this.#stream })
    }
    const native = new NativeRequest(this.#url, { ...init, method, body: new ReadableStream({ start: (body) => body.close() }) })
    // From here on it is a Request whose body was read.
    void native.body?.cancel()
    return native
  }
}

function append(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value)
  } catch (error) {
    throw new TsgiError('TSGI_ERR_REQUEST_INVALID', `header field ${quote(`${name}: ${value}`)}`, { cause: error })
  }
}

/** Methods that `fetch` must not send, which is no reason not to be asked by them. */
const UNSPOKEN = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Methods that are written in capitals whatever was given (the fetch standard, "normalize a method"). */
const NORMALIZED = /^(?:delete|get|head|options|post|put)$/i

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function methodOf(sent: string): string {
  switch (sent) {
    case 'GET':
    case 'POST':
    case 'HEAD':
    case 'PUT':
    case 'DELETE':
    case 'OPTIONS':
    case 'PATCH':
      return sent
    case '':
      throw new TsgiError('TSGI_ERR_REQUEST_INVALID', 'REQUEST_METHOD is missing; the proxy sends no CGI variables')
    default:
      if (!TOKEN.test(sent)) throw new TsgiError('TSGI_ERR_REQUEST_INVALID', `method ${quote(sent)}`)
      return NORMALIZED.test(sent) ? sent.toUpperCase() : sent
  }
}

/**
 * The Request of an exchange; undefined where it is not under the mount point.
 *
 * Throws `TSGI_ERR_REQUEST_INVALID`.
 */
export function createFetchRequest(exchange: Exchange, context: FetchContext): LightRequest | undefined {
  const { params } = exchange
  const layout = layoutOf(params)
  layout.check(params)
  const method = methodOf(layout.method(params))
  const url = requestUrl(layout, params, exchange.context.mountPoint)
  return url === undefined ? undefined : new LightRequest(exchange, context, layout, method, url)
}

function jsonOf(bytes: Uint8Array): unknown {
  return JSON.parse(textOf(bytes))
}

function toBytes(buffer: ArrayBuffer): Uint8Array {
  return new Uint8Array(buffer)
}
