import type { ApplicationSnapshot } from './application-metrics.ts'
import { BOUNDS_MS } from './histogram.ts'
import type { Histogram } from './histogram.ts'
import type { WorkerGauges } from './worker-metrics.ts'

/** Everything that is counted, for one moment. */
export interface MetricsSnapshot {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly startedAt: number
  readonly version: string
  readonly node: string
  readonly applications: readonly ApplicationSnapshot[]
}

export type Labels = Readonly<Record<string, string | number>>

/** One line of an exposition. `suffix`: behind the family's name. */
export interface Sample {
  readonly suffix?: string
  readonly labels: Labels
  readonly value: number
}

/** A metric and what it is; the table of the documentation is made of this. */
export interface MetricFamily {
  /** Without `_total`. Names follow Prometheus' conventions: base units, the unit last. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'info'
  readonly unit?: 'seconds' | 'bytes' | 'ratio'
  readonly help: string
  /** Beside those that the samples have. */
  readonly labels: readonly string[]
  readonly samples: (snapshot: MetricsSnapshot) => Sample[]
}

/** Why workers end: see docs/metrics.md. */
export const END_CAUSES = [
  ...(['reload', 'scale', 'stop', 'max-requests', 'worker-lifetime', 'worker-max-rss'] as const),
  ...(['signal', 'exit', 'exception', 'application', 'stuck', 'boot', 'loader'] as const),
] as const

/** Shown from the start: Prometheus sees no increase in the first sample of a series, which would hide the first end of each kind. */
const NO_ENDINGS = Object.fromEntries(END_CAUSES.map((cause) => [cause, 0]))

/** Bounds of the histograms that are shown, milliseconds: finer ones are only for percentiles. */
const SHOWN_BOUNDS: ReadonlySet<number> = new Set([
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000,
])

export const METRIC_FAMILIES: readonly MetricFamily[] = [
  {
    name: 'tsgi_requests',
    type: 'counter',
    help: 'Requests that have ended, by the status that the client got; 499: it had left, 444: it got none, 101: another protocol',
    labels: ['mount', 'class', 'status'],
    samples: each(({ mount, counters }) =>
      Object.entries(counters.responses).map(([status, value]) => ({
        labels: { mount, class: `${status[0] ?? ''}xx`, status },
        value,
      })),
    ),
  },
  histogram('tsgi_request_duration', 'From the head of a request to the end of its response', 'durations'),
  histogram(
    'tsgi_request_queue',
    'How long requests waited for their turn, those that had to (--worker-concurrency)',
    'queueWaits',
  ),
  counter('tsgi_requests_refused', 'Requests answered 503, for there were too many', ({ counters }) => counters.refusedRequests),
  counter(
    'tsgi_request_timeouts',
    'Requests answered 504, for they took too long (--request-timeout)',
    ({ counters }) => counters.errors['TSGI_ERR_REQUEST_TIMEOUT'] ?? 0,
  ),
  counter('tsgi_slow_requests', 'Requests that were not answered within --slow-request-time', ({ slowRequests }) => slowRequests),
  table(
    'tsgi_failed_requests',
    'Requests that failed between the proxy and a worker, by the code of the line in the error log that explains them',
    'code',
    ({ failedRequests }) => failedRequests,
  ),
  counter('tsgi_responses_broken', 'Responses that ended before they were complete', ({ counters }) => counters.brokenResponses),
  gauge('tsgi_requests_in_flight', 'Requests that are being served', ({ inFlight }) => inFlight),
  gauge('tsgi_requests_queued', 'Requests that wait for their turn', ({ queued }) => queued),
  counter('tsgi_connections', 'Connections that were accepted', ({ counters }) => counters.connections),
  gauge('tsgi_connections_open', 'Connections that are open', ({ openConnections }) => openConnections),
  {
    ...counter('tsgi_received', 'Bytes that came in, as they were on the wire', ({ counters }) => counters.receivedBytes),
    name: 'tsgi_received_bytes',
    unit: 'bytes',
  },
  {
    ...counter('tsgi_sent', 'Bytes that went out, as they were on the wire', ({ counters }) => counters.sentBytes),
    name: 'tsgi_sent_bytes',
    unit: 'bytes',
  },
  {
    ...table(
      'tsgi_errors',
      'Coded errors and warnings that workers logged: of protocols, applications, clients',
      'code',
      (each) => each.counters.errors,
    ),
  },
  {
    name: 'tsgi_workers',
    type: 'gauge',
    help: 'Worker processes by what they are at',
    labels: ['mount', 'state'],
    samples: each(({ mount, workers }) =>
      (['booting', 'ready', 'stopping'] as const).map((state) => ({
        labels: { mount, state },
        value: workers.filter((worker) => worker.state === state).length,
      })),
    ),
  },
  {
    name: 'tsgi_workers_wanted',
    type: 'gauge',
    help: 'Worker processes that there should be',
    labels: ['mount'],
    samples: each(({ mount, wantedWorkers }) => [{ labels: { mount }, value: wantedWorkers }]),
  },
  counter('tsgi_worker_starts', 'Worker processes that were started', ({ workerStarts }) => workerStarts),
  table('tsgi_worker_endings', 'Worker processes that have ended, by the cause', 'cause', ({ workerEndings }) => ({
    ...NO_ENDINGS,
    ...workerEndings,
  })),
  table('tsgi_reloads', 'Reloads by their result: done, failed', 'result', ({ reloads }) => reloads),
  gauge('tsgi_worker_resident_memory_bytes', 'Resident memory of a worker', ({ rssBytes }) => rssBytes, 'bytes'),
  gauge('tsgi_worker_heap_used_bytes', 'JavaScript heap in use', ({ heapUsedBytes }) => heapUsedBytes, 'bytes'),
  gauge('tsgi_worker_heap_size_bytes', 'JavaScript heap that is reserved', ({ heapTotalBytes }) => heapTotalBytes, 'bytes'),
  gauge(
    'tsgi_worker_external_memory_bytes',
    'Memory of buffers and native objects',
    ({ externalBytes }) => externalBytes,
    'bytes',
  ),
  gauge(
    'tsgi_worker_event_loop_utilization_ratio',
    'Part of the last second in which the event loop was busy',
    ({ loopUtilization }) => loopUtilization,
    'ratio',
  ),
  gauge(
    'tsgi_worker_event_loop_delay_p99_seconds',
    'How late timers came in the last second, 99 % of them',
    ({ loopDelayP99Seconds }) => loopDelayP99Seconds,
    'seconds',
  ),
  gauge(
    'tsgi_worker_event_loop_delay_max_seconds',
    'How late the latest timer of the last second came',
    ({ loopDelayMaxSeconds }) => loopDelayMaxSeconds,
    'seconds',
  ),
  {
    ...counter('tsgi_event_loop_busy_seconds', 'Time that event loops were busy', ({ counters }) => counters.loopBusySeconds),
    unit: 'seconds',
  },
  {
    name: 'tsgi_cpu_seconds',
    type: 'counter',
    unit: 'seconds',
    help: 'Processor time of workers',
    labels: ['mount', 'mode'],
    samples: each(({ mount, counters }) => [
      { labels: { mount, mode: 'user' }, value: counters.cpuUserSeconds },
      { labels: { mount, mode: 'system' }, value: counters.cpuSystemSeconds },
    ]),
  },
  table('tsgi_gc_pauses', 'Pauses for the collection of garbage', 'kind', ({ counters }) => counters.gcPauses),
  {
    ...table(
      'tsgi_gc_pause_seconds',
      'Time of pauses for the collection of garbage',
      'kind',
      ({ counters }) => counters.gcSeconds,
    ),
    unit: 'seconds',
  },
  {
    name: 'tsgi_start_time_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When the master was started, since 1970',
    labels: [],
    samples: ({ startedAt }) => [{ labels: {}, value: startedAt / 1000 }],
  },
  {
    name: 'tsgi_build',
    type: 'info',
    help: 'Versions',
    labels: ['version', 'node'],
    samples: ({ version, node }) => [{ suffix: '_info', labels: { version, node }, value: 1 }],
  },
]

function each(samples: (application: ApplicationSnapshot) => Sample[]): MetricFamily['samples'] {
  return ({ applications }) => applications.flatMap(samples)
}

function counter(name: string, help: string, value: (application: ApplicationSnapshot) => number): MetricFamily {
  return {
    ...{ name, type: 'counter', help, labels: ['mount'] },
    samples: each((application) => [{ labels: { mount: application.mount }, value: value(application) }]),
  }
}

/** A counter for each key of a table. */
function table(
  name: string,
  help: string,
  label: string,
  values: (application: ApplicationSnapshot) => Readonly<Record<string, number>>,
): MetricFamily {
  return {
    ...{ name, type: 'counter', help, labels: ['mount', label] },
    samples: each((application) =>
      Object.entries(values(application)).map(([key, value]) => ({ labels: { mount: application.mount, [label]: key }, value })),
    ),
  }
}

/** Of each worker, by its place, which has another process after a reload: so there are never more of them than workers. */
function gauge(name: string, help: string, value: (gauges: WorkerGauges) => number, unit?: MetricFamily['unit']): MetricFamily {
  return {
    ...{ name, type: 'gauge', help, labels: ['mount', 'worker'] },
    ...(unit === undefined ? {} : { unit }),
    samples: each(({ mount, workers }) =>
      workers.flatMap(({ index, state, gauges }) =>
        gauges === undefined || state !== 'ready' ? [] : [{ labels: { mount, worker: index }, value: value(gauges) }],
      ),
    ),
  }
}

function histogram(name: string, help: string, key: 'durations' | 'queueWaits'): MetricFamily {
  return {
    ...{ name: `${name}_seconds`, type: 'histogram', unit: 'seconds', help, labels: ['mount'] },
    samples: each(({ mount, counters }) => histogramSamples(mount, counters[key])),
  }
}

function histogramSamples(mount: string, { counts, sumMs }: Histogram): Sample[] {
  const buckets: Sample[] = []
  let total = 0
  for (const [index, bound] of BOUNDS_MS.entries()) {
    total += counts[index] ?? 0
    if (SHOWN_BOUNDS.has(bound)) buckets.push({ suffix: '_bucket', labels: { mount, le: String(bound / 1000) }, value: total })
  }
  return [
    ...buckets,
    { suffix: '_bucket', labels: { mount, le: '+Inf' }, value: total },
    { suffix: '_sum', labels: { mount }, value: sumMs / 1000 },
    { suffix: '_count', labels: { mount }, value: total },
  ]
}
