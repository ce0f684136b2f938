import type { WorkerProcess } from './worker-process.ts'

/** Above this part of the time busy, on average, one more worker helps; below the second, one fewer is enough. */
const BUSY = 0.7
const IDLE = 0.3

/** Looks in a row, a second apart, before a worker is started, and before one ends: a start is cheap and urgent, an end is neither. */
const LOOKS_TO_GROW = 2
const LOOKS_TO_SHRINK = 30

/** How many workers there should be, from how busy they are: uWSGI's "cheaper". */
export class WorkerScaling {
  #busyLooks = 0
  #idleLooks = 0

  /** Called about once a second with the worker of each place. */
  next(
    workers: readonly (Pick<WorkerProcess, 'state' | 'stats'> | undefined)[],
    limits: { readonly minimum: number; readonly maximum: number },
  ): number {
    const size = workers.length
    // One that starts will take load that the others show still.
    if (workers.some((worker) => worker?.state !== 'ready' || worker.stats === undefined)) return this.#keep(size)
    const total = workers.reduce((sum, worker) => sum + (worker?.stats?.loopUtilization ?? 0), 0)
    const busy = total / size > BUSY && size < limits.maximum
    // Asked of those that would be left.
    const idle = size > limits.minimum && size > 1 && total / (size - 1) < IDLE
    this.#busyLooks = busy ? this.#busyLooks + 1 : 0
    this.#idleLooks = idle ? this.#idleLooks + 1 : 0
    if (this.#busyLooks >= LOOKS_TO_GROW) return this.#keep(size + 1)
    if (this.#idleLooks >= LOOKS_TO_SHRINK) return this.#keep(size - 1)
    return Math.min(Math.max(size, limits.minimum), limits.maximum)
  }

  #keep(size: number): number {
    this.#busyLooks = 0
    this.#idleLooks = 0
    return size
  }
}
