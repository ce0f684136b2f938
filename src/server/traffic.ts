import type { Socket } from 'node:net'

/** Connections and their bytes, on the wire to the proxy or the client. */
export class Traffic {
  readonly #open = new Set<Socket>()
  #accepted = 0
  #receivedBytes = 0
  #sentBytes = 0

  /** `bytes` were read from it before it was a socket of Node's. */
  opened(socket: Socket, bytes: number): void {
    this.#accepted += 1
    this.#receivedBytes += bytes
    this.#open.add(socket)
  }

  /** Whoever has a socket in the end says that it is closed. */
  closed(socket: Socket): void {
    if (!this.#open.delete(socket)) return
    this.#receivedBytes += socket.bytesRead
    this.#sentBytes += socket.bytesWritten
  }

  /** Those of open connections are asked for now: a request pays nothing for being counted here. */
  get figures(): { openConnections: number; connections: number; receivedBytes: number; sentBytes: number } {
    let [receivedBytes, sentBytes] = [this.#receivedBytes, this.#sentBytes]
    for (const socket of this.#open) {
      receivedBytes += socket.bytesRead
      sentBytes += socket.bytesWritten
    }
    return { openConnections: this.#open.size, connections: this.#accepted, receivedBytes, sentBytes }
  }
}
