import type { Socket } from 'node:net'

/** The parts of Node's handle of a socket that are used here. They are no public API; `process.send` takes such a handle as it is. */
interface SocketHandle {
  readonly reading?: boolean
  readonly writeQueueSize?: number
}

/** Gives a socket's handle to another process. `sent`: it has it; the one here can be closed. */
export type PassHandle = (handle: object, sent: () => void) => void

/**
 * Stops a connection where it is, without a word to its peer, so that another process can go on with it. Gives the handle, or undefined
 * where that cannot be done: something has been read that nobody has dealt with, or is not sent yet.
 */
export function stoppedHandle(socket: Socket): object | undefined {
  if (socket.destroyed || socket.writableLength > 0 || socket.readableLength > 0) return undefined
  socket.pause()
  const { _handle: handle } = socket as unknown as { _handle?: SocketHandle | null }
  // Only sockets that read into the shared buffer stop at once.
  if (handle === undefined || handle === null || handle.reading !== false || handle.writeQueueSize !== 0) {
    socket.resume()
    return undefined
  }
  return handle
}
