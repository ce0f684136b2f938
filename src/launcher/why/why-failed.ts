import { statSync } from 'node:fs'

import { quote, TsgiError } from '../../interface/errors.ts'
import type { ErrorCode } from '../../interface/errors.ts'
import type { Logger } from '../../interface/logger.ts'
import type { EndedWorker } from '../../process/ended-worker.ts'
import { LineBudget } from '../../server/line-budget.ts'
import { CAUSES } from './causes.ts'
import type { FailedRequest } from './failed-request.ts'

/** A worker's end is known a moment after the proxy has seen its connections close: so long a failure waits for it, milliseconds. */
const SETTLE_MS = 400

/** A worker that ended so long before or after is another matter, milliseconds. */
const SAME_MOMENT_MS = 1500

/** The same where nothing else says that the request has failed, milliseconds. */
const VERY_MOMENT_MS = 300

/** Failures that wait. Beyond them the oldest is explained with what is known. */
const MAX_WAITING = 4096

/** Ends of workers that are remembered. */
const MAX_ENDS = 256

export interface WhyOptions {
  readonly log: Logger
  readonly applications: readonly ExplainedApplication[]
}

/** An application and where it is. */
export interface ExplainedApplication extends FailureCounter {
  readonly socketPath: string
  /** `''` or `/x` */
  readonly mountPoint: string
}

/** Counts an application's failed requests. */
export interface FailureCounter {
  failed(failure: { readonly code: ErrorCode; readonly label: string; readonly text: string }): void
}

/** A failure that waits for what else may become known of it. */
interface Waiting {
  readonly request: FailedRequest
  readonly application: ExplainedApplication
  readonly since: number
}

/**
 * Writes one line for each request that failed between proxy and application: what happened, the id that its client has seen, and
 * what to do. The proxy knows the request, the master knows its workers; the time brings them together.
 */
export class WhyFailed {
  readonly #options: WhyOptions
  readonly #waiting: Waiting[] = []
  readonly #ends: { readonly socketPath: string; readonly worker: EndedWorker }[] = []
  readonly #budget = new LineBudget()

  constructor(options: WhyOptions) {
    this.#options = options
  }

  failed(request: FailedRequest): void {
    const application = this.#applicationOf(request)
    // Of a server that somebody else runs.
    if (application === undefined) return
    const { socketPath } = application
    this.#waiting.push({ request: { ...request, socketPath }, application, since: performance.now() })
    if (this.#waiting.length > MAX_WAITING) this.#explain(this.#waiting.shift())
  }

  ended(socketPath: string, worker: EndedWorker): void {
    this.#ends.push({ socketPath, worker })
    if (this.#ends.length > MAX_ENDS) this.#ends.shift()
  }

  /** The proxy told more than could be read. */
  skipped(bytes: number): void {
    this.#options.log.warn(`more requests failed than could be explained: ${bytes} bytes of what the proxy says were passed over`)
  }

  /** Explains what has waited long enough. `all`: everything, for the end. */
  look(all = false): void {
    const now = performance.now()
    while (this.#waiting.length > 0 && (all || now - (this.#waiting[0]?.since ?? 0) >= SETTLE_MS))
      this.#explain(this.#waiting.shift())
    for (const [code, count] of this.#budget.rest(now, all)) {
      this.#options.log.error(`${code} and ${count} more requests in the last seconds, for the same reason`)
    }
  }

  #explain(waiting: Waiting | undefined): void {
    if (waiting === undefined) return
    const { request, application } = waiting
    const facts = {
      request,
      worker: this.#endAt(request),
      socket: () => describeSocket(request.socketPath),
    }
    if (request.doubtful === true && facts.worker === undefined) return
    const cause = CAUSES.find(({ fits }) => fits(facts))
    if (cause === undefined) return
    const { code, level, what, fix } = cause
    const label = `${quote(withoutProtocol(request.request)).slice(1, -1)} [${request.id}]`
    const text = `${what(facts)}. ${typeof fix === 'string' ? fix : fix(facts)}.`
    application.failed({ code, label, text })
    if (!this.#budget.take(code)) return
    const outcome = request.begun || request.status === 0 ? 'was broken off' : `got ${request.status}`
    if (level === 'debug') this.#options.log.debug(`${code} ${label}: ${text}`)
    else this.#options.log.error(`${label} ${outcome}`, new TsgiError(code, text))
  }

  /** By its socket, else by its URL: the one with the longest mount point that is above it. */
  #applicationOf({ socketPath, request }: FailedRequest): ExplainedApplication | undefined {
    const { applications } = this.#options
    if (socketPath !== undefined) return applications.find((each) => each.socketPath === socketPath)
    const path = / (\/[^ ?]*)/.exec(request)?.[1] ?? '/'
    const above = applications.filter(({ mountPoint }) => `${path}/`.startsWith(`${mountPoint}/`))
    return above.toSorted((a, b) => b.mountPoint.length - a.mountPoint.length)[0] ?? applications[0]
  }

  /** The one that ended nearest to it. */
  #endAt({ at, socketPath, doubtful }: FailedRequest): EndedWorker | undefined {
    const limit = doubtful === true ? VERY_MOMENT_MS : SAME_MOMENT_MS
    const distance = ({ worker }: { worker: EndedWorker }): number => Math.abs(worker.at - at)
    return this.#ends
      .filter((end) => (socketPath === undefined || end.socketPath === socketPath) && distance(end) <= limit)
      .toSorted((a, b) => distance(a) - distance(b))[0]?.worker
  }
}

/** `GET /x` of `GET /x HTTP/1.1`. */
function withoutProtocol(request: string): string {
  return request.replace(/ HTTP\/[\d.]+$/, '') || '-'
}

function describeSocket(path: string | undefined): string {
  if (path === undefined) return 'unknown'
  try {
    const { mode, uid, gid } = statSync(path)
    return `mode ${(mode & 0o777).toString(8)}, owner ${uid}:${gid}`
  } catch {
    return 'nothing is there'
  }
}
