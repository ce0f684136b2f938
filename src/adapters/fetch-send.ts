import { STATUS_CODES } from 'node:http'
import type { Chunk, HeaderPair } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import type { Exchange } from '../gateway/exchange.ts'
import { LightResponse, wholeBodyOf } from './fetch-response.ts'
import { hasField } from './fetch-response-headers.ts'
import type { ResponseContent } from './fetch-response.ts'

/**
 * Sends what `fetch` returned. The promise is there for a body that takes time, and never rejects.
 *
 * Throws `TSGI_ERR_BODY_INVALID` for what is no Response, `TSGI_ERR_STATUS_INVALID`, `TSGI_ERR_HEADER_INVALID`.
 */
export function sendResponse(exchange: Exchange, response: unknown, method: string): Promise<void> | undefined {
  const content = contentOf(response)
  const { body } = content
  if (exchange.ended) {
    // Nobody waits for it any more.
    if (body instanceof ReadableStream) body.cancel().catch(ignore)
    return undefined
  }
  exchange.startResponse(statusLine(content), body instanceof Blob ? withLength(content.headers, body.size) : content.headers)
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) {
    exchange.end(body)
    return undefined
  }
  if (method === 'HEAD') {
    if (body instanceof ReadableStream) body.cancel().catch(ignore)
    exchange.end(null)
    return undefined
  }
  return pump(exchange, body instanceof ReadableStream ? body : body.stream())
}

function withLength(headers: readonly HeaderPair[], length: number): readonly HeaderPair[] {
  return hasField(headers, 'content-length') ? headers : [...headers, ['content-length', String(length)]]
}

function statusLine({ status, statusText }: ResponseContent): string {
  if (status === 200 && statusText === '') return '200 OK'
  return `${status} ${statusText === '' ? (STATUS_CODES[status] ?? '') : statusText}`
}

function contentOf(response: unknown): ResponseContent {
  if (typeof response !== 'object' || response === null) throw notResponse(response)
  return LightResponse.content(response) ?? contentOfAny(response)
}

/** What every Response has, of whatever library it is. */
interface AnyResponse {
  readonly status: number
  readonly statusText?: unknown
  readonly url?: unknown
  readonly headers: Iterable<HeaderPair>
  readonly body: ReadableStream<unknown> | null
}

function isResponse(value: object): value is AnyResponse {
  const { status, headers, body } = value as Partial<Record<keyof AnyResponse, unknown>>
  return (
    typeof status === 'number' &&
    typeof headers === 'object' &&
    headers !== null &&
    Symbol.iterator in headers &&
    (body === null || body instanceof ReadableStream)
  )
}

function contentOfAny(response: object): ResponseContent {
  if (!isResponse(response)) throw notResponse(response)
  const { status, statusText, body } = response
  const headers = [...response.headers]
  return {
    status,
    statusText: typeof statusText === 'string' ? statusText : '',
    // A fetched Response has its address.
    headers: typeof response.url === 'string' && response.url !== '' && body !== null ? decodedHeaders(headers) : headers,
    body: body === null ? null : (wholeBodyOf(body) ?? body),
  }
}

/**
 * The fields of a Response that `fetch` gave, which has undone the body's encoding and still says what it was. Passed on like
 * that, no client could read it.
 */
function decodedHeaders(headers: HeaderPair[]): HeaderPair[] {
  const encoding = headers.find(([name]) => name === 'content-encoding')?.[1]
  if (encoding === undefined || !encoding.split(',').every((coding) => DECODED.has(coding.trim().toLowerCase()))) return headers
  return headers.filter(([name]) => name !== 'content-encoding' && name !== 'content-length')
}

/** The encodings that `fetch` of every Node version undoes. */
const DECODED = new Set(['gzip', 'x-gzip', 'deflate', 'br'])

function notResponse(value: unknown): TsgiError {
  return new TsgiError('TSGI_ERR_BODY_INVALID', `fetch() returned ${quote(value)}, which is no Response`)
}

/**
 * Sends a stream chunk by chunk. What is there at once leaves with the head, all of it with its length; a head whose body
 * keeps it waiting leaves at the end of this turn of the event loop. Never rejects.
 */
async function pump(exchange: Exchange, stream: ReadableStream<unknown>): Promise<void> {
  let first: Chunk | undefined
  let holding = true
  const release = (): void => {
    if (!holding) return
    holding = false
    if (first === undefined) exchange.flushHead()
    else exchange.write(first)
    first = undefined
  }
  const turn = setImmediate(() => {
    try {
      release()
    } catch (error) {
      exchange.fail(error)
    }
  })
  let complete = false
  try {
    const reader = stream.getReader()
    // Also where the client leaves while the next chunk is waited for, which may be for ever.
    exchange.onEnd(() => {
      if (!complete) reader.cancel(new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED')).catch(ignore)
    })
    for (;;) {
      const step = await reader.read()
      if (exchange.ended) break
      if (step.done) {
        complete = true
        holding = false
        exchange.end(first ?? null)
        break
      }
      const chunk = checkedChunk(step.value)
      if (holding && first === undefined) {
        first = chunk
        continue
      }
      release()
      if (!exchange.write(chunk)) await exchange.ready()
    }
  } catch (error) {
    exchange.fail(error)
  }
  clearImmediate(turn)
}

function checkedChunk(value: unknown): Chunk {
  if (typeof value === 'string' || value instanceof Uint8Array) return value
  throw new TsgiError('TSGI_ERR_BODY_INVALID', `${quote(value)} in the stream is neither a string nor a Uint8Array`)
}

/** The source of a stream that is cancelled may fail at that; the response is given up all the same. */
function ignore(): void {}
