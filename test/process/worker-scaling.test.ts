import { describe, expect, it } from 'vitest'
import { whyRecycle } from '../../src/process/recycling.ts'
import type { WorkerProcess } from '../../src/process/worker-process.ts'
import { WorkerScaling } from '../../src/process/worker-scaling.ts'

const LIMITS = { minimum: 1, maximum: 3 }

/** Workers that are ready and that busy. */
function workers(...loads: number[]): { state: 'ready'; stats: WorkerProcess['stats'] }[] {
  return loads.map((loopUtilization) => ({ state: 'ready', stats: { requests: 0, inFlight: 0, rssBytes: 0, loopUtilization } }))
}

/** The sizes that so many looks give, as long as nothing is started or ended. */
function looks(scaling: WorkerScaling, count: number, ...loads: number[]): number[] {
  return Array.from({ length: count }, () => scaling.next(workers(...loads), LIMITS))
}

describe('the number of workers', () => {
  it('grows by one when they were busy twice in a row, up to the maximum', () => {
    expect(looks(new WorkerScaling(), 2, 0.9)).toEqual([1, 2])
    expect(looks(new WorkerScaling(), 2, 0.9, 0.6)).toEqual([2, 3])
    expect(looks(new WorkerScaling(), 4, 1, 1, 1)).toEqual([3, 3, 3, 3])
  })

  it('does not grow for a moment', () => {
    const scaling = new WorkerScaling()
    for (let count = 0; count < 5; count += 1) expect([...looks(scaling, 1, 0.9), ...looks(scaling, 1, 0.1)]).toEqual([1, 1])
  })

  it('shrinks by one when the others could carry it all for half a minute, down to the minimum', () => {
    const sizes = looks(new WorkerScaling(), 31, 0.1, 0.1)
    expect(sizes.slice(0, 29).every((size) => size === 2)).toBe(true)
    expect(sizes[29]).toBe(1)
    expect(looks(new WorkerScaling(), 60, 0)).toEqual(Array.from({ length: 60 }, () => 1))
    expect(looks(new WorkerScaling(), 60, 0.2, 0.2).every((size) => size === 2)).toBe(true)
  })

  it('waits for one that starts, and for its first word', () => {
    const scaling = new WorkerScaling()
    const starting = [...workers(1), { state: 'booting' as const, stats: undefined }]
    for (let count = 0; count < 5; count += 1) expect(scaling.next(starting, LIMITS)).toBe(2)
    expect(scaling.next([...workers(1), undefined], LIMITS)).toBe(2)
  })

  it('keeps to its limits when somebody has changed it', () => {
    expect(new WorkerScaling().next(workers(0.5, 0.5, 0.5, 0.5), LIMITS)).toBe(3)
  })
})

describe('the lifetime of workers', () => {
  it('differs from one to the next, by up to a tenth', () => {
    // Only these members are looked at.
    const worker = (id: number): WorkerProcess => ({ id, state: 'ready', readyAt: 0 }) as WorkerProcess
    const ends = Array.from({ length: 8 }, (_, id) => {
      let now = 0
      while (whyRecycle(worker(id + 1), { workerLifetimeMs: 1000 }, now) === undefined) now += 1
      return now
    })
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(1000)
    expect(Math.max(...ends)).toBeLessThanOrEqual(1101)
    expect(new Set(ends).size).toBe(8)
  })
})
