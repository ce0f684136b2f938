import type { Environ, ErrorStream } from '../../interface/application.ts'
import { quote, TsgiError } from '../../interface/errors.ts'
import { inProcessEnviron } from '../../gateway/in-process.ts'
import { decodePath, splitTarget } from '../../gateway/request-target.ts'
import { encodePath } from '../encode-path.ts'
import { guessScheme } from '../environ-urls.ts'
import { Headers } from '../headers.ts'
import type { HeadersInit } from '../headers.ts'
import { MultiDict } from '../multi-dict.ts'
import { Request } from '../request.ts'
import { hasFiles, multipart, partsOf, urlencoded } from './form-data.ts'
import type { FormInput } from './form-data.ts'

export type QueryInput = string | URLSearchParams | MultiDict | Readonly<Record<string, unknown>>
export type DataInput = string | Uint8Array | Blob | URLSearchParams | AsyncIterable<Uint8Array> | FormInput

export interface EnvironOptions {
  /** As in a URL: what is not allowed there is percent-encoded, what is encoded stays. May have a query, or be a whole URL. `/` when left out. */
  readonly path?: string
  /** Scheme, host and mount point. `http://localhost/` when left out. */
  readonly baseUrl?: string
  readonly queryString?: QueryInput
  /** GET when left out, POST where there is a body. */
  readonly method?: string
  readonly headers?: HeadersInit
  readonly contentType?: string
  /** A body as it is, or the fields of a form; with a file among them it is a multipart form. */
  readonly data?: DataInput
  /** Files of a multipart form, beside the fields in `data`. */
  readonly files?: FormInput
  /** A body of JSON. */
  readonly json?: unknown
  /** Name and password (RFC 7617). */
  readonly auth?: readonly [user: string, password: string]
  /** Variables that are there unless the request says otherwise. */
  readonly environBase?: Readonly<Record<string, unknown>>
  /** Variables that are there whatever the request says. */
  readonly environOverrides?: Readonly<Record<string, unknown>>
  /** Where `tsgi.errors` goes; standard error when left out. */
  readonly errors?: ErrorStream
  /** Aborted: the client leaves. */
  readonly signal?: AbortSignal
  readonly serverProtocol?: string
  readonly multiprocess?: boolean
  readonly runOnce?: boolean
}

/**
 * Makes environs for tests, by the same code that the server makes them with:
 * `new EnvironBuilder({ path: '/upload', data: { file: new File(['text'], 'a.txt') } }).getEnviron()`.
 */
export class EnvironBuilder {
  readonly options: EnvironOptions
  readonly method: string
  readonly scheme: string
  /** With its port where that is not the scheme's own. */
  readonly host: string
  /** The mount point, percent-encoded. */
  readonly scriptRoot: string
  /** Below the mount point, percent-encoded. */
  readonly path: string
  /** Raw. */
  readonly queryString: string
  readonly headers: Headers

  /** Throws `TSGI_ERR_OPTION` for options that do not go together. */
  constructor(options: EnvironOptions = {}) {
    this.options = options
    const { path = '/', queryString } = options
    const whole = /^https?:\/\//i.test(path)
    const base = new URL(whole ? new URL(path).origin : (options.baseUrl ?? 'http://localhost/'))
    if (base.protocol !== 'http:' && base.protocol !== 'https:')
      throw problem(`baseUrl ${quote(options.baseUrl)} is neither http nor https`)
    if (base.search !== '' || base.hash !== '') throw problem(`baseUrl ${quote(options.baseUrl)} has a query`)
    const target = splitTarget(encodeTarget(whole ? path.replace(/^https?:\/\/[^/?#]*/i, '') : path))
    this.method = (options.method ?? (hasBody(options) ? 'POST' : 'GET')).toUpperCase()
    this.scheme = base.protocol.slice(0, -1)
    this.host = base.host
    this.scriptRoot = base.pathname.replace(/\/+$/, '')
    this.path = target.path === '' || target.path.startsWith('/') ? target.path : `/${target.path}`
    if (queryString !== undefined && target.query !== '') throw problem('the query is given in the path and as queryString')
    this.queryString = queryString === undefined ? target.query : queryOf(queryString)
    this.headers = new Headers(options.headers)
    if (options.auth !== undefined)
      this.headers.set('Authorization', `Basic ${Buffer.from(options.auth.join(':')).toString('base64')}`)
  }

  /** A new environ, with a body of its own. */
  getEnviron(): Environ {
    const {
      environBase = {},
      environOverrides = {},
      errors = STDERR,
      signal,
      multiprocess = false,
      runOnce = false,
    } = this.options
    const { contentType, length, body } = bodyOf(this.options)
    const fields = new Headers(this.headers.toList())
    if (contentType !== undefined && !fields.has('content-type')) fields.set('Content-Type', contentType)
    if (length !== undefined && !fields.has('content-length')) fields.set('Content-Length', length)
    const params = [...this.#line(), ...fieldParams(fields)]
    if (!fields.has('host')) params.push('HTTP_HOST', this.host)
    const mountPoint = decodePath(this.scriptRoot)
    const environ = inProcessEnviron({ params, mountPoint, body, errors, multiprocess, runOnce, signal })
    const given = new Set(params.filter((_name, index) => index % 2 === 0))
    for (const [name, value] of Object.entries(environBase)) if (!given.has(name)) environ[name] = value
    environ.REMOTE_ADDR ??= '127.0.0.1'
    environ.REMOTE_PORT ??= '54321'
    return Object.assign(environ, environOverrides)
  }

  getRequest(): Request {
    return new Request(this.getEnviron())
  }

  #line(): string[] {
    const { hostname, port } = new URL(`${this.scheme}://${this.host}/`)
    const target = this.scriptRoot + this.path
    const uri = `${target === '' ? '/' : target}${this.queryString === '' ? '' : `?${this.queryString}`}`
    return [
      ...['REQUEST_METHOD', this.method, 'REQUEST_URI', uri, 'QUERY_STRING', this.queryString, 'REQUEST_SCHEME', this.scheme],
      ...['SERVER_NAME', hostname, 'SERVER_PORT', port === '' ? (this.scheme === 'https' ? '443' : '80') : port],
      ...['SERVER_PROTOCOL', this.options.serverProtocol ?? 'HTTP/1.1', ...(this.scheme === 'https' ? ['HTTPS', 'on'] : [])],
    ]
  }
}

/** `new EnvironBuilder(options).getEnviron()`; a path does for options. */
export function createEnviron(options: EnvironOptions | string = {}): Environ {
  return new EnvironBuilder(typeof options === 'string' ? { path: options } : options).getEnviron()
}

/** Sets what an environ must have, as far as it is missing: wsgiref's function for tests of applications that need no more. */
export function setupTestingDefaults(environ: Record<string, unknown>): Environ {
  const https = guessScheme(environ) === 'https'
  const defaults = createEnviron({ baseUrl: `http${https ? 's' : ''}://127.0.0.1/`, serverProtocol: 'HTTP/1.0' })
  const { SCRIPT_NAME = '', PATH_INFO = '/', QUERY_STRING = '' } = environ
  const target = encodePath(`${String(SCRIPT_NAME)}${String(PATH_INFO)}`)
  defaults.REQUEST_URI = QUERY_STRING === '' ? target : `${target}?${String(QUERY_STRING)}`
  for (const name of Object.keys(defaults)) if (!(name in environ)) environ[name] = defaults[name]
  // All that makes an environ is there now.
  return environ as Environ
}

const STDERR: ErrorStream = {
  write(text) {
    process.stderr.write(text)
  },
  flush() {},
}

function problem(text: string): TsgiError {
  return new TsgiError('TSGI_ERR_OPTION', `EnvironBuilder: ${text}`)
}

function hasBody({ data, files, json }: EnvironOptions): boolean {
  return data !== undefined || files !== undefined || json !== undefined
}

/** What may not stand in a request target (RFC 3986, section 3.3) is percent-encoded; `%` is taken for what it is. */
function encodeTarget(path: string): string {
  return path.replace(/[^\x21-\x7e]+|["<>\\^`{|}]+/g, (part) => encodeURIComponent(Buffer.from(part).toString()))
}

function queryOf(query: QueryInput): string {
  if (typeof query === 'string') return encodeTarget(query.replace(/^\?/, '')).replaceAll('#', '%23')
  if (query instanceof URLSearchParams) return query.toString()
  const result = new URLSearchParams()
  for (const [name, value] of query instanceof MultiDict ? query : Object.entries(query)) {
    for (const each of Array.isArray(value) ? (value as unknown[]) : [value])
      if (each !== undefined && each !== null) result.append(name, String(each))
  }
  return result.toString()
}

/** The variables of fields, in their order; one that comes twice comes twice, as from a proxy. */
function fieldParams(fields: Headers): string[] {
  return fields.toList().flatMap(([name, value]) => {
    const variable = name.toUpperCase().replaceAll('-', '_')
    return [variable === 'CONTENT_TYPE' || variable === 'CONTENT_LENGTH' ? variable : `HTTP_${variable}`, value]
  })
}

interface EncodedBody {
  readonly contentType: string | undefined
  /** Undefined: there is none, or it is not known before its end. */
  readonly length: number | undefined
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined
}

function bodyOf(options: EnvironOptions): EncodedBody {
  const encoded = encodeBody(options)
  return options.contentType === undefined || encoded.contentType?.startsWith('multipart/') === true
    ? encoded
    : { ...encoded, contentType: options.contentType }
}

function encodeBody({ data, files, json, contentType }: EnvironOptions): EncodedBody {
  if (json !== undefined) {
    if (data !== undefined || files !== undefined) throw problem('json and data are two bodies')
    return wholeBody(JSON.stringify(json), 'application/json')
  }
  if (data === undefined && files === undefined) return { contentType: undefined, length: undefined, body: undefined }
  const raw = data === undefined ? undefined : rawBody(data)
  if (raw !== undefined) {
    if (files !== undefined) throw problem('files go with the fields of a form, not with a body as it is')
    return raw
  }
  // What is no body as it is are fields.
  const parts = [...partsOf((data ?? {}) as FormInput), ...partsOf(files ?? {})]
  if (files !== undefined || hasFiles(parts) || contentType?.startsWith('multipart/form-data') === true) return multipart(parts)
  return wholeBody(urlencoded(parts), 'application/x-www-form-urlencoded')
}

function rawBody(data: DataInput): EncodedBody | undefined {
  if (typeof data === 'string') return wholeBody(data, 'text/plain; charset=utf-8')
  if (data instanceof Uint8Array) return wholeBody(data, 'application/octet-stream')
  if (data instanceof URLSearchParams) return wholeBody(data.toString(), 'application/x-www-form-urlencoded')
  if (data instanceof Blob)
    return { contentType: data.type || 'application/octet-stream', length: data.size, body: blobBody(data) }
  if (Symbol.asyncIterator in data)
    return { contentType: 'application/octet-stream', length: undefined, body: data as AsyncIterable<Uint8Array> }
  return undefined
}

async function* blobBody(blob: Blob): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(await blob.arrayBuffer())
}

function wholeBody(content: string | Uint8Array, contentType: string): EncodedBody {
  const body = typeof content === 'string' ? Buffer.from(content) : content
  return { contentType, length: body.length, body }
}
