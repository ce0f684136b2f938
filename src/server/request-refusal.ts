import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { REASONS } from '../gateway/reasons.ts'
import type { ClientLimits } from './client-limits.ts'

/**
 * The status that a request is refused with before anybody sees it; undefined: with none. `node:http` has refused most of what can be
 * wrong: two lengths, a length beside chunks, sizes that are no numbers, lines that end in LF alone or go on in the next one.
 */
export function refusalOf(request: IncomingMessage, limits: ClientLimits): 400 | 414 | 431 | 501 | 505 | undefined {
  const { rawHeaders, httpVersionMinor } = request
  const framing = framingRefusalOf(request)
  if (framing !== undefined) return framing
  if ((request.url ?? '').length > limits.maxTargetBytes) return 414
  if (rawHeaders.length > 2 * limits.maxFields) return 431
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') hosts++
  }
  // Two hosts are two opinions of where the request goes (RFC 9112, section 3.2).
  return hosts > 1 || (hosts === 0 && httpVersionMinor > 0) ? 400 : undefined
}

/** Of white space, a field has spaces and tabs; `trim` knows more. */
const CHUNKED = /^[ \t]*chunked[ \t]*$/i

/** What of a proxy's requests is refused; it has judged the rest. */
export function refusalOfProxied(request: IncomingMessage): 400 | 501 | 505 | undefined {
  const framing = framingRefusalOf(request)
  // `node:http` would answer this one by itself, and go on with what stands behind it.
  return framing ?? (request.headers.host === undefined && request.httpVersionMinor > 0 ? 400 : undefined)
}

/**
 * The status for a request of which another reader might say that it ends elsewhere, whoever sends it. `node:http` takes a line
 * without a version for HTTP/0.9, and answers it.
 */
function framingRefusalOf({ headers, httpVersionMajor, httpVersionMinor }: IncomingMessage): 400 | 501 | 505 | undefined {
  if (httpVersionMajor !== 1) return 505
  const encoding = headers['transfer-encoding']
  if (encoding === undefined) return undefined
  // HTTP/1.0 knows no chunks: whoever is in front may have taken the body for another request (RFC 9112, section 6.1).
  if (httpVersionMinor === 0) return 400
  return CHUNKED.test(encoding) ? undefined : 501
}

/** Answers requests that nobody is to see, and what stands behind them not at all: it may have been meant as a part of them. */
export class Refusals {
  readonly #sockets = new WeakSet<Socket>()
  #any = false

  refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
    this.#any = true
    this.#sockets.add(request.socket)
    response.shouldKeepAlive = false
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
    response.end(`${REASONS[status] ?? 'Error'}\n`)
  }

  /** Whether an earlier request of the same connection was refused. */
  isBehindOne(request: IncomingMessage): boolean {
    return this.#any && this.#sockets.has(request.socket)
  }
}
