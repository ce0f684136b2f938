import type { RequestMeter } from '../gateway/request-meter.ts'
import { emptyHistogram, observe } from './histogram.ts'

/** Statuses are 101 and those from 200 to 599. */
const STATUSES = 600

/** What the requests of a worker come to. Stands in the path of each: numbers in arrays, nothing is made. */
export class RequestCounts implements RequestMeter {
  readonly #statuses = new Float64Array(STATUSES)
  readonly durations = emptyHistogram()
  readonly queueWaits = emptyHistogram()
  /** Responses that ended before they were complete. */
  brokenResponses = 0
  refusedRequests = 0

  ended(status: number, startedAt: number): void {
    const ms = performance.now() - startedAt
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
    observe(this.durations, ms)
  }

  broken(): void {
    this.brokenResponses += 1
  }

  waited(ms: number): void {
    observe(this.queueWaits, ms)
  }

  refused(): void {
    this.refusedRequests += 1
  }

  /** How many requests had which status; those that none had are left out. */
  get responses(): Record<string, number> {
    const found: Record<string, number> = {}
    for (const [status, count] of this.#statuses.entries()) if (count > 0) found[status] = count
    return found
  }
}
