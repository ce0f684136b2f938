import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { LineBudget } from './line-budget.ts'

/** A request over the threshold, once while it runs and once at its end. */
export interface SlowReport {
  /** `GET /x [id]` */
  readonly label: string
  /** From the application's call on. */
  readonly ms: number
  readonly running: boolean
  /** Of its response, once it has ended; 499: its client had left, 444: there was none. */
  readonly status?: number
  /** Of the code that blocks the event loop, where that is why; the innermost first. */
  readonly stack?: readonly string[]
}

/** Tells of requests that take long: in the log, and to the master. */
export class SlowRequests {
  readonly thresholdMs: number
  readonly #log: Logger
  readonly #tell: (report: SlowReport) => void
  readonly #budget = new LineBudget()

  constructor(thresholdMs: number, log: Logger, tell: (report: SlowReport) => void) {
    this.thresholdMs = thresholdMs
    this.#log = log
    this.#tell = tell
  }

  /** It has begun no response yet. */
  running(label: string, ms: number): void {
    this.#tell({ label, ms, running: true })
    if (this.#mayLog('running'))
      this.#log.warn(`${label} is not answered after ${seconds(ms)}`, new TsgiError('TSGI_ERR_SLOW_REQUEST'))
  }

  /** The event loop is blocked, by this request or another one. Whoever has found that out logs it. */
  blocked(label: string, ms: number, stack: readonly string[]): void {
    this.#tell({ label, ms, running: true, stack })
  }

  ended(label: string, ms: number, status: number): void {
    this.#tell({ label, ms, running: false, status })
    // The same event: counted once.
    if (this.#mayLog('ended')) this.#log.warn(`TSGI_ERR_SLOW_REQUEST ${label} ended with ${status} after ${seconds(ms)}`)
  }

  #mayLog(what: 'running' | 'ended'): boolean {
    for (const [, count] of this.#budget.rest(performance.now())) {
      this.#log.warn(`TSGI_ERR_SLOW_REQUEST and ${count} more lines on slow requests in the last seconds`)
    }
    return this.#budget.take(what)
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
