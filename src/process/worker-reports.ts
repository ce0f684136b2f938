import type { Logger } from '../interface/logger.ts'
import type { RequestMeter } from '../gateway/request-meter.ts'
import { WorkerMeter } from '../metrics/worker-meter.ts'
import type { Server } from '../server/server.ts'
import { rssBytes } from './resident-memory.ts'
import { send } from './tell-master.ts'

/** How often the master is told how this worker does, milliseconds. */
const INTERVAL_MS = 1000

/** What a worker tells its master of how it does. */
export class WorkerReports {
  readonly #meter: WorkerMeter | undefined
  readonly #start = performance.eventLoopUtilization()
  #before = this.#start
  #server: Server | undefined

  /** `metrics`: whether requests are counted by what became of them, and what they cost. */
  constructor(metrics: boolean) {
    this.#meter = metrics ? new WorkerMeter() : undefined
  }

  get requests(): RequestMeter | undefined {
    return this.#meter?.requests
  }

  /** The log, whose coded errors are counted. */
  counting(log: Logger): Logger {
    return this.#meter?.counting(log) ?? log
  }

  /** Tells of this server from now on. */
  begin(server: Server): void {
    this.#server = server
    this.tell()
    setInterval(() => this.tell(), INTERVAL_MS).unref()
  }

  tell(): void {
    const server = this.#server
    if (server === undefined) return
    const now = performance.eventLoopUtilization()
    // At first there is no time to be busy in, which is no number.
    const loopUtilization = performance.eventLoopUtilization(now, this.#before).utilization || 0
    this.#before = now
    const { requestsFinished: requests, requestsInFlight: inFlight, traffic } = server
    const stats = { tsgi: 'stats', requests, inFlight, rssBytes: rssBytes(), loopUtilization } as const
    if (this.#meter === undefined || traffic === undefined) {
      send(stats)
      return
    }
    const figures = { ...traffic.figures, inFlight, queued: server.admission?.queued ?? 0 }
    send({ ...stats, metrics: this.#meter.snapshot(figures, now, loopUtilization, stats.rssBytes) })
  }
}
