import { expect, it } from 'vitest'
import { ApplicationMetrics } from '../../src/metrics/application-metrics.ts'
import type { MetricsSnapshot } from '../../src/metrics/metric-families.ts'
import { observe } from '../../src/metrics/histogram.ts'
import { statsdDatagrams, StatsdLines } from '../../src/metrics/statsd-lines.ts'
import { emptyCounters } from '../../src/metrics/worker-metrics.ts'
import type { WorkerMetrics } from '../../src/metrics/worker-metrics.ts'

const GAUGES = {
  ...{ inFlight: 2, queued: 0, openConnections: 3, rssBytes: 1, heapUsedBytes: 1, heapTotalBytes: 1, externalBytes: 1 },
  ...{ loopUtilization: 0.1 + 0.2, loopDelayP99Seconds: 1e-9, loopDelayMaxSeconds: 0.002 },
}

function told(requests: number, ms: number, cpuUserSeconds = 0): WorkerMetrics {
  const counters = { ...emptyCounters(), responses: { 200: requests }, cpuUserSeconds }
  for (let count = 0; count < requests; count += 1) observe(counters.durations, ms)
  return { gauges: GAUGES, counters }
}

/** An application with one worker, which tells something else whenever it is asked. */
function application(mount: string) {
  const metrics = new ApplicationMetrics()
  const worker = { id: 1, pid: 7, index: 0, generation: 0, state: 'ready' as const, ageMs: 5, stats: {} }
  metrics.started(worker)
  return (told: WorkerMetrics | undefined): MetricsSnapshot => {
    worker.stats = { metrics: told }
    const workers = told === undefined ? [] : [worker]
    return { at: 0, startedAt: 0, version: '1', node: 'v20', applications: [metrics.snapshot(mount, 1, workers)] }
  }
}

it('tells of counters what has come to them, of durations the percentiles of that time', () => {
  const at = application('/')
  const lines = new StatsdLines({ prefix: 'shop.', tags: [] })
  const first = lines.next(at(told(3, 900)))
  expect(first).toContain('shop.tsgi.requests.2xx.200:3|c')
  expect(first).toContain('shop.tsgi.request_duration.p99:1000|ms')
  const second = lines.next(at({ ...told(13, 900), counters: { ...told(13, 900).counters, cpuUserSeconds: 0.1 + 0.2 } }))
  expect(second).toContain('shop.tsgi.requests.2xx.200:10|c')
  expect(second).toContain('shop.tsgi.cpu_seconds.user:0.3|c')
  expect(second).toContain('shop.tsgi.request_duration.count:10|c')
  expect(second).toContain('shop.tsgi.request_duration.mean:900|ms')
  expect(second).not.toContainEqual(expect.stringContaining('worker_starts'))
  // Neither in an exponent's notation nor with a tail of binary dust.
  expect(second).toContain('shop.tsgi.worker_event_loop_utilization_ratio.worker_0:0.3|g')
  expect(second).toContain('shop.tsgi.worker_event_loop_delay_p99_seconds.worker_0:0|g')
  expect(second.join('\n')).not.toMatch(/build|e-\d/)
  // The earlier, slow requests do not count again.
  const [slow, fast] = [told(13, 900), told(5, 1)]
  const { durations } = slow.counters
  const both = {
    counts: durations.counts.map((count, index) => count + (fast.counters.durations.counts[index] ?? 0)),
    sumMs: durations.sumMs + 5,
  }
  const third = lines.next(at({ ...slow, counters: { ...slow.counters, durations: both } }))
  expect(third).toContain('shop.tsgi.request_duration.p99:1|ms')
  expect(third).toContain('shop.tsgi.request_duration.mean:1|ms')
  for (const line of [...first, ...second, ...third]) expect(line).toMatch(/^[\w.-]+:\d+(\.\d+)?\|(c|g|ms)$/)
})

it('says 0 once of gauges whose worker is gone', () => {
  const at = application('/')
  const lines = new StatsdLines({ prefix: '', tags: [] })
  expect(lines.next(at(told(0, 1)))).toContain('tsgi.requests_in_flight.worker_0:2|g')
  expect(lines.next(at(undefined))).toContain('tsgi.requests_in_flight.worker_0:0|g')
  expect(lines.next(at(undefined)).join('\n')).not.toContain('worker_0')
})

it('has an application at another mount point in its names, or labels as tags', () => {
  const plain = new StatsdLines({ prefix: '', tags: [] }).next(application('/a.b/c')(told(1, 1)))
  expect(plain).toContain('tsgi.mount_a_b_c.requests.2xx.200:1|c')
  expect(plain).toContain('tsgi.mount_a_b_c.request_duration.count:1|c')
  const tagged = new StatsdLines({ prefix: 'x.', tags: ['env:live', 'odd'] }).next(application('/a|b')(told(1, 1)))
  expect(tagged).toContain('x.tsgi.requests:1|c|#env:live,odd,mount:/a_b,class:2xx,status:200')
  expect(tagged).toContain('x.tsgi.requests_in_flight:2|g|#env:live,odd,mount:/a_b,worker:0')
})

it('fills datagrams up to their limit', () => {
  const lines = Array.from({ length: 400 }, (_, index) => `tsgi.some.counter_${index}:1|c`)
  const datagrams = statsdDatagrams(['x'.repeat(2000), ...lines])
  expect(datagrams.flatMap((each) => each.split('\n'))).toEqual(lines)
  for (const each of datagrams) expect(Buffer.byteLength(each)).toBeLessThanOrEqual(1432)
  for (const each of datagrams.slice(0, -1)) expect(Buffer.byteLength(each)).toBeGreaterThan(1400)
  expect(statsdDatagrams([])).toEqual([])
})
