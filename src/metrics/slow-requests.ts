/** A request that took, or takes, longer than --slow-request-time to be answered. */
export interface SlowRequest {
  /** When it was noticed, milliseconds since 1970. */
  readonly at: number
  /** The pid of the worker. */
  readonly worker: number
  /** `GET /x [id]` */
  readonly label: string
  /** From the application's call on, until it was noticed, or until its end. */
  readonly ms: number
  readonly running: boolean
  /** Once it has ended. */
  readonly status?: number | undefined
  /** Of the code that blocked the event loop, the innermost frame first; undefined: nothing did. */
  readonly stack?: readonly string[] | undefined
}

/** The last ones that are kept. */
const KEPT = 100

/** How many requests were slow, and the last ones of them. */
export class SlowRequests {
  count = 0
  readonly #last: SlowRequest[] = []

  /** What a worker tells: that one is slow, then that it has ended. */
  add(worker: number, report: Omit<SlowRequest, 'at' | 'worker'>): void {
    const before = this.#last.findLastIndex((each) => each.worker === worker && each.label === report.label && each.running)
    const known = this.#last[before]
    if (known !== undefined) {
      this.#last[before] = { ...known, ...report, stack: report.stack ?? known.stack }
      return
    }
    // An end whose beginning is forgotten, or lost with a full channel.
    this.count += report.running ? 1 : 0
    this.#last.push({ at: Date.now(), worker, ...report })
    if (this.#last.length > KEPT) this.#last.shift()
  }

  /** The worker has ended, and its requests with it. */
  ended(worker: number): void {
    for (const [index, each] of this.#last.entries()) {
      if (each.worker === worker && each.running)
        this.#last[index] = { ...each, running: false, ms: each.ms + Date.now() - each.at }
    }
  }

  /** The oldest first. */
  get last(): readonly SlowRequest[] {
    return this.#last
  }
}
