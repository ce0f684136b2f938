import { WWWAuthenticate } from './authorization.ts'
import { CacheControl } from './cache-control.ts'
import { CallableApplication } from './callable-application.ts'
import { ContentSecurityPolicy } from './content-security-policy.ts'
import { quoteEtag, unquoteEtag } from './etags.ts'
import { Headers } from './headers.ts'
import type { HeadersInit } from './headers.ts'
import { httpDate, parseDate } from './http-date.ts'
import { ContentRange } from './range.ts'
import { mediaTypeOf, withCharset } from './media-type.ts'
import { setCookieField } from './set-cookie.ts'
import type { CookieOptions } from './set-cookie.ts'
import { statusLine } from './status-reasons.ts'

export interface ResponseOptions {
  /** 200 when left out; a number, or `"404 Not Found"`. */
  readonly status?: number | string
  readonly headers?: HeadersInit
  /** The media type; text gets `; charset=utf-8`. `text/plain` when left out. */
  readonly mimetype?: string
  /** `Content-Type` as it is to stand there; null: none. */
  readonly contentType?: string | null
}

/** Who may embed or open a document, by `Cross-Origin-Opener-Policy`. */
export type OpenerPolicy = 'unsafe-none' | 'same-origin-allow-popups' | 'same-origin' | 'noopener-allow-popups'
export type EmbedderPolicy = 'unsafe-none' | 'require-corp' | 'credentialless'
export type ResourcePolicy = 'same-site' | 'same-origin' | 'cross-origin'

const DEFAULT_CONTENT_TYPE = 'text/plain; charset=utf-8'

/** Status and header fields of a response, the usual ones as typed properties: undefined where a field is not there, and to remove it. */
export abstract class ResponseHead extends CallableApplication {
  readonly headers: Headers
  #status: string

  constructor(options: ResponseOptions) {
    super()
    this.#status = statusLine(options.status ?? 200)
    this.headers = new Headers(options.headers)
    if (options.contentType !== undefined) {
      if (options.contentType !== null) this.headers.set('Content-Type', options.contentType)
    } else if (options.mimetype !== undefined) {
      this.mimetype = options.mimetype
    } else if (!this.headers.has('content-type')) {
      this.headers.add('Content-Type', DEFAULT_CONTENT_TYPE)
    }
  }

  /** `"200 OK"`. A number may be set, too. Throws `TSGI_ERR_STATUS_INVALID`. */
  get status(): string {
    return this.#status
  }
  set status(status: string | number) {
    this.#status = statusLine(status)
  }

  get statusCode(): number {
    return Number(this.#status.slice(0, 3))
  }
  set statusCode(status: number) {
    this.#status = statusLine(status)
  }

  get contentType(): string | undefined {
    return this.headers.get('content-type')
  }
  set contentType(value: string | undefined) {
    this.#set('Content-Type', value)
  }

  /** `Content-Type` without its parameters, in small letters. One that is set gets `; charset=utf-8` where it is text. */
  get mimetype(): string | undefined {
    return mediaTypeOf(this.contentType)
  }
  set mimetype(value: string | undefined) {
    this.#set('Content-Type', value === undefined ? undefined : withCharset(value))
  }

  /** Bytes. */
  get contentLength(): number | undefined {
    return this.#number('content-length')
  }
  set contentLength(bytes: number | undefined) {
    this.#set('Content-Length', bytes)
  }

  get contentEncoding(): string | undefined {
    return this.headers.get('content-encoding')
  }
  set contentEncoding(value: string | undefined) {
    this.#set('Content-Encoding', value)
  }

  get contentLanguage(): readonly string[] {
    return this.#list('content-language')
  }
  set contentLanguage(languages: readonly string[]) {
    this.#setList('Content-Language', languages)
  }

  get contentRange(): ContentRange | undefined {
    return ContentRange.parse(this.headers.get('content-range'))
  }
  set contentRange(range: ContentRange | undefined) {
    this.#set('Content-Range', range?.toString())
  }

  get acceptRanges(): string | undefined {
    return this.headers.get('accept-ranges')
  }
  set acceptRanges(units: string | undefined) {
    this.#set('Accept-Ranges', units)
  }

  get location(): string | undefined {
    return this.headers.get('location')
  }
  set location(url: string | undefined) {
    this.#set('Location', url)
  }

  get vary(): readonly string[] {
    return this.#list('vary')
  }
  set vary(names: readonly string[]) {
    this.#setList('Vary', names)
  }

  get allow(): readonly string[] {
    return this.#list('allow')
  }
  set allow(methods: readonly string[]) {
    this.#setList('Allow', methods)
  }

  get date(): Date | undefined {
    return parseDate(this.headers.get('date'))
  }
  set date(date: Date | undefined) {
    this.#setDate('Date', date)
  }

  get expires(): Date | undefined {
    return parseDate(this.headers.get('expires'))
  }
  set expires(date: Date | undefined) {
    this.#setDate('Expires', date)
  }

  get lastModified(): Date | undefined {
    return parseDate(this.headers.get('last-modified'))
  }
  set lastModified(date: Date | undefined) {
    this.#setDate('Last-Modified', date)
  }

  /** Seconds, or a date. */
  get retryAfter(): number | Date | undefined {
    return this.#number('retry-after') ?? parseDate(this.headers.get('retry-after'))
  }
  set retryAfter(value: number | Date | undefined) {
    this.#set('Retry-After', value instanceof Date ? httpDate(value) : value)
  }

  /** Seconds. */
  get age(): number | undefined {
    return this.#number('age')
  }
  set age(seconds: number | undefined) {
    this.#set('Age', seconds)
  }

  /** The tag of the content. Throws `TSGI_ERR_HEADER_INVALID` for one with quotes or spaces. */
  setEtag(tag: string, weak = false): this {
    this.headers.set('ETag', quoteEtag(tag, weak))
    return this
  }

  getEtag(): { readonly tag: string; readonly weak: boolean } | undefined {
    return unquoteEtag(this.headers.get('etag'))
  }

  /** A change of what this gives changes the field: `response.cacheControl.maxAge = 3600`. */
  get cacheControl(): CacheControl {
    return new CacheControl(this.headers.getAll('cache-control').join(', '), (value) => this.#setText('Cache-Control', value))
  }
  set cacheControl(value: CacheControl | undefined) {
    this.#setText('Cache-Control', value?.toString())
  }

  /** The first challenge is the one that browsers ask for. */
  set wwwAuthenticate(challenges: WWWAuthenticate | readonly WWWAuthenticate[]) {
    this.headers.delete('www-authenticate')
    for (const challenge of challenges instanceof WWWAuthenticate ? [challenges] : challenges) {
      this.headers.add('WWW-Authenticate', challenge.toString())
    }
  }

  /** A change of what this gives changes the field: `response.contentSecurityPolicy.set('default-src', "'self'")`. */
  get contentSecurityPolicy(): ContentSecurityPolicy {
    return this.#policy('Content-Security-Policy')
  }
  set contentSecurityPolicy(policy: ContentSecurityPolicy | undefined) {
    this.#setText('Content-Security-Policy', policy?.toString())
  }

  get contentSecurityPolicyReportOnly(): ContentSecurityPolicy {
    return this.#policy('Content-Security-Policy-Report-Only')
  }
  set contentSecurityPolicyReportOnly(policy: ContentSecurityPolicy | undefined) {
    this.#setText('Content-Security-Policy-Report-Only', policy?.toString())
  }

  get crossOriginOpenerPolicy(): OpenerPolicy | undefined {
    return this.headers.get('cross-origin-opener-policy') as OpenerPolicy | undefined // as it was set
  }
  set crossOriginOpenerPolicy(policy: OpenerPolicy | undefined) {
    this.#set('Cross-Origin-Opener-Policy', policy)
  }

  get crossOriginEmbedderPolicy(): EmbedderPolicy | undefined {
    return this.headers.get('cross-origin-embedder-policy') as EmbedderPolicy | undefined // as it was set
  }
  set crossOriginEmbedderPolicy(policy: EmbedderPolicy | undefined) {
    this.#set('Cross-Origin-Embedder-Policy', policy)
  }

  get crossOriginResourcePolicy(): ResourcePolicy | undefined {
    return this.headers.get('cross-origin-resource-policy') as ResourcePolicy | undefined // as it was set
  }
  set crossOriginResourcePolicy(policy: ResourcePolicy | undefined) {
    this.#set('Cross-Origin-Resource-Policy', policy)
  }

  /** One origin, or `*`. An origin makes the answer differ by it: `Vary` says so. */
  get accessControlAllowOrigin(): string | undefined {
    return this.headers.get('access-control-allow-origin')
  }
  set accessControlAllowOrigin(origin: string | undefined) {
    this.#set('Access-Control-Allow-Origin', origin)
    if (origin !== undefined && origin !== '*') this.headers.addToken('Vary', 'Origin')
  }

  get accessControlAllowCredentials(): boolean {
    return this.headers.get('access-control-allow-credentials') === 'true'
  }
  set accessControlAllowCredentials(allowed: boolean) {
    this.#set('Access-Control-Allow-Credentials', allowed ? 'true' : undefined)
  }

  get accessControlAllowMethods(): readonly string[] {
    return this.#list('access-control-allow-methods')
  }
  set accessControlAllowMethods(methods: readonly string[]) {
    this.#setList('Access-Control-Allow-Methods', methods)
  }

  get accessControlAllowHeaders(): readonly string[] {
    return this.#list('access-control-allow-headers')
  }
  set accessControlAllowHeaders(names: readonly string[]) {
    this.#setList('Access-Control-Allow-Headers', names)
  }

  get accessControlExposeHeaders(): readonly string[] {
    return this.#list('access-control-expose-headers')
  }
  set accessControlExposeHeaders(names: readonly string[]) {
    this.#setList('Access-Control-Expose-Headers', names)
  }

  /** Seconds. */
  get accessControlMaxAge(): number | undefined {
    return this.#number('access-control-max-age')
  }
  set accessControlMaxAge(seconds: number | undefined) {
    this.#set('Access-Control-Max-Age', seconds)
  }

  /** Adds a `Set-Cookie`. Throws `TSGI_ERR_HEADER_INVALID`, see `CookieOptions`. */
  setCookie(name: string, value: string, options: CookieOptions = {}): this {
    this.headers.add('Set-Cookie', setCookieField(name, value, options))
    return this
  }

  /** Has the client forget a cookie. Path, domain and whether it is partitioned must be those that it was set with. */
  deleteCookie(name: string, options: CookieOptions = {}): this {
    return this.setCookie(name, '', { ...options, maxAge: 0, expires: new Date(0) })
  }

  #set(name: string, value: string | number | undefined): void {
    if (value === undefined) this.headers.delete(name)
    else this.headers.set(name, value)
  }

  /** An empty text is no field. */
  #setText(name: string, value: string | undefined): void {
    this.#set(name, value === '' ? undefined : value)
  }

  #list(name: string): string[] {
    const elements = this.headers.getAll(name).flatMap((value) => value.split(','))
    return elements.map((each) => each.trim()).filter((each) => each !== '')
  }

  #setList(name: string, values: readonly string[]): void {
    this.#set(name, values.length === 0 ? undefined : values.join(', '))
  }

  #setDate(name: string, date: Date | undefined): void {
    this.#set(name, date === undefined ? undefined : httpDate(date))
  }

  #number(name: string): number | undefined {
    const value = this.headers.get(name)
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
  }

  #policy(name: string): ContentSecurityPolicy {
    return new ContentSecurityPolicy(this.headers.get(name) ?? '', (value) => this.#setText(name, value))
  }
}
