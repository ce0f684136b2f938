import type { Result } from './engine.ts'

/** What a thread is to do. */
export interface Job {
  readonly target: string
  readonly inputs: number
  readonly seed: number
  /** Inputs so far and the length of the last one, a 32-bit number each; then that input. */
  readonly shared: SharedArrayBuffer
}

/** What it says. */
export type Message =
  | { readonly type: 'progress'; readonly inputs: number }
  | { readonly type: 'result'; readonly result: Result }
