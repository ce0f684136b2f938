import { expect, it } from 'vitest'

import { SlowRequests } from '../../src/metrics/slow-requests.ts'
import { readSlowReport } from '../../src/process/slow-report.ts'

it('keeps a request once, whatever is told of it, and what it ended with', () => {
  const slow = new SlowRequests()
  slow.add(7, { label: 'GET /a [1]', ms: 500, running: true, stack: ['render (/app.ts:1:1)'] })
  slow.add(8, { label: 'GET /a [1]', ms: 600, running: true })
  slow.add(7, { label: 'GET /a [1]', ms: 900, running: false, status: 200 })
  expect(slow.count).toBe(2)
  expect(slow.last).toMatchObject([
    { worker: 7, ms: 900, running: false, status: 200, stack: ['render (/app.ts:1:1)'] },
    { worker: 8, ms: 600, running: true },
  ])
})

it('takes the requests of a worker that has ended for ended', () => {
  const slow = new SlowRequests()
  slow.add(7, { label: 'GET /a [1]', ms: 500, running: true })
  slow.ended(7)
  expect(slow.last).toMatchObject([{ running: false }])
})

it('keeps the last hundred, and counts all', () => {
  const slow = new SlowRequests()
  for (let index = 0; index < 250; index += 1) slow.add(7, { label: `GET /${index}`, ms: 500, running: true })
  expect(slow.count).toBe(250)
  expect(slow.last).toHaveLength(100)
  expect(slow.last.at(-1)?.label).toBe('GET /249')
})

it('is told by a message that has limits', () => {
  const long = 'x'.repeat(10_000)
  const report = readSlowReport({
    tsgi: 'slow',
    label: long,
    ms: 5,
    running: true,
    stack: Array.from({ length: 500 }, () => long),
  })
  expect(report?.label.length).toBeLessThan(1000)
  expect(JSON.stringify(report).length).toBeLessThan(20_000)
  for (const wrong of [{ ms: Number.NaN }, { ms: '5' }, { label: 5 }, { running: 'yes' }, { tsgi: 'other' }]) {
    expect(readSlowReport({ tsgi: 'slow', label: 'x', ms: 5, running: true, ...wrong })).toBeUndefined()
  }
})
