import { ApplicationMetrics } from '../metrics/application-metrics.ts'
import type { ApplicationSnapshot, CountedWorker, WorkerEvent } from '../metrics/application-metrics.ts'
import type { FailedRequest } from '../metrics/failed-requests.ts'
import type { SlowRequest } from '../metrics/slow-requests.ts'
import { causeOfEnd, describeExit } from './exit-meaning.ts'
import type { MasterOptions } from './master-options.ts'
import type { WorkerEvents, WorkerProcess } from './worker-process.ts'

/** What workers get to tell how they do now, milliseconds: one that is busy has told it a second ago at most. */
const REPORT_MS = 250

/** A worker that can be asked how it does. */
type Reporter = CountedWorker & Pick<WorkerProcess, 'report'>

/** Counts what becomes of a master's workers, and keeps what they have counted. */
export class MasterMetrics {
  readonly #application = new ApplicationMetrics()
  /** Told whenever one of these has told something. */
  readonly #listeners = new Set<(worker: CountedWorker) => void>()

  /** Undefined where nothing is counted. */
  static for({ metrics }: Pick<MasterOptions, 'metrics'>): MasterMetrics | undefined {
    return metrics === true ? new MasterMetrics() : undefined
  }

  /** Starts a worker whose events are looked at on their way. */
  spawn({ onMessage, onExit, ...events }: WorkerEvents, start: (events: WorkerEvents) => WorkerProcess): WorkerProcess {
    const worker = start({
      ...events,
      onMessage: (worker, message) => {
        if (message.tsgi === 'ready') this.#application.ready(worker)
        onMessage(worker, message)
        if (message.tsgi === 'stats') for (const listener of this.#listeners) listener(worker)
      },
      onExit: (worker, exit) => {
        this.#application.ended(worker, causeOfEnd(exit, worker.endCause), describeExit(exit))
        onExit(worker, exit)
      },
      onSlow: ({ pid }, report) => this.#application.slow.add(pid, report),
      onSilent: (worker) => this.#application.silent(worker),
    })
    this.#application.started(worker)
    return worker
  }

  /** Tells how a reload went; the same promise. */
  reloading<T>(reload: Promise<T>): Promise<T> {
    reload.then(
      () => this.#application.reloaded(),
      (error: unknown) => this.#application.reloadFailed(String(error)),
    )
    return reload
  }

  /** A request has failed between the proxy and a worker. */
  failed(failure: Omit<FailedRequest, 'at'>): void {
    this.#application.failures.add(failure)
  }

  /** The last ones, the oldest first. */
  get failedRequests(): readonly FailedRequest[] {
    return this.#application.failures.last
  }

  /** The last ones, the oldest first. */
  get slowRequests(): readonly SlowRequest[] {
    return this.#application.slow.last
  }

  get events(): readonly WorkerEvent[] {
    return this.#application.events
  }

  /** What they have told so far, which is a second old at most. */
  snapshot(mountPoint: string, wantedWorkers: number, workers: readonly CountedWorker[]): ApplicationSnapshot {
    return this.#application.snapshot(mountPoint || '/', wantedWorkers, workers)
  }

  /** Asks these for what is so now. Resolves when all have told it, or have not within a quarter of a second. */
  async refresh(workers: readonly Reporter[]): Promise<void> {
    const asked = new Set<CountedWorker>(workers.filter(({ state }) => state !== 'booting'))
    if (asked.size === 0) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#listeners.delete(told)
        resolve()
      }
      const told = (worker: CountedWorker): void => {
        asked.delete(worker)
        if (asked.size === 0) done()
      }
      const timer = setTimeout(done, REPORT_MS)
      this.#listeners.add(told)
      for (const worker of workers) if (asked.has(worker)) worker.report()
    })
  }
}
