import type { FailureReport } from '../development/failure-report.ts'
import type { Backend } from './forward.ts'

/** What there is for a request, once it is known. `generation` counts the states of the code. */
export type Serving =
  | {
      readonly type: 'worker'
      readonly backend: Backend
      readonly generation: number
      /** Aborted when nobody waits any more for answers that the worker has not begun: there is newer code. */
      readonly overdue: AbortSignal
    }
  | { readonly type: 'failed'; readonly report: Omit<FailureReport, 'request'>; readonly generation: number }
