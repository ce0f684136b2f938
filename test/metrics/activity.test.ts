import { expect, it } from 'vitest'
import { activityBetween } from '../../src/metrics/activity.ts'
import { ApplicationMetrics } from '../../src/metrics/application-metrics.ts'
import type { MetricsSnapshot } from '../../src/metrics/metric-families.ts'
import { RequestCounts } from '../../src/metrics/request-counts.ts'
import { emptyCounters } from '../../src/metrics/worker-metrics.ts'
import type { WorkerMetrics } from '../../src/metrics/worker-metrics.ts'
import { topLines } from '../../src/cli/top-screen.ts'

const GAUGES = {
  ...{
    inFlight: 2,
    queued: 1,
    openConnections: 3,
    rssBytes: 80 * 1024 ** 2,
    heapUsedBytes: 1,
    heapTotalBytes: 1,
    externalBytes: 1,
  },
  ...{ loopUtilization: 0.95, loopDelayP99Seconds: 0.001, loopDelayMaxSeconds: 0.002 },
}

function told(statuses: readonly number[], ms: number): WorkerMetrics {
  const counts = new RequestCounts()
  for (const status of statuses) counts.ended(status, performance.now() - ms)
  const { responses, durations } = counts
  return { gauges: GAUGES, counters: { ...emptyCounters(), responses, durations, receivedBytes: 1000 * statuses.length } }
}

function snapshot(at: number, workers: readonly { id: number; metrics: WorkerMetrics }[], startedAt = 0): MetricsSnapshot {
  const application = new ApplicationMetrics()
  const seen = workers.map(({ id, metrics }, index) => ({
    ...{ id, index, pid: 100 + id, generation: 0, state: 'ready' as const, ageMs: 5000, stats: { metrics } },
  }))
  for (const worker of seen) application.started(worker)
  return { at, startedAt, version: '1', node: 'v20', applications: [application.snapshot('/', 2, seen)] }
}

it('is what happened between two looks, by the second', () => {
  const first = told([200, 200, 500], 5)
  const before = snapshot(1000, [{ id: 1, metrics: first }])
  const later = told([200, 200, 500, 200, 200, 404, 200], 5)
  const activity = activityBetween(
    before,
    snapshot(3000, [
      { id: 1, metrics: later },
      { id: 2, metrics: told([200, 200], 5) },
    ]),
  )
  expect(activity).toMatchObject({
    ...{ seconds: 2, requests: 3, classes: { 2: 2.5, 4: 0.5, 5: 0 }, receivedBytes: 3000, inFlight: 4, queued: 2 },
  })
  // A worker that was not there before has begun at nothing.
  expect(activity.workers.map(({ requestsPerSecond }) => requestsPerSecond)).toEqual([2, 1])
  expect(activity.p50).toBeGreaterThanOrEqual(5)
  expect(activity.p99).toBeLessThan(100)
})

it('is all there was where there is no look before, or one at another server', () => {
  const now = snapshot(10_000, [{ id: 1, metrics: told([200, 200], 1) }], 8000)
  expect(activityBetween(undefined, now)).toMatchObject({ seconds: 2, requests: 1 })
  expect(activityBetween(snapshot(9000, [{ id: 1, metrics: told([200], 1) }], 1), now)).toMatchObject({ seconds: 2, requests: 1 })
})

it('is shown with the worker that is sought first, and those marked that are short of time', () => {
  const after = snapshot(2000, [
    { id: 1, metrics: told([200], 1) },
    { id: 2, metrics: told([200, 503], 1) },
  ])
  const screen = { about: after, activity: activityBetween(undefined, after), wantedWorkers: 2, endings: { stuck: 1, reload: 3 } }
  const lines = topLines({ ...screen, order: 'requests' }, false)
  expect(lines.slice(0, 5)).toEqual([
    'tsgi 1, Node v20, up 2s, 2 of 2 workers ready',
    '',
    expect.stringMatching(/^1\.5 requests\/s {2}p50 .* ms {2}p90 .* ms {2}p99 .* ms {2}5xx 0\.5\/s {2}4xx 0\/s$/),
    '4 in flight  2 waiting  6 connections  in 1 KB/s  out 0 KB/s',
    'workers ended: reload 3, stuck 1',
  ])
  expect(lines.slice(6).map((line) => line.trim().split(/ +/)[0])).toEqual(['WORKER', '1', '0'])
  expect(topLines({ ...screen, order: 'place' }, true).at(-1)).toContain('\u001b[33m')
})
