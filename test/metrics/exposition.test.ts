import { expect, it } from 'vitest'
import { ApplicationMetrics } from '../../src/metrics/application-metrics.ts'
import { openMetricsText, prometheusText } from '../../src/metrics/exposition.ts'
import { METRIC_FAMILIES } from '../../src/metrics/metric-families.ts'
import type { MetricsSnapshot } from '../../src/metrics/metric-families.ts'
import { RequestCounts } from '../../src/metrics/request-counts.ts'
import { emptyCounters, readWorkerMetrics } from '../../src/metrics/worker-metrics.ts'
import type { WorkerMetrics } from '../../src/metrics/worker-metrics.ts'

const GAUGES = {
  ...{ inFlight: 2, queued: 0, openConnections: 3, rssBytes: 1, heapUsedBytes: 1, heapTotalBytes: 1, externalBytes: 1 },
  ...{ loopUtilization: 0.5, loopDelayP99Seconds: 0.001, loopDelayMaxSeconds: 0.002 },
}

function told(requests: number): WorkerMetrics {
  const counts = new RequestCounts()
  for (let count = 0; count < requests; count += 1) counts.ended(200, performance.now())
  const { responses, durations } = counts
  return { gauges: GAUGES, counters: { ...emptyCounters(), responses, durations, errors: { TSGI_ERR_REQUEST_TIMEOUT: 1 } } }
}

function worker(id: number, metrics: WorkerMetrics | undefined) {
  return { id, pid: 100 + id, index: 0, generation: 0, state: 'ready' as const, ageMs: 5, stats: { metrics } }
}

function snapshotOf(metrics: ApplicationMetrics, workers: readonly ReturnType<typeof worker>[], mount = '/'): MetricsSnapshot {
  const applications = [metrics.snapshot(mount, 1, workers)]
  return { at: 0, startedAt: 0, version: '1.2.3', node: 'v20', applications }
}

function value(text: string, line: string): string | undefined {
  return text
    .split('\n')
    .find((each) => each.startsWith(`${line} `))
    ?.slice(line.length + 1)
}

it('adds up what workers have told that have ended', () => {
  const metrics = new ApplicationMetrics()
  const [first, second] = [worker(1, told(3)), worker(2, told(4))]
  metrics.started(first)
  metrics.started(second)
  const requests = 'tsgi_requests_total{mount="/",class="2xx",status="200"}'
  expect(value(prometheusText(snapshotOf(metrics, [first, second])), requests)).toBe('7')
  metrics.ended(first, 'max-requests', 'ended with exit code 0')
  // What it has said last may come behind its end.
  first.stats = { metrics: told(5) }
  metrics.silent(first)
  const text = prometheusText(snapshotOf(metrics, [second]))
  expect(value(text, requests)).toBe('9')
  expect(value(text, 'tsgi_request_duration_seconds_count{mount="/"}')).toBe('9')
  expect(value(text, 'tsgi_request_timeouts_total{mount="/"}')).toBe('2')
  expect(value(text, 'tsgi_worker_endings_total{mount="/",cause="max-requests"}')).toBe('1')
  expect(value(text, 'tsgi_worker_starts_total{mount="/"}')).toBe('2')
  expect(metrics.events.map(({ what }) => what)).toEqual(['started', 'started', 'ended'])
})

it('writes a family once, with its samples behind it, and escapes what is in labels', () => {
  const snapshot = snapshotOf(new ApplicationMetrics(), [worker(1, told(1))], '/a"b\\c\nd')
  const text = prometheusText(snapshot)
  expect(text).toContain('mount="/a\\"b\\\\c\\nd"')
  for (const each of text.trimEnd().split('\n'))
    expect(each).toMatch(/^(# (HELP|TYPE) [a-z_0-9]+ .+|[a-z_0-9]+(\{[^\n]*\})? \S+)$/)
  const types = text.match(/^# TYPE \S+/gm) ?? []
  expect(new Set(types).size).toBe(METRIC_FAMILIES.length)
  // Cumulative, as Prometheus has it.
  const counts = [...text.matchAll(/^tsgi_request_duration_seconds_bucket.* (\d+)$/gm)].map(([, count]) => Number(count))
  expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  const open = openMetricsText(snapshot)
  expect(open.endsWith('\n# EOF\n')).toBe(true)
  expect(open).toContain('# TYPE tsgi_requests counter\n')
  expect(open).toContain('# UNIT tsgi_received_bytes bytes\n')
  for (const { name, unit } of METRIC_FAMILIES) if (unit !== undefined) expect(name).toMatch(new RegExp(`_${unit}$`))
})

it('takes from a worker what has the right shape, and nothing else', () => {
  const good = told(1)
  expect(readWorkerMetrics(JSON.parse(JSON.stringify(good)))).toEqual(good)
  for (const bad of [
    undefined,
    null,
    5,
    {},
    { ...good, gauges: { ...GAUGES, inFlight: '2' } },
    { ...good, gauges: { ...GAUGES, inFlight: -1 } },
    { ...good, counters: { ...good.counters, responses: { 200: 'x' } } },
    { ...good, counters: { ...good.counters, durations: { counts: [1], sumMs: 0 } } },
    { ...good, counters: { ...good.counters, errors: Object.fromEntries(Array.from({ length: 601 }, (_, key) => [key, 1])) } },
  ]) {
    expect(readWorkerMetrics(bad)).toBeUndefined()
  }
})
