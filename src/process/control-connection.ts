import type { Socket } from 'node:net'

import { TsgiError } from '../interface/errors.ts'
import { failureLine, MAX_REQUEST_BYTES, parseRequest, successLine } from './control-protocol.ts'
import type { Command } from './control-protocol.ts'

/** What decides and does a command; its result is the reply. */
export type RunCommand = (command: Command) => Promise<object>

/** How long a client may be silent, or leave a reply unread, milliseconds. */
const IDLE_MS = 30_000

const LINE_END = 10

/**
 * One client of the control socket. Its requests are answered one after the other, and no more is read while one is under way:
 * what is held is one chunk and one line at most.
 */
export class ControlConnection {
  readonly #socket: Socket
  readonly #run: RunCommand
  #held: Buffer = Buffer.alloc(0)
  /** The line that is being read is too long: what is left of it is thrown away. */
  #discarding = false
  #working = false
  #finished = false
  /** The client sends no more; what it has asked for is answered. */
  #ended = false
  #onWritable: (() => void) | undefined

  /** `onClose` is called once. */
  constructor(socket: Socket, run: RunCommand, onClose: () => void) {
    this.#socket = socket
    this.#run = run
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    // A client that goes away is nothing to report; `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#onWritable?.()
      onClose()
    })
    socket.on('drain', () => this.#onWritable?.())
    socket.on('data', (chunk) => {
      this.#held = Buffer.concat([this.#held, chunk])
      void this.#work()
    })
    socket.on('end', () => {
      this.#ended = true
      void this.#work()
    })
  }

  /** What is under way is answered, and nothing more. */
  finish(): void {
    this.#finished = true
    if (!this.#working) this.#end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #work(): Promise<void> {
    if (this.#working) return
    this.#working = true
    this.#socket.pause()
    while (!this.#finished && !this.#socket.destroyed) {
      const line = this.#nextLine()
      if (line === undefined) break
      // A command takes its time, for which it has a limit of its own.
      this.#socket.setTimeout(0)
      const reply = line === 'too long' ? failureLine(tooLong()) : await this.#answer(line)
      this.#socket.setTimeout(IDLE_MS)
      await this.#write(reply)
    }
    this.#working = false
    if (this.#ended || this.#finished) this.#end()
    else this.#socket.resume()
  }

  #end(): void {
    this.#socket.end(() => this.#socket.destroy())
  }

  async #answer(line: Uint8Array): Promise<string> {
    try {
      return successLine(await this.#run(parseRequest(line)))
    } catch (error) {
      return failureLine(error)
    }
  }

  #nextLine(): Uint8Array | 'too long' | undefined {
    for (;;) {
      const end = this.#held.indexOf(LINE_END)
      // A last line may come without its end.
      if (end < 0 && !(this.#ended && this.#held.length > 0 && this.#held.length <= MAX_REQUEST_BYTES)) {
        if (this.#held.length <= MAX_REQUEST_BYTES) return undefined
        this.#held = Buffer.alloc(0)
        if (this.#discarding) return undefined
        this.#discarding = true
        return 'too long'
      }
      const line = end < 0 ? this.#held : this.#held.subarray(0, end)
      this.#held = end < 0 ? Buffer.alloc(0) : this.#held.subarray(end + 1)
      if (this.#discarding) this.#discarding = false
      else if (line.length > MAX_REQUEST_BYTES) return 'too long'
      else if (line.length > 0) return line
    }
  }

  /** Resolves when the client has read enough that the next reply can be written, or has gone. */
  async #write(text: string): Promise<void> {
    if (this.#socket.destroyed || this.#socket.write(text)) return
    await new Promise<void>((resolve) => (this.#onWritable = resolve))
    this.#onWritable = undefined
  }
}

function tooLong(): TsgiError {
  return new TsgiError('TSGI_ERR_CONTROL', `a request has ${MAX_REQUEST_BYTES} bytes at most`)
}
