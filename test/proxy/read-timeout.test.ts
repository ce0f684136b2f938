import { expect, it } from 'vitest'
import { readTimeoutMs } from '../../src/proxy/site.ts'

it('gives the workers time to answer 504 and 503 themselves', () => {
  const limits = { requestTimeoutMs: 60_000, workerConcurrency: 0, queueTimeoutMs: 10_000 }
  expect(readTimeoutMs(limits)).toBe(70_000)
  expect(readTimeoutMs({ ...limits, workerConcurrency: 5 })).toBe(80_000)
  expect(readTimeoutMs({ ...limits, requestTimeoutMs: 600_000 })).toBe(610_000)
})

it('cuts no silent response off sooner because requests are to be answered soon', () => {
  expect(readTimeoutMs({ requestTimeoutMs: 2000, workerConcurrency: 0, queueTimeoutMs: 0 })).toBe(60_000)
})

it('waits a day where a request may take any time', () => {
  expect(readTimeoutMs({ requestTimeoutMs: 0, workerConcurrency: 0, queueTimeoutMs: 0 })).toBe(86_400_000)
})
