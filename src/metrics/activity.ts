import type { ApplicationSnapshot, WorkerSnapshot } from './application-metrics.ts'
import { percentile } from './histogram.ts'
import type { MetricsSnapshot } from './metric-families.ts'

/** What happened between two snapshots, by the second; times in milliseconds. */
export interface Activity {
  readonly seconds: number
  readonly requests: number
  /** By the first digit of their status. */
  readonly classes: Readonly<Record<string, number>>
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Of now. */
  readonly inFlight: number
  readonly queued: number
  readonly openConnections: number
  readonly workers: readonly WorkerActivity[]
}

export interface WorkerActivity extends WorkerSnapshot {
  readonly mount: string
  readonly requestsPerSecond: number
}

/** `before` may be of another server process, whose counts are higher: then everything is new. */
export function activityBetween(before: MetricsSnapshot | undefined, after: MetricsSnapshot): Activity {
  const earlier = before?.startedAt === after.startedAt ? before : undefined
  const from = earlier?.at ?? after.startedAt
  const seconds = Math.max(0.001, (after.at - from) / 1000)
  const was = (mount: string): ApplicationSnapshot | undefined => earlier?.applications.find((each) => each.mount === mount)
  const counts: number[] = []
  const classes: Record<string, number> = {}
  let [requests, receivedBytes, sentBytes] = [0, 0, 0]
  const workers: WorkerActivity[] = []
  for (const application of after.applications) {
    const { mount, counters } = application
    const old = was(mount)
    for (const [status, count] of Object.entries(counters.responses)) {
      const change = count - (old?.counters.responses[status] ?? 0)
      const name = status[0] ?? ''
      classes[name] = (classes[name] ?? 0) + change / seconds
      requests += change
    }
    for (const [index, count] of counters.durations.counts.entries()) {
      counts[index] = (counts[index] ?? 0) + count - (old?.counters.durations.counts[index] ?? 0)
    }
    receivedBytes += counters.receivedBytes - (old?.counters.receivedBytes ?? 0)
    sentBytes += counters.sentBytes - (old?.counters.sentBytes ?? 0)
    for (const worker of application.workers) {
      const self = old?.workers.find(({ id }) => id === worker.id)
      workers.push({ ...worker, mount, requestsPerSecond: (worker.requests - (self?.requests ?? 0)) / seconds })
    }
  }
  const sum = (key: 'inFlight' | 'queued' | 'openConnections'): number =>
    workers.reduce((total, { gauges }) => total + (gauges?.[key] ?? 0), 0)
  return {
    seconds,
    requests: requests / seconds,
    classes,
    p50: percentile({ counts }, 0.5),
    p90: percentile({ counts }, 0.9),
    p99: percentile({ counts }, 0.99),
    receivedBytes: receivedBytes / seconds,
    sentBytes: sentBytes / seconds,
    inFlight: sum('inFlight'),
    queued: sum('queued'),
    openConnections: sum('openConnections'),
    workers,
  }
}
