import { FailedRequests } from './failed-requests.ts'
import { SlowRequests } from './slow-requests.ts'
import { emptyCounters, sumOfCounters } from './worker-metrics.ts'
import type { WorkerCounters, WorkerGauges, WorkerMetrics } from './worker-metrics.ts'

/** A worker as its master sees it. */
export interface CountedWorker {
  /** Of the process: no other one of this server has had it. */
  readonly id: number
  readonly pid: number
  /** Its place among the workers, from 0: another one has it when this one has ended. */
  readonly index: number
  readonly generation: number
  readonly state: 'booting' | 'ready' | 'stopping'
  readonly ageMs: number
  readonly stats?: { readonly metrics?: WorkerMetrics | undefined } | undefined
}

/** One application with its workers, for one moment. */
export interface ApplicationSnapshot {
  /** Where it is mounted: `/`, `/x`. */
  readonly mount: string
  readonly wantedWorkers: number
  /** Of all workers that there have been. */
  readonly counters: WorkerCounters
  readonly workerStarts: number
  /** Workers that have ended, by the cause. */
  readonly workerEndings: Readonly<Record<string, number>>
  readonly reloads: Readonly<Record<'done' | 'failed', number>>
  /** Requests that failed between the proxy and a worker, by the code of the line that explains them. */
  readonly failedRequests: Readonly<Record<string, number>>
  /** Requests that were not answered within --slow-request-time. */
  readonly slowRequests: number
  readonly workers: readonly WorkerSnapshot[]
}

export interface WorkerSnapshot extends Omit<CountedWorker, 'stats'> {
  /** Those that it has answered. */
  readonly requests: number
  /** Undefined where it has told nothing of itself yet. */
  readonly gauges: WorkerGauges | undefined
}

/** Something that has happened to workers, for people. */
export interface WorkerEvent {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly what: 'started' | 'ready' | 'ended' | 'reloaded' | 'reload-failed'
  readonly worker?: Pick<CountedWorker, 'id' | 'pid' | 'index'>
  /** Of an end: `reload`, `max-requests`, `signal`. */
  readonly cause?: string
  /** One line. */
  readonly text?: string
}

/** Kept for whoever asks what has happened: at a worker a second, a quarter of an hour. */
const MAX_EVENTS = 1000

/** What an application's workers have done, kept while they come and go. */
export class ApplicationMetrics {
  /** Those that may still tell something: a worker's last words come behind its exit now and then. */
  readonly #telling = new Set<CountedWorker>()
  #silent = emptyCounters()
  #starts = 0
  readonly #endings: Record<string, number> = {}
  readonly #reloads = { done: 0, failed: 0 }
  readonly #events: WorkerEvent[] = []
  readonly failures = new FailedRequests()
  readonly slow = new SlowRequests()

  started(worker: CountedWorker): void {
    this.#starts += 1
    if (worker.pid !== 0) this.#telling.add(worker)
    this.#happened({ what: 'started', worker })
  }

  ready(worker: CountedWorker): void {
    this.#happened({ what: 'ready', worker })
  }

  ended(worker: CountedWorker, cause: string, text: string): void {
    this.slow.ended(worker.pid)
    this.#endings[cause] = (this.#endings[cause] ?? 0) + 1
    this.#happened({ what: 'ended', worker, cause, text })
  }

  /** It has told all that it ever will, which stays counted. */
  silent(worker: CountedWorker): void {
    const counters = worker.stats?.metrics?.counters
    if (this.#telling.delete(worker) && counters !== undefined) this.#silent = sumOfCounters([this.#silent, counters])
  }

  reloaded(): void {
    this.#reloads.done += 1
    this.#happened({ what: 'reloaded' })
  }

  reloadFailed(text: string): void {
    this.#reloads.failed += 1
    this.#happened({ what: 'reload-failed', text })
  }

  /** The last ones, the oldest first. */
  get events(): readonly WorkerEvent[] {
    return this.#events
  }

  snapshot(mount: string, wantedWorkers: number, workers: readonly CountedWorker[]): ApplicationSnapshot {
    const told = [...this.#telling].flatMap(({ stats }) => stats?.metrics?.counters ?? [])
    return {
      mount,
      wantedWorkers,
      counters: sumOfCounters([this.#silent, ...told]),
      workerStarts: this.#starts,
      workerEndings: { ...this.#endings },
      reloads: { ...this.#reloads },
      failedRequests: this.failures.counts,
      slowRequests: this.slow.count,
      workers: workers.map(({ id, pid, index, generation, state, ageMs, stats }) => ({
        ...{ id, pid, index, generation, state, ageMs },
        requests: requestsOf(stats?.metrics?.counters),
        gauges: stats?.metrics?.gauges,
      })),
    }
  }

  #happened(event: Omit<WorkerEvent, 'at'>): void {
    const { worker, ...rest } = event
    // Not the process itself, which would be kept.
    const kept = worker === undefined ? {} : { worker: { id: worker.id, pid: worker.pid, index: worker.index } }
    this.#events.push({ at: Date.now(), ...rest, ...kept })
    if (this.#events.length > MAX_EVENTS) this.#events.shift()
  }
}

function requestsOf(counters: WorkerCounters | undefined): number {
  return Object.values(counters?.responses ?? {}).reduce((sum, count) => sum + count, 0)
}
