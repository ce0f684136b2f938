import type { Socket } from 'node:net'
import type { Chunk } from '../interface/application.ts'
import { byteLength } from './body-chunk.ts'
import { findParam } from './params.ts'
import { CLIENT_LEFT, NO_RESPONSE } from './request-meter.ts'
import type { Transport } from './transport.ts'

/** A header field by its two names: `user-agent` and `HTTP_USER_AGENT`. */
export interface FieldName {
  readonly field: string
  readonly variable: string
}

/** One request and its response, for the access log. What a client has sent is latin-1, unchecked. */
export interface AccessEntry {
  readonly method: string
  /** The request target as it came. */
  readonly target: string
  readonly protocol: string
  readonly remoteAddress: string | undefined
  /** 499: the client left before the head of a response. 444: the connection was closed without one. As in nginx's log. */
  readonly status: number
  /** Of the body, as sent. */
  readonly bodyBytes: number
  /** `performance.now()` when the head of the request had come. */
  readonly startedAt: number
  requestField(name: FieldName): string | undefined
  /** `name` in lower case. */
  responseField(name: string): string | undefined
  /** A variable of the environ. */
  variable(name: string): string | undefined
}

/** Takes every request when it has ended. */
export interface AccessLog {
  log(entry: AccessEntry): void
}

/** The launcher's own request is not a visit. */
const PROBE_ANSWER = 'X-TSGI-Probe: ok\r\n'

/** The transport of an exchange, watched for the access log where there is one. */
export function watched(log: AccessLog | undefined, transport: Transport, params: readonly string[]): Transport {
  return log === undefined ? transport : new WatchedTransport(log, transport, params)
}

/** Looks on at what an exchange says to its connection. */
class WatchedTransport implements Transport, AccessEntry {
  readonly #log: AccessLog
  readonly #transport: Transport
  readonly #params: readonly string[]
  #fields = ''
  #logged = false
  readonly startedAt = performance.now()
  status = 0
  bodyBytes = 0
  takeOver?: () => Socket

  constructor(log: AccessLog, transport: Transport, params: readonly string[]) {
    this.#log = log
    this.#transport = transport
    this.#params = params
    if (transport.takeOver !== undefined) this.takeOver = () => this.#takeOver()
  }

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    this.status = Number(status.slice(0, 3))
    this.#fields = fields
    if (body !== null) this.bodyBytes = byteLength(body)
    const room = this.#transport.sendHead(status, fields, body, last)
    if (last) this.#end()
    return room
  }

  sendBody(chunk: Chunk): boolean {
    this.bodyBytes += byteLength(chunk)
    return this.#transport.sendBody(chunk)
  }

  end(): void {
    this.#transport.end()
    this.#end()
  }

  abort(lengthPending: boolean): void {
    this.#transport.abort(lengthPending)
    if (this.status === 0) this.status = NO_RESPONSE
    this.#end()
  }

  pauseInput(): void {
    this.#transport.pauseInput()
  }

  resumeInput(): void {
    this.#transport.resumeInput()
  }

  finished(): void {
    this.#transport.finished()
    if (this.#logged) return
    if (this.status === 0) this.status = CLIENT_LEFT
    this.#end()
  }

  #takeOver(): Socket {
    const socket = this.#transport.takeOver?.()
    // The method is there only where the transport has it.
    if (socket === undefined) throw new TypeError('no connection to take over')
    this.#logged = true
    logUpgrade(this.#log, socket, this)
    return socket
  }

  #end(): void {
    if (this.#logged) return
    this.#logged = true
    if (this.status === 204 && this.#fields.includes(PROBE_ANSWER)) return
    this.#log.log(this)
  }

  get method(): string {
    return findParam(this.#params, 'REQUEST_METHOD') ?? ''
  }

  get target(): string {
    return findParam(this.#params, 'REQUEST_URI') ?? ''
  }

  get protocol(): string {
    return findParam(this.#params, 'SERVER_PROTOCOL') ?? ''
  }

  get remoteAddress(): string | undefined {
    return findParam(this.#params, 'REMOTE_ADDR')
  }

  requestField(name: FieldName): string | undefined {
    return findParam(this.#params, name.variable)
  }

  responseField(name: string): string | undefined {
    return this.#fields === '' ? undefined : fieldOf(this.#fields, name)
  }

  variable(name: string): string | undefined {
    return findParam(this.#params, name)
  }
}

/** The first field of this name among `Name: value` lines. */
function fieldOf(fields: string, name: string): string | undefined {
  for (const line of fields.split('\r\n')) {
    if (line.length > name.length && line[name.length] === ':' && line.slice(0, name.length).toLowerCase() === name)
      return line.slice(name.length + 1).trimStart()
  }
  return undefined
}

/** What changes about an entry until its upgraded connection closes. */
export interface UpgradeEntry extends AccessEntry {
  status: number
  bodyBytes: number
}

/** Logs an upgraded connection when it closes: with the status that the application answered, and all bytes that it has written. */
export function logUpgrade(log: AccessLog, socket: Socket, entry: UpgradeEntry): void {
  const before = socket.bytesWritten
  entry.status = NO_RESPONSE
  onFirstBytes(socket, (bytes) => {
    entry.status = Number(/^HTTP\/1\.\d ([1-5]\d\d)/.exec(bytes)?.[1] ?? 101)
  })
  socket.once('close', () => {
    entry.bodyBytes = socket.bytesWritten - before
    log.log(entry)
  })
}

/** How much of a status line has to be seen. */
const STATUS_LINE_BYTES = 16

/** Calls back with the first bytes that are written to a socket. Its own methods are covered until then, and no longer. */
function onFirstBytes(socket: Socket, listener: (bytes: string) => void): void {
  for (const name of ['write', 'end'] as const) {
    Reflect.set(socket, name, (...args: unknown[]): unknown => {
      const [chunk] = args
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
        Reflect.deleteProperty(socket, 'write')
        Reflect.deleteProperty(socket, 'end')
        listener(typeof chunk === 'string' ? chunk.slice(0, STATUS_LINE_BYTES) : latin1(chunk))
      }
      // The socket class's own method, with the arguments that were meant for it.
      const method: unknown = Reflect.get(Object.getPrototypeOf(socket) as object, name, socket)
      const result: unknown = typeof method === 'function' ? Reflect.apply(method, socket, args) : undefined
      return result
    })
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, STATUS_LINE_BYTES)).toString('latin1')
}
