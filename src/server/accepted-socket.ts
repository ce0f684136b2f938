import type { Socket } from 'node:net'
import { quote, TsgiError } from '../interface/errors.ts'
import type { ConnectionServer, ProtocolConnection } from './connection.ts'
import { lingeringEnd } from './connection.ts'
import { FastcgiConnection } from './fastcgi-connection.ts'
import { ScgiConnection } from './scgi-connection.ts'
import { UwsgiConnection } from './uwsgi-connection.ts'

/** What a listener speaks. `auto`: the first byte of each connection tells. */
export type Protocol = 'auto' | 'uwsgi' | 'fastcgi' | 'scgi' | 'http'

/** The rest of the server, as an accepted socket sees it. */
export interface SocketOwner extends ConnectionServer {
  /** Hands the socket to `node:http`; bytes already read have been put back. */
  serveHttp(socket: Socket, isClient: boolean): void
  forget(accepted: AcceptedSocket): void
  /** Calls `watch` when what has come in is dealt with. */
  watchSoon(accepted: AcceptedSocket): void
}

/**
 * A connection from its acceptance on: picks the protocol by the first byte and forwards the socket's events to it.
 *
 * uwsgi begins with modifier1, which is 0, or 100 for a ping; FastCGI with its version, 1; SCGI with a digit, of the length of its
 * headers; HTTP with a capital letter. Anything else is closed without a word.
 */
export class AcceptedSocket {
  readonly #owner: SocketOwner
  readonly #socket: Socket
  readonly #protocol: Protocol
  readonly #isClient: boolean
  #connection: ProtocolConnection | undefined
  #error: Error | undefined
  readonly #acceptedAt: number
  #closing = false
  #released = false
  #watched = false

  /** `isClient`: whoever connects here need not be a proxy. */
  constructor(owner: SocketOwner, socket: Socket, { protocol, isClient }: { protocol: Protocol; isClient: boolean }) {
    this.#owner = owner
    this.#socket = socket
    this.#protocol = protocol
    this.#isClient = isClient
    this.#acceptedAt = owner.clock
    const owned: OwnedSocket = socket
    owned[ACCEPTED] = this
    socket.on('drain', socketOnDrain)
    socket.on('error', socketOnError)
    socket.on('close', socketOnClose)
  }

  /** The request in flight for a log; undefined: there is none. */
  get requestLabel(): string | undefined {
    return this.#connection?.requestLabel
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
    } else if (now - this.#acceptedAt > this.#firstByteMs) this.#close()
  }

  /** A proxy may open a connection ahead of its need; a client's is for a request. */
  get #firstByteMs(): number {
    const { clientHeaderTimeoutMs, keepAliveTimeoutMs } = this.#owner.limits
    return this.#isClient ? clientHeaderTimeoutMs : keepAliveTimeoutMs
  }

  /** Bytes have come in, the first `length` of `chunk`; they are good until this returns. */
  receive(chunk: Buffer, length: number): boolean {
    // Its new owner reads it as a stream, which says when it is full.
    if (this.#released) return this.#socket.push(Buffer.from(chunk.subarray(0, length)))
    if (this.#connection !== undefined) this.#connection.receive(chunk, length)
    else if (!this.#closing) this.#sniff(chunk, length)
    return true
  }

  /** Where sockets do not read into the shared buffer: what comes in is received from the stream. */
  receiveFromStream(): void {
    this.#socket.on('data', socketOnData)
  }

  /**
   * From here on the socket is somebody else's, and as if it had just been accepted: nobody listens to it, it neither flows nor is
   * paused. What comes in here all the same goes to whoever reads it as a stream.
   */
  release(): void {
    const socket = this.#socket
    this.#released = true
    socket.off('data', socketOnData)
    socket.off('end', socketOnEnd)
    socket.off('drain', socketOnDrain)
    socket.off('error', socketOnError)
    socket.off('close', socketOnClose)
    // `node:http` leaves the socket of an upgrade so, too.
    const stream: { readableFlowing: boolean | null } = socket
    stream.readableFlowing = null
    this.#owner.forget(this)
  }

  /** The connection was accepted before anything came; it may also leave without a word. */
  nothingYet(): void {
    this.#owner.watchSoon(this)
  }

  /**
   * Starts to listen for the peer's end. Not before it is needed: a uwsgi connection is mostly over by
   * then, and a stream that flows costs as much as all else that is done for it here.
   */
  watch(): void {
    const socket = this.#socket
    if (this.#watched || this.#released || socket.destroyed) return
    this.#watched = true
    socket.on('end', socketOnEnd)
    // The end of the stream is only told to who reads; a body that is held back stays held back.
    if (!socket.isPaused()) socket.resume()
  }

  /** The peer sends no more. */
  peerEnded(): void {
    // A probe that connects and leaves is no error.
    if (this.#connection === undefined) this.#close()
    else this.#connection.peerEnded()
  }

  drained(): void {
    this.#connection?.drained()
  }

  /** EPIPE and ECONNRESET are how a proxy says that its client has left; 'close' follows. */
  failed(error: Error): void {
    this.#error = error
  }

  closed(): void {
    this.#owner.forget(this)
    this.#owner.traffic?.closed(this.#socket)
    this.#connection?.closed(this.#error)
  }

  #sniff(chunk: Buffer, length: number): void {
    const protocol = this.#protocol === 'auto' ? protocolOf(chunk[0] ?? 0) : this.#protocol
    switch (protocol) {
      case 'fastcgi':
        this.#connection = new FastcgiConnection(this.#owner, this.#socket)
        break
      case 'uwsgi':
        this.#connection = new UwsgiConnection(this.#owner, this.#socket)
        break
      case 'scgi':
        this.#connection = new ScgiConnection(this.#owner, this.#socket)
        break
      case 'http':
        this.#handToHttp(chunk.subarray(0, length))
        return
      case undefined:
        this.#owner.context.log.warn(
          'a connection was closed',
          new TsgiError('TSGI_ERR_PROTOCOL_UNKNOWN', quote(chunk.toString('latin1', 0, Math.min(16, length)))),
        )
        this.#close()
        return
    }
    this.#connection.receive(chunk, length)
    if (!this.#socket.destroyed) this.#owner.watchSoon(this)
  }

  /** `node:http`'s parser reads from the descriptor itself; only what was read already, and what follows an upgrade, comes in here. */
  #handToHttp(chunk: Buffer): void {
    const socket = this.#socket
    this.release()
    socket.pause()
    socket.push(Buffer.from(chunk))
    this.#owner.serveHttp(socket, this.#isClient)
    socket.resume()
  }

  #close(): void {
    this.#closing = true
    lingeringEnd(this.#socket)
  }
}

/** Listeners are shared by all sockets, which know whom they belong to: a function for each and every socket would cost more. */
const ACCEPTED = Symbol('tsgi.accepted')
type OwnedSocket = Socket & { [ACCEPTED]?: AcceptedSocket }

/** Gives a socket away that is being served; see `AcceptedSocket.release`. */
export function releaseAccepted(socket: Socket): void {
  const owned: OwnedSocket = socket
  owned[ACCEPTED]?.release()
}

function socketOnData(this: OwnedSocket, chunk: Buffer): void {
  this[ACCEPTED]?.receive(chunk, chunk.length)
}

function socketOnEnd(this: OwnedSocket): void {
  this[ACCEPTED]?.peerEnded()
}

function socketOnDrain(this: OwnedSocket): void {
  this[ACCEPTED]?.drained()
}

function socketOnError(this: OwnedSocket, error: Error): void {
  this[ACCEPTED]?.failed(error)
}

function socketOnClose(this: OwnedSocket): void {
  this[ACCEPTED]?.closed()
}

function protocolOf(first: number): 'uwsgi' | 'fastcgi' | 'scgi' | 'http' | undefined {
  if (first === 1) return 'fastcgi'
  if (first === 0 || first === 100) return 'uwsgi'
  if (first >= 0x41 && first <= 0x5a) return 'http'
  if (first >= 0x30 && first <= 0x39) return 'scgi'
  return undefined
}
