import { expect, it } from 'vitest'
import { BOUNDS_MS, emptyHistogram, observe, percentile, totalOf } from '../../src/metrics/histogram.ts'

it('puts a duration under the first bound that it does not exceed', () => {
  for (const [ms, bound] of [
    [0, 0.1],
    [0.1, 0.1],
    [0.100001, 0.125],
    [1, 1],
    [99, 100],
    [100_000, 100_000],
    [100_001, Infinity],
    [Infinity, Infinity],
  ] as const) {
    const histogram = emptyHistogram()
    observe(histogram, ms)
    expect(histogram.counts.indexOf(1), String(ms)).toBe(BOUNDS_MS.indexOf(bound))
    expect(totalOf(histogram)).toBe(1)
  }
})

it('has ten bounds in a decade, each above the one before', () => {
  expect(BOUNDS_MS).toHaveLength(62)
  expect(BOUNDS_MS.toSorted((a, b) => a - b)).toEqual([...BOUNDS_MS])
  expect(BOUNDS_MS.slice(10, 21)).toEqual([1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8, 10])
})

it('tells percentiles within the width of a bucket', () => {
  const histogram = emptyHistogram()
  expect(percentile(histogram, 0.5)).toBe(0)
  for (let ms = 1; ms <= 1000; ms += 1) observe(histogram, ms)
  expect(histogram.sumMs).toBe(500_500)
  expect(percentile(histogram, 0.5)).toBe(500)
  expect(percentile(histogram, 0.99)).toBe(1000)
  expect(percentile(histogram, 0.001)).toBe(1)
  observe(histogram, 1e9)
  // Nobody knows how much longer.
  expect(percentile(histogram, 1)).toBe(100_000)
})
