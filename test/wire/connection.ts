import { connect, type Socket } from 'node:net'

export type WireAddress = { type: 'unix'; path: string } | { type: 'tcp'; host: string; port: number }

/** How a peer finished: `end` is a FIN, `reset` an error such as ECONNRESET or EPIPE. */
export type Ending = 'end' | 'reset'

/** Longest wait for a server that owes an answer, milliseconds. A test that runs into it has failed. */
const PATIENCE_MS = 10_000

/** One connection of the test's client: bytes out, bytes in, and how the peer ended it. Half-open is allowed. */
export class WireConnection {
  readonly socket: Socket
  readonly #received: Buffer[] = []
  #receivedBytes = 0
  #ending: Ending | undefined
  readonly #listeners = new Set<() => void>()
  /** Called with each piece as it comes. */
  onData: ((bytes: Uint8Array) => void) | undefined
  /** Called once, when the peer has finished. */
  onEnding: ((ending: Ending) => void) | undefined
  /** False: pieces are given to `onData` only. */
  keep = true

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => {
      if (this.keep) this.#received.push(bytes)
      this.#receivedBytes += bytes.length
      this.onData?.(bytes)
      this.#changed()
    })
    socket.on('end', () => this.#finish('end'))
    socket.on('error', () => this.#finish('reset'))
    socket.on('close', () => this.#finish('reset'))
  }

  static open(address: WireAddress): Promise<WireConnection> {
    return new Promise((resolve, reject) => {
      const target = address.type === 'unix' ? { path: address.path } : { host: address.host, port: address.port }
      const socket = connect({ ...target, allowHalfOpen: true, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new WireConnection(socket))
      })
    })
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  get ending(): Ending | undefined {
    return this.#ending
  }

  received(): Buffer {
    return Buffer.concat(this.#received)
  }

  /** Resolves when the kernel has taken the bytes, or at once when the peer has gone. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed || this.socket.writableEnded) resolve()
      else this.socket.write(bytes, () => resolve())
    })
  }

  /** Sends each piece in a write of its own. Small pieces reach the peer apart only as far as it reads them so. */
  async writeEach(pieces: Iterable<Uint8Array>): Promise<void> {
    for (const piece of pieces) {
      await this.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Resolves when `condition` holds; it is looked at after each piece received and when the peer ends. */
  when(condition: () => boolean, what: string, patienceMs = PATIENCE_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return
        clearTimeout(timer)
        this.#listeners.delete(look)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#listeners.delete(look)
        const seen = this.received().subarray(0, 400).toString('latin1')
        reject(new Error(`waited ${patienceMs} ms for ${what}; ${this.#receivedBytes} bytes received: ${JSON.stringify(seen)}`))
      }, patienceMs)
      this.#listeners.add(look)
      look()
    })
  }

  async whenBytes(count: number, patienceMs?: number): Promise<Buffer> {
    await this.when(() => this.#receivedBytes >= count || this.#ending !== undefined, `${count} bytes`, patienceMs)
    return this.received()
  }

  /** Resolves when the peer has finished. */
  async whenEnded(patienceMs?: number): Promise<Ending> {
    await this.when(() => this.#ending !== undefined, 'the end of the connection', patienceMs)
    return this.#ending ?? 'reset'
  }

  /** Half-closes: no more bytes from here. */
  end(): void {
    this.socket.end()
  }

  /** Leaves at once, as a client that is killed. */
  destroy(): void {
    this.socket.destroy()
  }

  #finish(ending: Ending): void {
    if (this.#ending !== undefined) return
    this.#ending = ending
    this.onEnding?.(ending)
    this.#changed()
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
