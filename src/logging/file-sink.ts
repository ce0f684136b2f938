import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'
import type { LineSink, LossListener } from './line-sink.ts'

/** So much is written at once, bytes: more saves no time, and is lost with a process that is killed. */
const FLUSH_BYTES = 64 * 1024

const LINE_END = 10

/** Of a log that is made. */
export const LOG_MODE = 0o640

/** Opens a log for appending. Throws `TSGI_ERR_LOG`. */
export function openLog(path: string, flags: 'a' | 'a+' = 'a', mode = LOG_MODE): number {
  try {
    return openSync(path, flags, mode)
  } catch (error) {
    throw new TsgiError('TSGI_ERR_LOG', `${quote(path)}: ${quote(error)}`, { cause: error })
  }
}

/**
 * Lines at the end of a file that other processes append to as well. What is written in one turn of the event loop leaves in one
 * write, of whole lines: with O_APPEND the kernel puts each write behind the last one, whoever it comes from.
 *
 * Writes wait for the kernel, not for the disk. Where the disk is full, lines are lost and counted.
 */
export class FileSink implements LineSink {
  readonly #path: string
  readonly #losses: LossListener
  readonly #mode: number
  #fd: number
  #text = ''
  #lines = 0
  #scheduled = false
  /** A write has failed: the last line in the file, somebody's, may not be whole. */
  #doubtful = false
  #closed = false

  /** `mode`: of a file that is made. Throws `TSGI_ERR_LOG`. */
  constructor(path: string, losses: LossListener, mode = LOG_MODE) {
    this.#path = path
    this.#losses = losses
    this.#mode = mode
    this.#fd = openLog(path, 'a+', mode)
  }

  write(line: string): void {
    if (this.#closed) return
    this.#text += `${line}\n`
    this.#lines++
    if (this.#text.length >= FLUSH_BYTES) this.flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#turn)
    }
  }

  flush(): void {
    if (this.#lines === 0 || this.#closed) return
    const bytes = Buffer.from(this.#doubtful && endsTorn(this.#fd) ? `\n${this.#text}` : this.#text)
    const lines = this.#lines
    this.#text = ''
    this.#lines = 0
    let written = 0
    try {
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written)
      this.#doubtful = false
      this.#losses.written()
    } catch (error) {
      this.#lose(bytes, written, lines, error)
    }
  }

  reopen(): void {
    if (this.#closed) return
    this.flush()
    try {
      const fd = openLog(this.#path, 'a+', this.#mode)
      closeSync(this.#fd)
      this.#fd = fd
    } catch (error) {
      // The old file is better than none.
      this.#losses.lost(0, error)
    }
  }

  close(): Promise<void> {
    this.flush()
    if (!this.#closed) closeSync(this.#fd)
    this.#closed = true
    return Promise.resolve()
  }

  readonly #turn = (): void => {
    this.#scheduled = false
    this.flush()
  }

  #lose(bytes: Buffer, written: number, lines: number, error: unknown): void {
    this.#doubtful = true
    // An end ahead of them is that of the line before.
    let whole = bytes[0] === LINE_END && written > 0 ? -1 : 0
    for (let end = bytes.indexOf(LINE_END); end !== -1 && end < written; end = bytes.indexOf(LINE_END, end + 1)) whole++
    this.#losses.lost(lines - whole, error)
  }
}

/** Whether a file has bytes behind its last line. */
function endsTorn(fd: number): boolean {
  try {
    const last = Buffer.alloc(1)
    const { size } = fstatSync(fd)
    return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== LINE_END
  } catch {
    return false
  }
}
