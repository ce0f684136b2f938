import type { InterfaceChoice } from '../loading/detect-application.ts'
import type { BootFailure } from '../process/worker-messages.ts'

/** What the process that has the application is told first. */
export interface ReplayOrder {
  readonly replay: 'order'
  readonly file: string
  readonly exportName: string | undefined
  readonly interface: InterfaceChoice
  readonly loader: boolean
  /** `''` or `'/x'`. */
  readonly mountPoint: string
  /** What a request gets until its response is whole, milliseconds. */
  readonly requestTimeoutMs: number
}

/** One request at a time; undefined `request`: that was the last one. */
export interface ReplayAsk {
  readonly replay: 'ask'
  readonly request: { readonly params: readonly string[]; readonly body: string } | undefined
}

/** A response, bytes in base64. */
export interface ReplayAnswer {
  readonly replay: 'answer'
  readonly status: string
  readonly fields: string
  readonly complete: boolean
  readonly bytes: number
  readonly sha256: string
  readonly body: string
  /** What the server would have logged as errors. */
  readonly errors: readonly string[]
}

/** What that process tells. */
export type ReplayMessage =
  | { readonly replay: 'ready' }
  | { readonly replay: 'needs-loader' }
  | { readonly replay: 'failed'; readonly failure: BootFailure }
  | { readonly replay: 'done' }
  | ReplayAnswer

/** A message of ours, or undefined: the application's own messages are not. */
export function readReplayMessage<T extends { readonly replay: string }>(value: unknown): T | undefined {
  const isOurs = typeof value === 'object' && value !== null && 'replay' in value && typeof value.replay === 'string'
  // Both ends are this program, of one version; the application has no reason to call anything by this name.
  return isOurs ? (value as T) : undefined
}
