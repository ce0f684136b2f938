import type { IncomingMessage, ServerResponse } from 'node:http'
import { logUpgrade } from '../gateway/access.ts'
import type { AccessLog, FieldName, UpgradeEntry } from '../gateway/access.ts'
import { findParam } from '../gateway/params.ts'
import { CLIENT_LEFT } from '../gateway/request-meter.ts'
import { paramsOf } from './http-connection.ts'
import { forwardedPeer, isBehindProxy } from './http-peer.ts'

/** Entries of requests whose answer may go past their response. */
const ENTRIES = new WeakMap<IncomingMessage, HttpEntry>()

/** What an access log wants to know of a request that `node:http` has parsed. The application has both of its objects in hand. */
class HttpEntry implements UpgradeEntry {
  readonly startedAt = performance.now()
  readonly method: string
  readonly target: string
  readonly protocol: string
  readonly remoteAddress: string | undefined
  status = 0
  bodyBytes = 0
  readonly #request: IncomingMessage
  readonly #response: ServerResponse | undefined

  constructor(request: IncomingMessage, response: ServerResponse | undefined) {
    const { socket } = request
    this.#request = request
    this.#response = response
    this.method = request.method ?? ''
    // Mounting changes it.
    this.target = request.url ?? ''
    this.protocol = `HTTP/${request.httpVersion}`
    this.remoteAddress = isBehindProxy(socket)
      ? forwardedPeer(request).address
      : socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '')
  }

  requestField(name: FieldName): string | undefined {
    const value = this.#request.headers[name.field]
    return Array.isArray(value) ? value.join(', ') : value
  }

  responseField(name: string): string | undefined {
    const value = this.#response?.getHeader(name)
    return value === undefined ? undefined : String(value)
  }

  variable(name: string): string | undefined {
    return findParam(paramsOf(this.#request), name)
  }
}

/** Logs a request when its response has ended. */
export function logNodeRequest(log: AccessLog, request: IncomingMessage, response: ServerResponse): void {
  const entry = new HttpEntry(request, response)
  ENTRIES.set(request, entry)
  countBody(response, entry)
  response.once('close', () => {
    if (entry.status === 0) {
      entry.status = response.headersSent ? response.statusCode : CLIENT_LEFT
      if (entry.method === 'HEAD' || entry.status === 204 || entry.status === 304) entry.bodyBytes = 0
    }
    log.log(entry)
  })
}

/** An answer was written past the response. */
export function answeredPast(request: IncomingMessage, status: number, bodyBytes: number): void {
  const entry = ENTRIES.get(request)
  if (entry === undefined) return
  entry.status = status
  entry.bodyBytes = bodyBytes
}

/** Logs a request whose connection the application has, when that closes. */
export function logNodeUpgrade(log: AccessLog, request: IncomingMessage): void {
  logUpgrade(log, request.socket, new HttpEntry(request, undefined))
}

/** Whatever covers `write` and `end` for its own ends, such as a compression, calls these in the end. */
function countBody(response: ServerResponse, entry: HttpEntry): void {
  for (const name of ['write', 'end'] as const) {
    const method: unknown = response[name]
    if (typeof method !== 'function') continue
    Reflect.set(response, name, (...args: unknown[]): unknown => {
      const [chunk, encoding] = args
      if (!response.writableEnded) {
        if (typeof chunk === 'string') entry.bodyBytes += Buffer.byteLength(chunk, isEncoding(encoding) ? encoding : 'utf8')
        else if (chunk instanceof Uint8Array) entry.bodyBytes += chunk.byteLength
      }
      const result: unknown = Reflect.apply(method, response, args)
      return result
    })
  }
}

function isEncoding(value: unknown): value is BufferEncoding {
  return typeof value === 'string' && Buffer.isEncoding(value)
}
