import { statSync } from 'node:fs'

import type { Logger } from '../interface/logger.ts'
import { logFilesOf } from './log-plan.ts'
import type { Plan } from './plan.ts'
import { testConfiguration } from './proxy-process.ts'
import type { ProxyProcess } from './proxy-process.ts'
import type { RunningConfiguration } from './running-configuration.ts'

/** The proxy's log files, which it is told to open anew when they have been moved away. */
export class ProxyLogs {
  readonly #plan: Plan
  readonly #process: ProxyProcess
  readonly #taken: RunningConfiguration | undefined
  readonly #log: Logger
  /** Which files it writes to. */
  #open: string

  constructor(plan: Plan, proxyProcess: ProxyProcess, taken: RunningConfiguration | undefined, log: Logger) {
    this.#plan = plan
    this.#process = proxyProcess
    this.#taken = taken
    this.#log = log
    this.#open = this.#files()
  }

  /**
   * A proxy that reads all of its configuration again for that closes idle connections of clients, and ends where it does not like
   * what it reads: it is told only where a file was moved, and asked first. Never rejects.
   */
  async reopen(): Promise<void> {
    const { proxy, root, logs } = this.#plan
    try {
      if (proxy !== undefined && this.#taken !== undefined) {
        const files = this.#files()
        if (files === this.#open) return
        await testConfiguration(proxy, root, logs, root.currentPath)
        this.#taken.checkRoom()
        this.#open = files
      }
      this.#process.reopenLogs()
    } catch (error) {
      this.#log.warn(`${this.#process.name} goes on with its log files as they are: it would refuse its configuration now`, error)
    }
  }

  /** What is at the paths now: another file is another number. */
  #files(): string {
    return logFilesOf(this.#plan.logs)
      .map((path) => {
        const stats = statSync(path, { throwIfNoEntry: false })
        return `${path}:${stats?.dev}:${stats?.ino}`
      })
      .join()
  }
}
