/** What the event loop of a worker and the thread that watches it agree on. */

/** Words of the shared memory: a count that grows with each turn of the interval, and whether a debugger may hold the loop. */
export const BEAT = 0
export const DEBUGGED = 1
export const WORDS = 2

/** The symbol under which the watched thread has the function that the other calls through the debugger. */
export const HEARTBEAT = 'tsgi.heartbeat'

export interface ThreadData {
  readonly words: Int32Array
  /** When it is killed; 0: never. */
  readonly timeoutMs: number
  /** When it is told where it is blocked; 0: never. */
  readonly slowMs: number
  readonly beatMs: number
  readonly masterPid: number
  /** The error log where it is a file: it may have become another one than standard error. */
  readonly errorLog: string | undefined
}

/** What the thread wants the watched one for, while that is paused. */
export interface StuckQuestion {
  readonly frames: readonly StackFrame[]
  readonly stuckMs: number
  /** It is killed next; else it goes on. */
  readonly fatal: boolean
}

/** A frame as the debugger has it: lines and columns from 0, in the code that runs. */
export interface StackFrame {
  readonly name: string
  readonly url: string
  readonly line: number
  readonly column: number
}

export interface StuckReport {
  /** The innermost frame that is not Node's own. */
  readonly where: string
  /** The innermost first. */
  readonly stack: readonly string[]
  readonly requests: readonly string[]
  readonly moreRequests: number
}
