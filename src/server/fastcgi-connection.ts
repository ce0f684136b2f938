import type { Socket } from 'node:net'
import type { Chunk } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import { Exchange } from '../gateway/exchange.ts'
import { findParam, setParam } from '../gateway/params.ts'
import type { Transport } from '../gateway/transport.ts'
import { parseContentLength } from '../protocol/content-length.ts'
import {
  encodeEndRequest,
  encodeGetValuesResult,
  encodeStdout,
  encodeUnknownType,
  FastcgiDecoder,
  ProtocolStatus,
  Role,
} from '../protocol/fastcgi/index.ts'
import type { FastcgiEvent } from '../protocol/fastcgi/index.ts'
import { encodeResponseHead } from '../protocol/response-head.ts'
import { endAfterWrite, lingeringEnd } from './connection.ts'
import type { ConnectionServer } from './connection.ts'
import { endOfResponse, stdoutRecords, wholeResponse } from './fastcgi-response.ts'
import { WireConnection } from './wire-connection.ts'

/** Eight zero bytes are a record of version 0: nginx closes the client's connection in every buffering mode, where it would
 * take a missing end for success in some. */
const POISON = Buffer.alloc(8)

/**
 * FastCGI has no word for "this connection closes". nginx keeps one only if what it has read ends with END_REQUEST
 * (ngx_http_fastcgi_input_filter): with an empty management record behind it, in the same write, it closes the connection itself,
 * and no request can meet a close that it has not seen. Others would take the record for a part of the next response.
 */
const PARTING = encodeGetValuesResult([])

/** Answers to GET_VALUES (section 4.1). MAX_CONNS and MAX_REQS: no limit of ours, the descriptors are the system's. */
const VALUES: Readonly<Record<string, string>> = { FCGI_MAX_CONNS: '4096', FCGI_MAX_REQS: '4096', FCGI_MPXS_CONNS: '0' }

/** Requests over one FastCGI connection, one after the other. */
export class FastcgiConnection extends WireConnection<FastcgiEvent> implements Transport {
  protected readonly decoder: FastcgiDecoder
  #requestId = 0
  #keep = false
  /** nginx has been told to close the connection; it is left to it. */
  #parting = false
  /** Bytes the body has by CONTENT_LENGTH, -1 when it is not given, and those that have come in. */
  #expected = -1
  #received = 0

  constructor(server: ConnectionServer, socket: Socket) {
    super(server, socket)
    this.decoder = new FastcgiDecoder({ maxParamsBytes: server.limits.maxParamsBytes })
  }

  protected override headWait(): string | undefined {
    return this.#requestId === 0 ? undefined : 'the params'
  }

  protected override idleLimitMs(): number {
    return this.server.limits.keepAliveTimeoutMs
  }

  protected override endSocket(): void {
    // nginx keeps the connection from the moment in which it has the response: it must not find it open and lose a request to it.
    if (this.bodyComplete && this.exchange === undefined) endAfterWrite(this.socket)
    else lingeringEnd(this.socket)
  }

  // What the decoder says.

  protected override handle(event: FastcgiEvent): void {
    switch (event.type) {
      case 'begin':
        this.#begin(event.requestId, event.role, event.keepConnection)
        return
      case 'params':
        this.#startRequest(event.params)
        return
      case 'stdin':
        this.#receiveBody(event.data)
        return
      case 'stdin-end':
        this.#endBody()
        return
      case 'abort':
        this.#abortRequest()
        return
      case 'multiplexed':
        this.socket.write(encodeEndRequest(event.requestId, 0, ProtocolStatus.CANT_MPX_CONN))
        return
      case 'get-values':
        this.socket.write(encodeGetValuesResult(knownValues(event.names)))
        return
      case 'unknown-type':
        this.socket.write(encodeUnknownType(event.recordType))
        return
    }
  }

  #begin(requestId: number, role: number, keep: boolean): void {
    this.#requestId = requestId
    this.#keep = keep
    this.waitingSince = this.server.clock
    if (role === Role.RESPONDER) return
    // A bare UNKNOWN_ROLE becomes an empty 200 behind Apache.
    const refusal = 'Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n'
    this.socket.cork()
    this.socket.write(encodeStdout(requestId, Buffer.from(refusal, 'latin1')))
    this.socket.write(encodeStdout(requestId, Buffer.alloc(0)))
    this.socket.write(encodeEndRequest(requestId, 0, ProtocolStatus.UNKNOWN_ROLE))
    this.socket.uncork()
    this.server.context.log.warn(`a request for FastCGI role ${role} was refused: only the Responder is served`)
    this.#releaseRequest()
  }

  #startRequest(params: string[]): void {
    const exchange = new Exchange(this.server.context, this, params)
    this.#received = 0
    this.bodyComplete = false
    this.leftAt = 0
    const declared = findParam(params, 'CONTENT_LENGTH')
    // Caddy says -1 for a length that it does not know.
    if (declared === '-1') setParam(params, 'CONTENT_LENGTH', '')
    try {
      this.#expected = declared === '-1' ? -1 : parseContentLength(declared)
    } catch (error) {
      this.#expected = -1
      this.refuse(exchange, error)
      return
    }
    this.start(exchange, this.#expected)
  }

  #receiveBody(data: Uint8Array): void {
    const exchange = this.exchange
    if (exchange === undefined) return
    this.#received += data.length
    if (this.#expected !== -1 && this.#received > this.#expected) {
      exchange.input.fail(new TsgiError('TSGI_ERR_BODY_LENGTH', `more than ${this.#expected} bytes came`))
      return
    }
    const limit = this.server.limits.maxRequestBodyBytes
    if (limit > 0 && this.#received > limit) {
      const error = new TsgiError('TSGI_ERR_BODY_LIMIT', `${this.#received} bytes came, the limit is ${limit}`)
      // Who reads must not take what has come for all there is.
      exchange.input.fail(error)
      exchange.fail(error)
      return
    }
    // The bytes are the socket's, which reads the next ones into the same place.
    exchange.input.push(Buffer.from(data))
  }

  #endBody(): void {
    this.bodyComplete = true
    const input = this.exchange?.input
    if (input === undefined) return
    if (this.#expected !== -1 && this.#received < this.#expected) {
      input.fail(new TsgiError('TSGI_ERR_BODY_LENGTH', `${this.#received} of ${this.#expected} bytes came`))
    } else {
      input.end()
    }
  }

  #abortRequest(): void {
    const exchange = this.exchange
    this.exchange = undefined
    this.socket.write(encodeEndRequest(this.#requestId, 0, ProtocolStatus.REQUEST_COMPLETE))
    exchange?.disconnect(new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED', 'ABORT_REQUEST'))
    this.#releaseRequest()
  }

  // Transport: what the exchange says.

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    const head = encodeResponseHead('Status: ', status, fields)
    if (last) {
      const parting = this.#beginParting()
      wholeResponse(this.socket, this.#requestId, head, body)
      if (parting) this.#endParting()
      this.#releaseRequest()
      return true
    }
    return stdoutRecords(this.socket, this.#requestId, head, body)
  }

  sendBody(chunk: Chunk): boolean {
    return stdoutRecords(this.socket, this.#requestId, '', chunk)
  }

  end(): void {
    const parting = this.#beginParting()
    this.socket.write(endOfResponse(this.#requestId))
    if (parting) this.#endParting()
    this.#releaseRequest()
  }

  /** Whether this response is to be the last on a connection that nginx would keep: its worker is being replaced, or has to share. */
  #beginParting(): boolean {
    if ((!this.server.draining && this.server.toLetGo === 0) || !this.#keep) return false
    // Every other proxy says what it is; nginx says what its configuration does.
    if (findParam(this.exchange?.params ?? [], 'SERVER_SOFTWARE')?.startsWith('nginx') === false) return false
    if (this.server.toLetGo > 0) this.server.toLetGo -= 1
    this.socket.cork()
    return true
  }

  #endParting(): void {
    this.socket.write(PARTING)
    this.socket.uncork()
    this.#parting = true
  }

  /**
   * nginx must see the loss in all its modes: END_REQUEST without the end of STDOUT where it still expects bytes by
   * Content-Length, else a record that is none. Apache takes END_REQUEST for a proper end, always.
   */
  abort(lengthPending: boolean): void {
    const apache = findParam(this.exchange?.params ?? [], 'SERVER_SOFTWARE')?.startsWith('Apache') === true
    this.socket.write(lengthPending && !apache ? encodeEndRequest(this.#requestId, 1, ProtocolStatus.REQUEST_COMPLETE) : POISON)
    this.exchange = undefined
    this.close()
  }

  /** END_REQUEST was sent: the connection is free for the next request, or closes. */
  #releaseRequest(): void {
    this.exchange = undefined
    this.#requestId = 0
    this.waitingSince = this.server.clock
    if (!this.#keep || this.leftAt !== 0) this.close()
    else if (!this.server.draining || this.#parting) this.decoder.endRequest()
    else if (this.#canGoOn && this.server.passOn(this.socket)) this.closing = true
    else this.close()
  }

  /** Whether another worker can take the connection as if it had just been accepted. */
  get #canGoOn(): boolean {
    return this.bodyComplete && this.decoder.isBetweenRecords
  }

  /** A malformed packet: nothing can be said to a peer whose framing is lost. */
  protected override reject(error: unknown): void {
    this.server.context.log.warn('a FastCGI connection was closed', error)
    this.abandon(error)
  }
}

function knownValues(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined
    return value === undefined ? [] : [name, value]
  })
}
