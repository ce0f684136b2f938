import type { Socket } from 'node:net'
import { quote, TsgiError } from '../interface/errors.ts'
import type { ConnectionServer, ProtocolConnection } from './connection.ts'
import { lingeringEnd } from './connection.ts'
import { FastcgiConnection } from './fastcgi-connection.ts'
import { withSharedReads } from './shared-read.ts'
import { UwsgiConnection } from './uwsgi-connection.ts'

/** What a listener speaks. `auto`: the first byte of each connection tells. */
export type Protocol = 'auto' | 'uwsgi' | 'fastcgi' | 'http'

/** The rest of the server, as an accepted socket sees it. */
export interface SocketOwner extends ConnectionServer {
  /** Hands the socket to `node:http`; bytes already read have been put back. */
  serveHttp(socket: Socket): void
  forget(accepted: AcceptedSocket): void
}

/**
 * A connection from its acceptance on: picks the protocol by the first byte and forwards the socket's events to it.
 *
 * uwsgi begins with modifier1, which is 0, or 100 for a ping; FastCGI with its version, 1; HTTP with a capital letter.
 * Anything else is closed without a word.
 */
export class AcceptedSocket {
  readonly #owner: SocketOwner
  #socket: Socket
  readonly #protocol: Protocol
  #connection: ProtocolConnection | undefined
  #error: Error | undefined
  readonly #acceptedAt: number
  #closing = false

  constructor(owner: SocketOwner, socket: Socket, protocol: Protocol) {
    this.#owner = owner
    this.#socket = socket
    this.#protocol = protocol
    this.#acceptedAt = owner.clock
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on('data', this.#socketOnData)
    socket.on('end', this.#socketOnEnd)
    socket.on('drain', this.#socketOnDrain)
    socket.on('error', this.#socketOnError)
    socket.on('close', this.#socketOnClose)
  }

  #unlisten(socket: Socket): void {
    socket.off('data', this.#socketOnData)
    socket.off('end', this.#socketOnEnd)
    socket.off('drain', this.#socketOnDrain)
    socket.off('error', this.#socketOnError)
    socket.off('close', this.#socketOnClose)
  }

  drain(): void {
    if (this.#connection !== undefined) this.#connection.drain()
    else this.#close()
  }

  giveUp(error: Error): void {
    if (this.#connection !== undefined) this.#connection.giveUp(error)
    else this.#socket.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  checkTimeouts(now: number): void {
    if (this.#connection !== undefined) this.#connection.checkTimeouts(now)
    else if (this.#closing) {
      if (now - this.#acceptedAt > this.#owner.limits.lingerTimeoutMs) this.#socket.destroy()
    } else if (now - this.#acceptedAt > this.#owner.limits.keepAliveTimeoutMs) this.#close()
  }

  readonly #socketOnData = (chunk: Buffer): void => {
    if (this.#connection !== undefined) this.#connection.receive(chunk)
    else if (!this.#closing) this.#sniff(chunk)
  }

  readonly #socketOnEnd = (): void => {
    // A probe that connects and leaves is no error.
    if (this.#connection === undefined) this.#close()
    else this.#connection.peerEnded()
  }

  readonly #socketOnDrain = (): void => {
    this.#connection?.drained()
  }

  readonly #socketOnError = (error: Error): void => {
    // EPIPE and ECONNRESET are how a proxy says that its client has left; 'close' follows.
    this.#error = error
  }

  readonly #socketOnClose = (): void => {
    this.#owner.forget(this)
    this.#connection?.closed(this.#error)
  }

  #sniff(chunk: Buffer): void {
    const protocol = this.#protocol === 'auto' ? protocolOf(chunk[0] ?? 0) : this.#protocol
    switch (protocol) {
      case 'fastcgi':
        this.#shareReads()
        this.#connection = new FastcgiConnection(this.#owner, this.#socket)
        break
      case 'uwsgi':
        this.#connection = new UwsgiConnection(this.#owner, this.#socket)
        break
      case 'http':
        this.#handToHttp(chunk)
        return
      case undefined:
        this.#owner.context.log.warn(
          'a connection was closed',
          new TsgiError('TSGI_ERR_PROTOCOL_UNKNOWN', quote(chunk.toString('latin1', 0, 16))),
        )
        this.#close()
        return
    }
    this.#connection.receive(chunk)
  }

  /** A FastCGI connection is kept, and worth the change of its socket. */
  #shareReads(): void {
    const socket = this.#socket
    const moved = withSharedReads(socket, this.#socketOnData)
    if (moved === undefined) return
    this.#unlisten(socket)
    this.#socket = moved
    this.#listen(moved)
  }

  #handToHttp(chunk: Buffer): void {
    const socket = this.#socket
    this.#unlisten(socket)
    this.#owner.forget(this)
    socket.pause()
    socket.unshift(chunk)
    this.#owner.serveHttp(socket)
    // The parser reads from the descriptor itself; only a flowing stream gives it the chunk that was put back.
    socket.resume()
  }

  #close(): void {
    this.#closing = true
    lingeringEnd(this.#socket)
  }
}

function protocolOf(first: number): 'uwsgi' | 'fastcgi' | 'http' | undefined {
  if (first === 1) return 'fastcgi'
  if (first === 0 || first === 100) return 'uwsgi'
  if (first >= 0x41 && first <= 0x5a) return 'http'
  return undefined
}
