import type { Writable } from 'node:stream'

import type { LineSink, LossListener } from './line-sink.ts'

/** What a pipe takes in one piece, whoever else writes to it, bytes (POSIX: PIPE_BUF on Linux). */
const PIECE_BYTES = 4096

/** What may wait for a reader that does not read, bytes. */
const MAX_WAITING_BYTES = 1024 * 1024

/** Lines on standard output or standard error, which other processes write to as well. */
export class StreamSink implements LineSink {
  readonly #stream: Writable
  readonly #write: (text: string) => unknown
  readonly #losses: LossListener
  #piece = ''
  #lines = 0
  #scheduled = false

  constructor(stream: Writable, losses: LossListener) {
    this.#stream = stream
    // An application may put a function of its own in its place.
    this.#write = stream.write.bind(stream)
    this.#losses = losses
  }

  write(line: string): void {
    if (this.#piece.length + line.length >= PIECE_BYTES) this.flush()
    this.#piece += `${line}\n`
    this.#lines++
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.flush()
    })
  }

  flush(): void {
    if (this.#lines === 0) return
    if (this.#stream.writableLength > MAX_WAITING_BYTES) this.#losses.lost(this.#lines, 'their reader does not read')
    else {
      this.#write(this.#piece)
      this.#losses.written()
    }
    this.#piece = ''
    this.#lines = 0
  }

  reopen(): void {}

  close(): Promise<void> {
    this.flush()
    return Promise.resolve()
  }
}
