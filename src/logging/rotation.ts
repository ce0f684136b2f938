import { renameSync, statSync } from 'node:fs'

import type { Logger } from '../interface/logger.ts'

export interface RotationOptions {
  /** The logs, absolute paths. What is no regular file is left alone. */
  readonly files: readonly string[]
  /** A log is moved away when it has become so large, bytes. */
  readonly maxBytes: number
  /** How many that were moved away are kept of each. */
  readonly keep: number
  readonly log: Logger
  /** Makes everyone who writes to them open the files anew. */
  readonly reopen: () => void
}

/** How often sizes are looked at, milliseconds: a log becomes so much larger as is written in that time. */
const LOOK_MS = 1000

/**
 * Moves logs away when they are large: `access.log` becomes `access.log.1`, that `access.log.2`, and the last one is overwritten.
 * One process does this; the others go on writing to the file that was moved until they are told, so that nothing is lost.
 */
export class LogRotation {
  readonly #options: RotationOptions
  readonly #timer: NodeJS.Timeout
  /** Logs that could not be moved: said once. */
  readonly #stuck = new Set<string>()

  constructor(options: RotationOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const { files, maxBytes, keep, log, reopen } = this.#options
    let moved = false
    for (const file of files) {
      try {
        const stats = statSync(file, { throwIfNoEntry: false })
        // Somebody has removed it: what is written goes nowhere, and grows all the same.
        const gone = stats === undefined
        if (!gone && (!stats.isFile() || stats.size < maxBytes)) continue
        if (!gone) moveAway(file, keep)
        this.#stuck.delete(file)
        moved = true
      } catch (error) {
        if (!this.#stuck.has(file)) log.warn(`${file} cannot be moved away, and grows`, error)
        this.#stuck.add(file)
      }
    }
    if (moved) reopen()
  }
}

function moveAway(file: string, keep: number): void {
  for (let number = keep - 1; number >= 1; number -= 1) {
    if (statSync(`${file}.${number}`, { throwIfNoEntry: false }) !== undefined) {
      renameSync(`${file}.${number}`, `${file}.${number + 1}`)
    }
  }
  renameSync(file, `${file}.1`)
}
