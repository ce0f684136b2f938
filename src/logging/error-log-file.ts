import { closeSync, writeSync } from 'node:fs'

import { openLog } from './file-sink.ts'
import { Losses } from './line-sink.ts'

/** The error log in a file, as the master has it: its own lines go there, and its workers inherit the descriptor. */
export class ErrorLogFile {
  readonly path: string
  readonly #losses: Losses
  #fd: number

  /** `warn` is told of lines that were lost. Throws `TSGI_ERR_LOG`. */
  constructor(path: string, warn: (message: string) => void) {
    this.path = path
    this.#fd = openLog(path, 'a+')
    this.#losses = new Losses((message) => warn(`${path}: ${message}`))
  }

  /** Another one after `reopen`. */
  get fd(): number {
    return this.#fd
  }

  writeLine(line: string): void {
    try {
      writeSync(this.#fd, `${line}\n`)
      this.#losses.written()
    } catch (error) {
      // A full disk takes the line, not the server.
      this.#losses.lost(1, error)
    }
  }

  /** The file has been moved away: goes on in a new one. False: that could not be opened, and the old one stays. */
  reopen(): boolean {
    try {
      const fd = openLog(this.path, 'a+')
      closeSync(this.#fd)
      this.#fd = fd
      return true
    } catch (error) {
      this.#losses.lost(0, error)
      return false
    }
  }

  close(): void {
    this.#losses.end()
    closeSync(this.#fd)
  }
}
