import type { MasterOptions } from './master-options.ts'
import { whyRecycle } from './recycling.ts'
import type { WorkerPool } from './worker-pool.ts'
import { WorkerScaling } from './worker-scaling.ts'

/** What is looked after while everything runs: workers that have become old or large, and how busy they are. */
export class Upkeep {
  readonly #scaling = new WorkerScaling()

  /** Called about once a second. Has workers replaced that should be; returns how many there should be. */
  look(
    pool: WorkerPool,
    options: Pick<MasterOptions, 'workers' | 'minWorkers' | 'workerLifetimeMs' | 'workerMaxRssBytes'>,
  ): number {
    const now = performance.now()
    const workers = pool.slots.map(({ worker }) => worker)
    for (const worker of workers) {
      const reason = worker === undefined ? undefined : whyRecycle(worker, options, now)
      if (worker !== undefined && reason !== undefined) pool.recycle(worker, reason)
    }
    const { minWorkers: minimum, workers: maximum } = options
    if (minimum === undefined || minimum >= maximum || pool.reloading) return workers.length
    return this.#scaling.next(workers, { minimum, maximum })
  }
}
