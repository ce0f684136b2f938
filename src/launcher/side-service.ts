import type { ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'

import { quote } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { loaderReason, loaderUrl } from '../loading/typescript-loader.ts'
import type { StopKind } from '../process/master-event.ts'
import type { Companion } from '../process/supervise.ts'
import { accountVariables, spawnWithRights } from '../process/worker-rights.ts'
import type { WorkerRights } from '../process/worker-rights.ts'
import { OutputLines } from './output-lines.ts'

/** The first wait before a script that has ended is run again, and the longest, each twice the one before. Milliseconds. */
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000

/** A script that ran so long was well: its next end waits as the first one does. Milliseconds. */
const HEALTHY_MS = 60_000

/** What a quick stop gives, milliseconds. */
const QUICK_STOP_MS = 1000

export interface SideServiceOptions {
  readonly name: string
  /** JavaScript or TypeScript, from the current directory. */
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly rights: WorkerRights
  readonly gracefulTimeoutMs: number
  readonly log: Logger
  /** Takes a line of its output. */
  readonly write: (line: string) => void
}

/** A script that runs beside the workers: a queue's consumer, a scheduler. When it ends it is run again; it stops with the server. */
export class SideService implements Companion {
  readonly name: string
  /** Only a stop ends it. */
  readonly exited: Promise<string>
  readonly #options: SideServiceOptions
  #child: ChildProcess | undefined
  #ended: (line: string) => void = () => {}
  #timer: NodeJS.Timeout | undefined
  #waitMs = FIRST_WAIT_MS
  #startedAt = 0
  #stopping = false
  #again = false

  constructor(options: SideServiceOptions) {
    this.#options = options
    this.name = `service ${options.name}`
    this.exited = new Promise((settle) => {
      this.#ended = settle
    })
    this.#start()
  }

  /** The code has changed: it ends, and starts again at once. */
  reload(): void {
    if (this.#stopping) return
    if (this.#child === undefined) {
      clearTimeout(this.#timer)
      this.#start()
      return
    }
    this.#again = true
    this.#end(this.#child, this.#options.gracefulTimeoutMs)
  }

  /** TERM, and KILL when its time is over. Resolves when it has ended. */
  async stop(how: StopKind): Promise<void> {
    const again = this.#stopping
    this.#stopping = true
    clearTimeout(this.#timer)
    if (this.#child === undefined) this.#ended('stopped')
    else if (again && how === 'quick') this.#child.kill('SIGKILL')
    else this.#end(this.#child, how === 'quick' ? QUICK_STOP_MS : this.#options.gracefulTimeoutMs)
    await this.exited
  }

  #start(): void {
    const { name, file, env, rights, log, write } = this.#options
    const path = resolve(file)
    this.#again = false
    this.#startedAt = performance.now()
    const child = spawnWithRights(
      process.execPath,
      [...(loaderReason(path) === undefined ? [] : ['--import', loaderUrl()]), path],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { NODE_ENV: 'production', ...process.env, ...accountVariables(rights.account), ...env, TSGI_SERVICE: name },
      },
      rights,
    )
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new OutputLines((line) => write(`[${name}] ${line}`))
      stream?.on('data', (chunk: Buffer) => lines.push(chunk))
      stream?.on('end', () => lines.end())
    }
    child.once('spawn', () => log.info(`${this.name} (${file}) runs as pid ${child.pid}`))
    child.once('error', (error) => {
      if (child.pid === undefined) this.#onEnd(`could not be started: ${quote(error)}`)
    })
    child.once('exit', (code, signal) => {
      this.#onEnd(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`)
    })
  }

  #onEnd(how: string): void {
    this.#child = undefined
    if (this.#stopping) return this.#ended(how)
    if (this.#again) return this.#start()
    if (performance.now() - this.#startedAt >= HEALTHY_MS) this.#waitMs = FIRST_WAIT_MS
    this.#options.log.warn(`${this.name} ${how}; it is run again in ${this.#waitMs / 1000} s`)
    this.#timer = setTimeout(() => this.#start(), this.#waitMs)
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS)
  }

  #end(child: ChildProcess, ms: number): void {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), ms)
    child.once('exit', () => clearTimeout(timer))
  }
}
