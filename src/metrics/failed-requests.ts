import type { ErrorCode } from '../interface/errors.ts'

/** A request that failed between the proxy and a worker, and why. */
export interface FailedRequest {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly code: ErrorCode
  /** `GET /x [id]` */
  readonly label: string
  /** What happened, and what to do. */
  readonly text: string
}

/** The last ones that are kept. */
const KEPT = 100

/** How many requests failed, and why the last ones did. */
export class FailedRequests {
  readonly #counts: Record<string, number> = {}
  readonly #last: FailedRequest[] = []

  add(failure: Omit<FailedRequest, 'at'>): void {
    this.#counts[failure.code] = (this.#counts[failure.code] ?? 0) + 1
    this.#last.push({ at: Date.now(), ...failure })
    if (this.#last.length > KEPT) this.#last.shift()
  }

  /** By code. */
  get counts(): Record<string, number> {
    return { ...this.#counts }
  }

  /** The oldest first. */
  get last(): readonly FailedRequest[] {
    return this.#last
  }
}
