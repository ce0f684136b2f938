import type { RecycleReason } from './worker-messages.ts'
import type { WorkerProcess } from './worker-process.ts'

/** When a worker that serves is replaced by a new one. 0 or absent: never. */
export interface RecyclingLimits {
  /** Milliseconds from when it was ready. */
  readonly workerLifetimeMs?: number
  /** Bytes of resident memory. */
  readonly workerMaxRssBytes?: number
}

/**
 * A worker is larger than it may be when so many looks in a row, a second apart, have found it so: one large request that is
 * over the next moment is no leak.
 */
const RSS_LOOKS = 5

/** Each worker lives up to this part longer than it may, by its number, so that workers that started together do not end together. */
const LIFETIME_SPREAD = 0.1

/** Why a worker should be replaced; undefined where it should not. Called about once a second. `now`: see `performance.now()`. */
export function whyRecycle(worker: WorkerProcess, limits: RecyclingLimits, now: number): RecycleReason | undefined {
  if (worker.state !== 'ready') return undefined
  const { workerLifetimeMs = 0, workerMaxRssBytes = 0 } = limits
  // Multiples of the golden ratio lie far from each other, however many there are.
  const lifetime = workerLifetimeMs * (1 + LIFETIME_SPREAD * ((worker.id * 0.618) % 1))
  if (workerLifetimeMs > 0 && now - worker.readyAt > lifetime) return 'worker-lifetime'
  if (workerMaxRssBytes === 0 || worker.stats === undefined) return undefined
  worker.largeLooks = worker.stats.rssBytes > workerMaxRssBytes ? worker.largeLooks + 1 : 0
  return worker.largeLooks >= RSS_LOOKS ? 'worker-max-rss' : undefined
}
