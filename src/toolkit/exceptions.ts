import type { WWWAuthenticate } from './authorization.ts'
import { HTTPException } from './http-exception.ts'
import type { HTTPExceptionOptions } from './http-exception.ts'
import { httpDate } from './http-date.ts'
import { BadRequest } from './plain-exceptions.ts'
import { ContentRange } from './range.ts'

/** The exceptions that carry something, which becomes a field of their response. */

/** 400: the `Host` field is none, or not among those that are trusted. */
export class SecurityError extends BadRequest {}

/** 400: a field of a form, an argument or a file that is needed was not sent. */
export class BadRequestKeyError extends BadRequest {
  readonly key: string

  constructor(key: string, options?: HTTPExceptionOptions) {
    super(`The request lacks ${JSON.stringify(key.slice(0, 80))}.`, options)
    this.key = key
  }
}

/** 401, with the challenges by which the client learns how to prove who it is (RFC 9110, section 11.6.1). */
export class Unauthorized extends HTTPException {
  readonly wwwAuthenticate: readonly WWWAuthenticate[]

  constructor(
    description = 'The server could not verify that you may see this. Your name or password may be wrong.',
    options: HTTPExceptionOptions & { readonly wwwAuthenticate?: WWWAuthenticate | readonly WWWAuthenticate[] } = {},
  ) {
    super(401, description, options)
    const { wwwAuthenticate = [] } = options
    // `Array.isArray` tells nothing of a readonly list.
    this.wwwAuthenticate = Array.isArray(wwwAuthenticate) ? wwwAuthenticate : [wwwAuthenticate as WWWAuthenticate]
  }

  override getHeaders(): readonly (readonly [string, string])[] {
    return this.wwwAuthenticate.map((challenge) => ['WWW-Authenticate', challenge.toString()])
  }
}

/** 405, with the methods that are allowed (RFC 9110, section 15.5.6). */
export class MethodNotAllowed extends HTTPException {
  readonly validMethods: readonly string[]

  constructor(
    validMethods: readonly string[] = [],
    description = 'This address does not take requests of this method.',
    options?: HTTPExceptionOptions,
  ) {
    super(405, description, options)
    this.validMethods = validMethods
  }

  override getHeaders(): readonly (readonly [string, string])[] {
    return this.validMethods.length === 0 ? [] : [['Allow', this.validMethods.join(', ')]]
  }
}

/** 416, with the length of what a range was asked of (RFC 9110, section 15.5.17). */
export class RequestedRangeNotSatisfiable extends HTTPException {
  readonly length: number | undefined

  constructor(length?: number, description = 'The range lies outside of what there is.', options?: HTTPExceptionOptions) {
    super(416, description, options)
    this.length = length
  }

  override getHeaders(): readonly (readonly [string, string])[] {
    if (this.length === undefined) return []
    return [['Content-Range', new ContentRange('bytes', undefined, undefined, this.length).toString()]]
  }
}

/** What says when to come back: seconds, or a date. */
export interface RetryAfterOptions extends HTTPExceptionOptions {
  readonly retryAfter?: number | Date
}

/** Its response says when the client may come back (RFC 9110, section 10.2.3). */
class RetryLater extends HTTPException {
  readonly retryAfter: number | Date | undefined

  constructor(status: number, description: string, options: RetryAfterOptions) {
    super(status, description, options)
    this.retryAfter = options.retryAfter
  }

  override getHeaders(): readonly (readonly [string, string])[] {
    if (this.retryAfter === undefined) return []
    return [['Retry-After', this.retryAfter instanceof Date ? httpDate(this.retryAfter) : String(this.retryAfter)]]
  }
}

/** 429. */
export class TooManyRequests extends RetryLater {
  constructor(description = 'You have sent too many requests in too short a time.', options: RetryAfterOptions = {}) {
    super(429, description, options)
  }
}

/** 503. */
export class ServiceUnavailable extends RetryLater {
  constructor(description = 'The server cannot answer just now. Try again in a while.', options: RetryAfterOptions = {}) {
    super(503, description, options)
  }
}

/** 500; `cause` is the error behind it, which the client does not see. */
export class InternalServerError extends HTTPException {
  constructor(description = 'Something has gone wrong in the server. It was not you.', options?: HTTPExceptionOptions) {
    super(500, description, options)
  }
}
