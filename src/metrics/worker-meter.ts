import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import type { EventLoopUtilization } from 'node:perf_hooks'

import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { RequestCounts } from './request-counts.ts'
import type { WorkerGauges, WorkerMetrics } from './worker-metrics.ts'

/** What the server of a worker tells of itself. */
export interface ServerFigures extends Pick<WorkerGauges, 'inFlight' | 'queued' | 'openConnections'> {
  readonly connections: number
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** How often the event loop is looked at, milliseconds: a delay that is shorter is not seen. Each look costs about a microsecond. */
const LOOP_RESOLUTION_MS = 20

const NANOSECONDS = 1e9

/** By `perf_hooks.constants`, which names them in upper case. */
const GC_KINDS: ReadonlyMap<unknown, string> = new Map([
  [1, 'minor'],
  [2, 'minor'],
  [4, 'major'],
  [8, 'incremental'],
  [16, 'weak'],
])

/** Counts what a worker does. What is not asked by a request is asked once a second. */
export class WorkerMeter {
  readonly requests = new RequestCounts()
  readonly #errors: Record<string, number> = {}
  readonly #gcPauses: Record<string, number> = {}
  readonly #gcSeconds: Record<string, number> = {}
  readonly #loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })

  constructor() {
    this.#loopDelay.enable()
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        // The types know no `detail` of an entry of its own.
        const detail: unknown = Reflect.get(entry, 'detail')
        const kind: unknown = typeof detail === 'object' && detail !== null ? Reflect.get(detail, 'kind') : undefined
        const name = GC_KINDS.get(kind) ?? 'other'
        this.#gcPauses[name] = (this.#gcPauses[name] ?? 0) + 1
        this.#gcSeconds[name] = (this.#gcSeconds[name] ?? 0) + entry.duration / 1000
      }
    }).observe({ entryTypes: ['gc'] })
  }

  /** The same log. Coded errors and warnings that go to it are counted, whatever its level. */
  counting(log: Logger): Logger {
    const count = (error: unknown): void => {
      if (!(error instanceof TsgiError)) return
      this.#errors[error.code] = (this.#errors[error.code] ?? 0) + 1
    }
    return {
      error: (message, error) => {
        count(error)
        log.error(message, error)
      },
      warn: (message, error) => {
        count(error)
        log.warn(message, error)
      },
      info: (message) => log.info(message),
      debug: (message) => log.debug(message),
    }
  }

  /** `loop`: since the start. `loopUtilization`: since the last call, to which the delays of the event loop belong, too. */
  snapshot(server: ServerFigures, loop: EventLoopUtilization, loopUtilization: number, rssBytes: number): WorkerMetrics {
    const { heapUsed, heapTotal, external } = process.memoryUsage()
    const cpu = process.cpuUsage()
    const { inFlight, queued, openConnections, connections, receivedBytes, sentBytes } = server
    const delays = this.#loopDelay
    // What is measured is the time between two looks.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - LOOP_RESOLUTION_MS / 1000) || 0
    const gauges: WorkerGauges = {
      ...{ inFlight, queued, openConnections, rssBytes, loopUtilization },
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      externalBytes: external,
      loopDelayP99Seconds: late(delays.percentile(99)),
      loopDelayMaxSeconds: late(delays.max),
    }
    delays.reset()
    return {
      gauges,
      counters: {
        ...{ connections, receivedBytes, sentBytes },
        responses: this.requests.responses,
        brokenResponses: this.requests.brokenResponses,
        durations: this.requests.durations,
        queueWaits: this.requests.queueWaits,
        refusedRequests: this.requests.refusedRequests,
        errors: this.#errors,
        loopBusySeconds: loop.active / 1000,
        cpuUserSeconds: cpu.user / 1e6,
        cpuSystemSeconds: cpu.system / 1e6,
        gcPauses: this.#gcPauses,
        gcSeconds: this.#gcSeconds,
      },
    }
  }
}
