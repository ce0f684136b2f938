import { spawn } from 'node:child_process'

import { quote } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { Deferred } from '../loading/deferred.ts'

/**
 * Tells the service manager how this one does: sd_notify(3).
 *
 * Its socket is one for datagrams, which Node cannot open; systemd's own `systemd-notify` can. So the unit needs
 * `NotifyAccess=all`: the word comes from a child of the main process. Children run one at a time, each for a limited time,
 * and nobody waits for them who has to serve.
 */

/** The program, from the PATH. */
const PROGRAM = 'systemd-notify'

/** systemd-notify waits up to 5 seconds until its word was heard, milliseconds. */
const LIMIT_MS = 6000

/** Words that may wait for their turn: a service manager that does not listen for minutes has lost the oldest. */
const MAX_WAITING = 8

/** Characters of a status, which is one line of `systemctl status`. */
const MAX_STATUS = 500

/** Characters of the program's own words that a warning repeats. */
const MAX_COMPLAINT = 300

export interface NotifierOptions {
  /** NOTIFY_SOCKET; undefined: nobody listens, and nothing is ever started. */
  readonly socket: string | undefined
  readonly log: Logger
}

/** One message: variables and their values. */
type Word = Readonly<Record<string, string>>

export class ServiceNotifier {
  readonly #options: NotifierOptions
  #waiting: { readonly word: Word; readonly heard: Deferred<void> }[] = []
  #running = false
  #warned = false
  #closed = false
  #stopping = false
  #reloads = 0
  #watchdog: NodeJS.Timeout | undefined

  constructor(options: NotifierOptions) {
    this.#options = options
  }

  /** The service works, or works again. `mainPid`: this process is the main one from now on. Resolves when it has been said; never rejects. */
  ready(status: string, mainPid?: number): Promise<void> {
    return this.#say({ ...(mainPid === undefined ? {} : { MAINPID: String(mainPid) }), READY: '1', STATUS: oneLine(status) })
  }

  /** A reload begins; `reloaded` or `reloadFailed` follows. */
  reloading(): void {
    this.#reloads += 1
    // CLOCK_MONOTONIC, which a unit of Type=notify-reload asks for.
    void this.#say({ RELOADING: '1', MONOTONIC_USEC: String(process.hrtime.bigint() / 1000n), STATUS: 'Reloading' })
  }

  reloaded(workers: number): void {
    this.#reloadOver(`Serving: ${workers} worker(s) reloaded`)
  }

  /** The old workers serve on. */
  reloadFailed(error: unknown): void {
    this.#reloadOver(`Serving, but the reload failed: ${messageOf(error)}`)
  }

  upgradeFailed(error: unknown): void {
    void this.#say({ STATUS: oneLine(`Serving, but the new master failed: ${messageOf(error)}`) })
  }

  stopping(): void {
    this.#stopping = true
    clearInterval(this.#watchdog)
    void this.#say({ STOPPING: '1', STATUS: 'Stopping' })
  }

  /** The service manager waits for the end of the last one. */
  #reloadOver(status: string): void {
    this.#reloads -= 1
    if (this.#reloads === 0 && !this.#stopping) void this.ready(status)
  }

  /**
   * From now on a sign of life at half of the time that the service manager waits for one, WATCHDOG_USEC, as long as any worker takes
   * requests: no worker for all that time, or a loop that does not turn, and it starts the service again.
   */
  watch(timeoutMs: number | undefined, workers: () => readonly { readonly state: string }[]): void {
    if (timeoutMs === undefined || this.#options.socket === undefined || this.#closed) return
    clearInterval(this.#watchdog)
    this.#watchdog = setInterval(() => {
      // One that waits, or is on its way, is as good as another.
      if (!this.#running && workers().some(({ state }) => state === 'ready')) void this.#say({ WATCHDOG: '1' })
    }, timeoutMs / 2)
    this.#watchdog.unref()
  }

  /** Another process speaks for the service from now on. */
  close(): void {
    this.#closed = true
    clearInterval(this.#watchdog)
    for (const { heard } of this.#waiting) heard.resolve()
    this.#waiting = []
  }

  #say(word: Word): Promise<void> {
    const heard = new Deferred<void>()
    if (this.#options.socket === undefined || this.#closed) heard.resolve()
    else {
      this.#waiting.push({ word, heard })
      while (this.#waiting.length > MAX_WAITING) this.#waiting.shift()?.heard.resolve()
      this.#next(this.#options.socket)
    }
    return heard.promise
  }

  #next(socket: string): void {
    if (this.#running) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.#running = true
    const over = (problem?: string): void => {
      if (!this.#running) return
      this.#running = false
      if (problem !== undefined) this.#warn(problem)
      next.heard.resolve()
      this.#next(socket)
    }
    const child = spawn(
      PROGRAM,
      Object.entries(next.word).map(([name, value]) => `${name}=${value}`),
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env['PATH'], NOTIFY_SOCKET: socket },
        timeout: LIMIT_MS,
        killSignal: 'SIGKILL',
      },
    )
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(0, MAX_COMPLAINT)))
    child.once('error', (error) => over(quote(error)))
    child.once('close', (code, signal) => {
      over(
        code === 0
          ? undefined
          : `it ended with ${signal ?? `code ${code ?? 0}`}${complaint === '' ? '' : `: ${quote(complaint.trim())}`}`,
      )
    })
  }

  #warn(problem: string): void {
    if (this.#warned) return
    this.#warned = true
    const advice = `install it (Debian: package systemd) and set NotifyAccess=all, or make the unit Type=exec`
    this.#options.log.warn(`the service manager cannot be told how this service does: ${PROGRAM}: ${problem}; ${advice}`)
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, MAX_STATUS)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
