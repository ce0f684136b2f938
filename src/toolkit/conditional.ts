import type { Environ, ResponseBody } from '../interface/application.ts'
import { ETags } from './etags.ts'
import { parseDate } from './http-date.ts'
import { ContentRange, IfRange, Range } from './range.ts'
import { closeBody, isSeekable, needsClose, sliceChunks, wholeOf } from './response-body.ts'
import type { ResponseHead } from './response-head.ts'

/** A `Request`, or whatever else knows its environ. */
export interface EnvironHolder {
  readonly environ: Environ
}

/** What is known of a thing that a request has conditions about. */
export interface Validators {
  /** Its tag, without quotes. */
  readonly etag?: string | undefined
  readonly weak?: boolean | undefined
  readonly lastModified?: Date | undefined
  /** False: there is none yet. True when left out. */
  readonly exists?: boolean
}

export interface ConditionalOptions {
  /** Whether ranges are answered. `true` when left out, for a body whose length is known. */
  readonly acceptRanges?: boolean
  /** Bytes of the whole body, where it is a stream whose length is known otherwise. */
  readonly completeLength?: number
}

/**
 * The conditions of a request, in the order of RFC 9110, section 13.2.2: 412 where one does not hold, 304 where the client has
 * what it asks for, undefined where the request is to be done. Ask before a PUT, PATCH or DELETE is done.
 */
export function checkPreconditions(request: Environ | EnvironHolder, validators: Validators): 304 | 412 | undefined {
  const environ = environOf(request)
  const { etag, weak = false, lastModified, exists = true } = validators
  const ifMatch = fieldOf(environ, 'HTTP_IF_MATCH')
  const ifNoneMatch = fieldOf(environ, 'HTTP_IF_NONE_MATCH')
  const modified = lastModified === undefined ? undefined : Math.floor(lastModified.getTime() / 1000) * 1000
  const reads = environ.REQUEST_METHOD === 'GET' || environ.REQUEST_METHOD === 'HEAD'
  if (ifMatch !== undefined) {
    const tags = ETags.parse(ifMatch)
    // Strong comparison: a weak tag is nothing that could be overwritten safely.
    if (!(tags.star ? exists : exists && etag !== undefined && !weak && tags.contains(etag))) return 412
  } else if (modified !== undefined) {
    const since = parseDate(fieldOf(environ, 'HTTP_IF_UNMODIFIED_SINCE'))
    if (since !== undefined && modified > since.getTime()) return 412
  }
  if (ifNoneMatch !== undefined) {
    const tags = ETags.parse(ifNoneMatch)
    const matches = tags.star ? exists : exists && etag !== undefined && tags.containsWeak(etag)
    return matches ? (reads ? 304 : 412) : undefined
  }
  if (reads && modified !== undefined) {
    const since = parseDate(fieldOf(environ, 'HTTP_IF_MODIFIED_SINCE'))
    if (since !== undefined && modified <= since.getTime()) return 304
  }
  return undefined
}

/** Whether a GET is to be answered with the whole thing: the client does not have it yet. */
export function isResourceModified(request: Environ | EnvironHolder, validators: Validators): boolean {
  return checkPreconditions(request, validators) !== 304
}

/** Fields about a content that is not sent (RFC 9110, section 15.4.5). Its type goes with 304 by itself. */
const CONTENT_FIELDS = ['content-encoding', 'content-language', 'content-length', 'content-range', 'last-modified']

function removeContentFields(head: ResponseHead): void {
  for (const name of CONTENT_FIELDS) head.headers.delete(name)
}

/** Changes status and fields as the request's conditions want it. Gives the body to send: what is left of it is closed by it. */
export function applyConditions(
  head: ResponseHead,
  body: ResponseBody,
  request: Environ | EnvironHolder,
  { acceptRanges = true, completeLength }: ConditionalOptions,
): ResponseBody {
  const environ = environOf(request)
  if (head.statusCode !== 200 || (environ.REQUEST_METHOD !== 'GET' && environ.REQUEST_METHOD !== 'HEAD')) return body
  const etag = head.getEtag()
  const { lastModified } = head
  const status = checkPreconditions(environ, { etag: etag?.tag, weak: etag?.weak, lastModified })
  if (status !== undefined) {
    head.statusCode = status
    const kept = status === 304 && etag === undefined ? head.headers.get('last-modified') : undefined
    removeContentFields(head)
    // A cache that has no tag to go by needs the date.
    if (kept !== undefined) head.headers.set('Last-Modified', kept)
    return nothingOf(body)
  }
  const length = completeLength ?? knownLength(body)
  if (!acceptRanges || length === undefined || head.headers.has('content-encoding')) return body
  head.headers.set('Accept-Ranges', 'bytes')
  return environ.REQUEST_METHOD === 'GET' ? applyRange(head, body, environ, length) : body
}

/**
 * One range is answered with 206, one that cannot be satisfied with 416. Several in one request are answered with the whole, as
 * section 14.2 allows: what they would save, more requests save too, and they are what attacks are made of (section 17.15).
 */
function applyRange(head: ResponseHead, body: ResponseBody, environ: Environ, length: number): ResponseBody {
  const range = Range.parse(fieldOf(environ, 'HTTP_RANGE'))
  if (range === undefined || range.units !== 'bytes' || range.ranges.length !== 1) return body
  if (!rangeStillHolds(head, fieldOf(environ, 'HTTP_IF_RANGE'))) return body
  const satisfied = range.rangeForLength(length)
  if (satisfied === undefined) {
    head.statusCode = 416
    removeContentFields(head)
    head.contentRange = new ContentRange('bytes', undefined, undefined, length)
    return nothingOf(body)
  }
  const [start, end] = satisfied
  head.statusCode = 206
  head.contentRange = new ContentRange('bytes', start, end, length)
  head.contentLength = end - start
  if (isSeekable(body)) return body.slice(start, end)
  const whole = wholeOf(body)
  if (whole !== undefined) return whole.subarray(start, end)
  // What is no whole has chunks.
  const chunks = sliceChunks(body as Exclude<ResponseBody, string | Uint8Array | null>, start, end - start)
  return { [Symbol.asyncIterator]: () => chunks, close: () => closeBody(body) }
}

/** `If-Range` (section 13.1.5): the range is of what the client has the rest of. */
function rangeStillHolds(head: ResponseHead, value: string | undefined): boolean {
  if (value === undefined) return true
  const { etag, date } = IfRange.parse(value)
  const current = head.getEtag()
  if (etag !== undefined) return current !== undefined && !current.weak && current.tag === etag
  return date !== undefined && head.lastModified?.getTime() === date.getTime()
}

function knownLength(body: ResponseBody): number | undefined {
  return isSeekable(body) ? body.size : wholeOf(body)?.length
}

/** No bytes; closing it closes the other. */
function nothingOf(body: ResponseBody): ResponseBody {
  if (!needsClose(body)) return null
  const nothing: Uint8Array[] = []
  return Object.assign(nothing, { close: () => closeBody(body) })
}

/** The environ that is meant, by itself or by what holds it. */
export function environOf(request: Environ | EnvironHolder): Environ {
  // An environ has no member of this name: its variables are in capitals.
  return 'environ' in request && typeof request.environ === 'object' ? (request as EnvironHolder).environ : (request as Environ)
}

function fieldOf(environ: Environ, name: `HTTP_${string}`): string | undefined {
  const value = environ[name]
  return typeof value === 'string' ? value : undefined
}
