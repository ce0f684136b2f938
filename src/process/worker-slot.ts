import type { WorkerProcess } from './worker-process.ts'

/** A worker that was ready for this long has shown that it can live; its death says nothing about the next one. Milliseconds. */
const LONG_LIFE_MS = 2000

/** The waits before a worker that keeps dying is started again, milliseconds: none, then from the first, doubled up to the last. */
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 30_000

/** The longest wait after workers that could serve: what kills them may be one request, and must not end the service for all others. */
const LONGEST_DELAY_AFTER_READY_MS = 1000

/** One of the places that `--workers` asks for, and the process that fills it. */
export class WorkerSlot {
  /** From 0; two processes have it while one takes the place of the other. */
  readonly index: number
  worker: WorkerProcess | undefined
  /** A worker that starts to take the place of `worker`, which serves until then. */
  next: WorkerProcess | undefined
  /** Runs while the place waits to be filled again. */
  timer: NodeJS.Timeout | undefined
  /** Workers in a row that died young. */
  quickDeaths = 0

  constructor(index: number) {
    this.index = index
  }

  /** Counts a death; how long to wait before the place is filled again, milliseconds. `readyForMs`: 0 where it never was ready. */
  delayAfterDeath(readyForMs: number): number {
    this.quickDeaths = readyForMs >= LONG_LIFE_MS ? 0 : this.quickDeaths + 1
    if (this.quickDeaths < 2) return 0
    const longest = readyForMs > 0 ? LONGEST_DELAY_AFTER_READY_MS : LONGEST_DELAY_MS
    return Math.min(FIRST_DELAY_MS * 2 ** (this.quickDeaths - 2), longest)
  }
}
