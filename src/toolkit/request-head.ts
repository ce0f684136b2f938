import { parseCookie } from 'cookie'
import type { Environ } from '../interface/application.ts'
import { Accept } from './accept.ts'
import { Authorization } from './authorization.ts'
import { CacheControl } from './cache-control.ts'
import { encodePath } from './encode-path.ts'
import { EnvironHeaders } from './environ-headers.ts'
import { ETags } from './etags.ts'
import { parseDate } from './http-date.ts'
import { isJson, parseMediaType } from './media-type.ts'
import { MultiDict } from './multi-dict.ts'
import { IfRange, Range } from './range.ts'
import { hostOf } from './request-host.ts'

/** All of a request but its body. What is parsed is parsed when it is asked for, and kept where that costs something. */
export class RequestHead {
  readonly environ: Environ
  readonly #trustedHosts: readonly string[] | undefined
  #headers: EnvironHeaders | undefined
  #args: MultiDict | undefined
  #cookies: MultiDict | undefined

  constructor(environ: Environ, trustedHosts?: readonly string[]) {
    this.environ = environ
    this.#trustedHosts = trustedHosts
    // Where somebody cares for hosts, no request with another one gets any further.
    if (trustedHosts !== undefined) hostOf(environ, trustedHosts)
  }

  get method(): string {
    return this.environ.REQUEST_METHOD
  }

  get scheme(): 'http' | 'https' {
    return this.environ['tsgi.url_scheme']
  }

  /** Whether the client has come by HTTPS, as far as the proxy says so. */
  get isSecure(): boolean {
    return this.scheme === 'https'
  }

  /** Below the mount point, decoded, with a slash at its beginning. */
  get path(): string {
    const { PATH_INFO } = this.environ
    return PATH_INFO.startsWith('/') ? PATH_INFO : `/${PATH_INFO}`
  }

  /** `path` and the query. */
  get fullPath(): string {
    return `${this.path}?${this.queryString}`
  }

  /** The mount point: empty, or `/…` with no slash at its end. */
  get scriptRoot(): string {
    return this.environ.SCRIPT_NAME
  }

  /** Raw, without the `?`. */
  get queryString(): string {
    return this.environ.QUERY_STRING
  }

  /** Name, and port where it is not the scheme's own. Throws SecurityError (400) for what is no host, or not trusted. */
  get host(): string {
    return hostOf(this.environ, this.#trustedHosts)
  }

  /** `https://example.org/` */
  get hostUrl(): string {
    return `${this.scheme}://${this.host}/`
  }

  /** `https://example.org/mount/` */
  get rootUrl(): string {
    return `${this.scheme}://${this.host}${encodePath(this.scriptRoot)}/`
  }

  /** `https://example.org/mount/path` */
  get baseUrl(): string {
    return `${this.scheme}://${this.host}${encodePath(this.scriptRoot)}${encodePath(this.path)}`
  }

  /** `https://example.org/mount/path?query` */
  get url(): string {
    return this.queryString === ''
      ? this.baseUrl
      : `${this.baseUrl}?${utf8(this.queryString).replace(/[^\x21-\x7e]+/g, encodeURIComponent)}`
  }

  get headers(): EnvironHeaders {
    this.#headers ??= new EnvironHeaders(this.environ)
    return this.#headers
  }

  /** The query's arguments. What is no UTF-8 becomes U+FFFD. */
  get args(): MultiDict {
    this.#args ??= new MultiDict(new URLSearchParams(utf8(this.queryString)))
    return this.#args
  }

  /** Percent-decoded; of a name that comes twice the first, which is the one of the longest path. */
  get cookies(): MultiDict {
    this.#cookies ??= new MultiDict(definedOf(parseCookie(utf8(this.#field('HTTP_COOKIE') ?? ''))))
    return this.#cookies
  }

  get contentType(): string | undefined {
    const value = this.environ.CONTENT_TYPE
    return value === '' ? undefined : value
  }

  /** `Content-Type` without its parameters, in small letters; empty where there is none. */
  get mimetype(): string {
    return parseMediaType(this.contentType).type
  }

  get mimetypeParams(): Readonly<Record<string, string | undefined>> {
    return parseMediaType(this.contentType).parameters
  }

  get isJson(): boolean {
    return isJson(this.mimetype)
  }

  /** Bytes; undefined where the client does not say it, or there is no body. */
  get contentLength(): number | undefined {
    const value = this.environ.CONTENT_LENGTH
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
  }

  /** Credentials as the client sent them: check them. */
  get authorization(): Authorization | undefined {
    return Authorization.parse(this.#field('HTTP_AUTHORIZATION'))
  }

  /** Media types that the client prefers. */
  get accept(): Accept {
    return new Accept('type', this.#field('HTTP_ACCEPT'))
  }

  get acceptLanguages(): Accept {
    return new Accept('language', this.#field('HTTP_ACCEPT_LANGUAGE'))
  }

  get acceptEncodings(): Accept {
    return new Accept('encoding', this.#field('HTTP_ACCEPT_ENCODING'))
  }

  get acceptCharsets(): Accept {
    return new Accept('charset', this.#field('HTTP_ACCEPT_CHARSET'))
  }

  get cacheControl(): CacheControl {
    return new CacheControl(this.#field('HTTP_CACHE_CONTROL'))
  }

  get ifMatch(): ETags {
    return ETags.parse(this.#field('HTTP_IF_MATCH'))
  }

  get ifNoneMatch(): ETags {
    return ETags.parse(this.#field('HTTP_IF_NONE_MATCH'))
  }

  get ifModifiedSince(): Date | undefined {
    return parseDate(this.#field('HTTP_IF_MODIFIED_SINCE'))
  }

  get ifUnmodifiedSince(): Date | undefined {
    return parseDate(this.#field('HTTP_IF_UNMODIFIED_SINCE'))
  }

  get ifRange(): IfRange {
    return IfRange.parse(this.#field('HTTP_IF_RANGE'))
  }

  get range(): Range | undefined {
    return Range.parse(this.#field('HTTP_RANGE'))
  }

  get date(): Date | undefined {
    return parseDate(this.#field('HTTP_DATE'))
  }

  get userAgent(): string | undefined {
    return this.#field('HTTP_USER_AGENT')
  }

  get referrer(): string | undefined {
    return this.#field('HTTP_REFERER')
  }

  get origin(): string | undefined {
    return this.#field('HTTP_ORIGIN')
  }

  /** Who has connected: the client, or the last proxy that nobody has looked behind. */
  get remoteAddr(): string | undefined {
    return this.environ.REMOTE_ADDR
  }

  /** Who the proxy says has signed in. */
  get remoteUser(): string | undefined {
    const user = this.environ.REMOTE_USER
    return typeof user === 'string' ? user : undefined
  }

  /**
   * The addresses of `X-Forwarded-For`, the client first, or the one that has connected. A client may write what it likes into
   * the field: to believe it is what `proxyFix` of `tsgi/middleware` is for.
   */
  get accessRoute(): readonly string[] {
    const forwarded = this.#field('HTTP_X_FORWARDED_FOR')
    if (forwarded !== undefined)
      return forwarded
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '')
    return this.remoteAddr === undefined ? [] : [this.remoteAddr]
  }

  /** Aborted when the client leaves or the request times out. */
  get signal(): AbortSignal {
    return this.environ['tsgi.signal']
  }

  /** What names this request in every log line. */
  get requestId(): string {
    return this.environ['tsgi.request_id']
  }

  #field(variable: string): string | undefined {
    const value = this.environ[variable]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
}

function* definedOf(cookies: Readonly<Record<string, string | undefined>>): Generator<[string, string]> {
  for (const [name, value] of Object.entries(cookies)) if (value !== undefined) yield [name, value]
}

/** Header text has one character a byte; what clients mean by bytes beyond ASCII is UTF-8. */
function utf8(text: string): string {
  return /[\x80-\xff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text
}
