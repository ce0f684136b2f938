import { describe, expect, it } from 'vitest'
import { WorkerSlot } from '../../src/process/worker-slot.ts'

describe('the wait before a dead worker is replaced', () => {
  it('is none at first, then doubles up to half a minute', () => {
    const slot = new WorkerSlot(0)
    const delays = Array.from({ length: 11 }, () => slot.delayAfterDeath(0))
    expect(delays).toEqual([0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000])
  })

  it('stays short where workers could serve before they died', () => {
    const slot = new WorkerSlot(0)
    expect(Array.from({ length: 8 }, () => slot.delayAfterDeath(1))).toEqual([0, 100, 200, 400, 800, 1000, 1000, 1000])
  })

  it('is forgotten once a worker has lived', () => {
    const slot = new WorkerSlot(0)
    for (let death = 0; death < 5; death += 1) slot.delayAfterDeath(0)
    expect(slot.delayAfterDeath(2000)).toBe(0)
    expect([slot.delayAfterDeath(0), slot.delayAfterDeath(0)]).toEqual([0, 100])
  })
})
