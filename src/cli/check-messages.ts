import type { ErrorCode } from '../interface/errors.ts'
import type { InterfaceChoice } from '../loading/detect-application.ts'
import type { BootFailure } from '../process/worker-messages.ts'

/** What the process that has the application is told. */
export interface CheckOrder {
  readonly file: string
  readonly exportName: string | undefined
  readonly interface: InterfaceChoice
  readonly loader: boolean
  /** `''` or `'/x'`. */
  readonly mountPoint: string
  /** Below the mount point; each begins with a slash and may have a query. */
  readonly paths: readonly string[]
}

/** Something that was seen to be wrong. */
export interface CheckProblem {
  readonly severity: 'error' | 'warning'
  readonly code: ErrorCode
  /** The number of a rule of TSGI 1.0; null where it is none of them. */
  readonly rule: string | null
  readonly by: 'application' | 'server'
  readonly seen: string
  readonly expected: string | null
  /** Which of the requests; null: none of them. */
  readonly request: string | null
  /** Where in the application, as far as a stack tells it. */
  readonly where: string | null
}

/** One request, and what came of it. */
export interface CheckedRequest {
  readonly request: string
  /** 0: no answer. */
  readonly status: number
  readonly problems: readonly CheckProblem[]
}

export interface CheckResult {
  readonly kind: 'tsgi' | 'fetch' | 'node'
  readonly exportName: string | null
  readonly requests: readonly CheckedRequest[]
  /** What belongs to no request: the application itself, its startup and its shutdown. */
  readonly problems: readonly CheckProblem[]
}

/** What that process tells. A step is a sign of life: what it is at. */
export type CheckMessage =
  | { readonly check: 'step'; readonly at: string }
  | { readonly check: 'needs-loader' }
  | { readonly check: 'failed'; readonly failure: BootFailure }
  | { readonly check: 'done'; readonly result: CheckResult }

/** A message of ours, or undefined: the application's own messages are not. */
export function readCheckMessage(value: unknown): CheckMessage | undefined {
  const isOurs = typeof value === 'object' && value !== null && 'check' in value && typeof value.check === 'string'
  // Both ends are this program, of one version; the application has no reason to call anything by this name.
  return isOurs ? (value as CheckMessage) : undefined
}
