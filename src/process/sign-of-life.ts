/**
 * What a worker lets its master know beyond what changes its state: that its event loop turns, and where it is stuck.
 * In the same channel as worker-messages.ts.
 */
export type SignOfLife =
  /** `debugged`: a debugger may hold the worker for as long as somebody looks at it. */
  | { readonly tsgi: 'beat'; readonly debugged: boolean }
  /** The worker is about to be killed by the thread that watches it. */
  | { readonly tsgi: 'stuck'; readonly where: string; readonly stuckMs: number }

/** A function's name and place may be as long as its author likes; what the master repeats has an end. */
const MAX_WHERE_CHARACTERS = 300

export function readSignOfLife(value: unknown): SignOfLife | undefined {
  if (typeof value !== 'object' || value === null || !('tsgi' in value)) return undefined
  if (value.tsgi === 'beat') return { tsgi: 'beat', debugged: 'debugged' in value && value.debugged === true }
  if (value.tsgi !== 'stuck' || !('where' in value) || !('stuckMs' in value)) return undefined
  const { where, stuckMs } = value
  if (typeof where !== 'string' || typeof stuckMs !== 'number') return undefined
  return { tsgi: 'stuck', where: where.slice(0, MAX_WHERE_CHARACTERS), stuckMs }
}

/** What the watch within the worker gets beyond the timeout, to find out where it is stuck and to kill it, milliseconds. */
const GRACE_MS = 5000

/** How often the master looks, milliseconds. */
const LOOK_EVERY_MS = 1000

/**
 * The master's own watch over a worker, for what the thread within cannot see: a process that was stopped, or whose threads
 * are stuck together. Begins with the first beat.
 */
export class LifeWatch {
  readonly #timer: NodeJS.Timeout
  #lastLook = performance.now()
  #lastBeat = this.#lastLook
  #debugged = false

  constructor(timeoutMs: number, onSilent: (silentMs: number) => void) {
    this.#timer = setInterval(() => {
      const now = performance.now()
      // The master itself was stopped, and its workers perhaps with it.
      if (now - this.#lastLook > 3 * LOOK_EVERY_MS || this.#debugged) this.#lastBeat = now
      this.#lastLook = now
      const silentMs = now - this.#lastBeat
      if (silentMs <= timeoutMs + GRACE_MS) return
      this.stop()
      onSilent(silentMs)
    }, LOOK_EVERY_MS)
  }

  beat(debugged: boolean): void {
    this.#lastBeat = performance.now()
    this.#debugged = debugged
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
