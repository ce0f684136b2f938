import { readSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Server as NetServer } from 'node:net'
import { OUTPUT_HIGH_WATER_BYTES } from '../interface/limits.ts'

/** One read of the kernel's: libuv asks for 64 KiB at a time. */
const READ_BYTES = 64 * 1024

/** Every connection of the process reads into it, one after the other: what is kept must be copied. */
const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** The parts of Node's handles that are used here. They are no public API: see `acceptWithSharedReads`. */
interface ListenHandle {
  onconnection?: (status: number, client: ClientHandle | undefined) => void
}
interface ClientHandle {
  useUserBuffer?: unknown
  fd?: number
}

/** Takes what comes in, the first `length` bytes of `chunk`, and is done with them when it returns. */
export interface Receiver {
  /** False: no more, until the socket's stream asks for it by `_read`. */
  receive(chunk: Buffer, length: number): boolean
  /** The connection was accepted before anything came. */
  nothingYet(): void
}

/**
 * Makes a listener give out sockets that read into one shared buffer. `accept` takes a socket, and the
 * number of bytes that were read before it was made, and gives what receives its bytes, which are overwritten when `receive` has returned.
 * Where this Node cannot do it, the listener emits 'connection' as ever.
 *
 * A stream socket allocates 64 KiB for every read and hands it through the stream machinery: a quarter of the cost of a small
 * request (measured on Node 20 and 24: 6.6 µs of CPU against 5.1 µs for a constant answer over a kept-alive connection).
 * `onread`, which is documented, avoids both, but Node takes it only where a socket is made, and a server makes its sockets
 * itself. So the sockets are made here, from the handles that the listener's `onconnection` is called with. This file is the
 * only one that knows of them.
 */
export function acceptWithSharedReads(listener: NetServer, accept: (socket: Socket, bytes: number) => Receiver): void {
  // What is not declared is checked before it is used.
  const firstRead = new FirstRead()
  const handle = (listener as unknown as { _handle?: ListenHandle | null })._handle
  const original = handle?.onconnection
  if (handle === undefined || handle === null || typeof original !== 'function') return
  handle.onconnection = function (status, client) {
    if (status !== 0 || client === undefined || typeof client.useUserBuffer !== 'function') {
      original.call(this, status, client)
      return
    }
    begin(client, firstRead.read(client.fd), accept)
  }
}

/** Goes on with a connection that another process has accepted. False: this Node, or this handle, cannot. */
export function takeOver(handle: object, accept: (socket: Socket, bytes: number) => Receiver): boolean {
  // What is not declared is checked before it is used.
  const client = handle as ClientHandle
  if (typeof client.useUserBuffer !== 'function') return false
  begin(client, 0, accept)
  return true
}

/** `bytes`: what has been read of it already, now in `buffer`. */
function begin(client: ClientHandle, bytes: number, accept: (socket: Socket, bytes: number) => Receiver): void {
  SOCKET_OPTIONS.handle = client
  const socket: ReceivingSocket = new Socket(SOCKET_OPTIONS)
  SOCKET_OPTIONS.handle = undefined
  const receiver = accept(socket, bytes)
  socket[RECEIVER] = receiver
  if (bytes > 0) receiver.receive(buffer, bytes)
  else receiver.nothingYet()
  // Starts to read, unless the request was answered and the connection closed, or its body is held back already.
  if (!socket.destroyed && !socket.isPaused()) socket.read(0)
}

/** Reads in a row that found nothing after which the event loop is left to tell when there is something. */
const MISSES_BEFORE_REST = 4
/** Connections that are then not tried. */
const REST = 256

/**
 * Reads what a connection has sent by the time it is accepted. nginx writes a request right behind its connect, so mostly it is
 * there: the event loop need not be told of the descriptor, woken for it and told to forget it again.
 */
class FirstRead {
  #misses = 0
  #rest = 0

  /** The number of bytes now in `buffer`, 0 when there are none. */
  read(fd: number | undefined): number {
    if (fd === undefined || fd < 0) return 0
    if (this.#rest > 0) {
      this.#rest--
      return 0
    }
    try {
      const bytes = readSync(fd, buffer, 0, READ_BYTES, null)
      this.#misses = 0
      return bytes
    } catch {
      // EAGAIN: nothing yet. Any other error comes again, and is told, when the socket reads.
      if (++this.#misses === MISSES_BEFORE_REST) {
        this.#misses = 0
        this.#rest = REST
      }
      return 0
    }
  }
}

const RECEIVER = Symbol('tsgi.receiver')
type ReceivingSocket = Socket & { [RECEIVER]?: Receiver }

/** What every socket is made with; Node copies it. A callback is called as a method of its socket. */
const SOCKET_OPTIONS = {
  handle: undefined as ClientHandle | undefined, // set for the moment of the making
  allowHalfOpen: true,
  readable: true,
  writable: true,
  highWaterMark: OUTPUT_HIGH_WATER_BYTES,
  manualStart: true,
  onread: {
    buffer,
    callback(this: ReceivingSocket | void, bytes: number): boolean {
      return this?.[RECEIVER]?.receive(buffer, bytes) ?? true
    },
  },
}
