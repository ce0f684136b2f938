import { expect, it } from 'vitest'
import { Admission, AdmittedRequest } from '../../src/server/admission.ts'
import type { AdmissionLimits, Progress } from '../../src/server/admission.ts'
import { until } from '../support/until.ts'

const LOG = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

class Recorded extends AdmittedRequest {
  readonly beganAt = performance.now()
  startedAt = 0
  timedOutAt = 0
  refused = false

  override get progress(): Progress {
    return { label: '', begun: false, status: 0 }
  }

  override wait(): void {}

  override start(): void {
    this.startedAt = performance.now()
  }

  override timeOut(): boolean {
    this.timedOutAt = performance.now()
    this.done()
    return true
  }

  override refuse(): void {
    this.refused = true
    this.done()
  }
}

function admission(limits: Partial<AdmissionLimits>): Admission {
  const made = Admission.for({ requestTimeoutMs: 0, workerConcurrency: 0, queueTimeoutMs: 0, ...limits }, LOG)
  if (made === undefined) throw new Error('nothing to watch')
  return made
}

function begin(door: Admission): Recorded {
  const request = new Recorded(door)
  door.begin(request)
  return request
}

function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

it('is not there where nothing is limited', () => {
  expect(Admission.for({ requestTimeoutMs: 0, workerConcurrency: 0, queueTimeoutMs: 10_000 }, LOG)).toBeUndefined()
})

it('gives a request its whole time that comes in when something has blocked the event loop', async () => {
  const door = admission({ requestTimeoutMs: 200 })
  const before = begin(door)
  // Long enough for the clock to have turned: it knows then that this one came before.
  await new Promise((resolve) => setTimeout(resolve, 60))
  block(500)
  // As what is read before the timers run.
  const behind = begin(door)
  await until(() => before.timedOutAt > 0, 'the end of the first')
  expect(behind.timedOutAt).toBe(0)
  await until(() => behind.timedOutAt > 0, 'the end of the second')
  expect(behind.timedOutAt - behind.beganAt).toBeGreaterThanOrEqual(200)
})

it('ends those in the order in which they came, each when its own time is over', async () => {
  const door = admission({ requestTimeoutMs: 200 })
  const requests: Recorded[] = []
  for (let index = 0; index < 10; index += 1) {
    requests.push(begin(door))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  // Out of the middle of the list.
  requests[4]?.done()
  const others = requests.filter((_, index) => index !== 4)
  await until(() => others.every(({ timedOutAt }) => timedOutAt > 0), 'the end of all')
  expect(requests[4]?.timedOutAt).toBe(0)
  for (const { beganAt, timedOutAt } of others) expect(timedOutAt - beganAt).toBeGreaterThanOrEqual(200)
})

it('does not start in one stack those that wait', async () => {
  const door = admission({ workerConcurrency: 1, queueTimeoutMs: 60_000 })
  class AtOnce extends Recorded {
    depth = 0
    override start(): void {
      super.start()
      this.depth = new Error().stack?.split('\n').length ?? 0
      this.done()
    }
  }
  const first = begin(door)
  const others = Array.from({ length: 1000 }, () => {
    const request = new AtOnce(door)
    door.begin(request)
    return request
  })
  first.done()
  expect(others[0]?.startedAt).toBe(0)
  await until(() => others.every(({ startedAt }) => startedAt > 0), 'all of them')
  expect(new Set(others.map(({ depth }) => depth)).size).toBe(1)
})

it('never has more of them at a time than it may', async () => {
  const door = admission({ workerConcurrency: 3, queueTimeoutMs: 60_000 })
  const requests = Array.from({ length: 50 }, () => begin(door))
  const running = (): Recorded[] => requests.filter(({ startedAt, state }) => startedAt > 0 && state !== 'done')
  while (requests.some(({ state }) => state !== 'done')) {
    expect(running()).toHaveLength(Math.min(3, requests.filter(({ state }) => state !== 'done').length))
    running()[0]?.done()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  expect(requests.some(({ refused }) => refused)).toBe(false)
})
