/**
 * Upper bounds of the buckets in milliseconds, the last one beyond all: ten in a decade (Renard's series R10), from 0.1 ms to 100 s,
 * so that a percentile is right within 12 %.
 */
const RENARD = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8] as const
const FIRST_DECADE = -1
const DECADES = 6

export const BOUNDS_MS: readonly number[] = [
  ...Array.from({ length: DECADES }, (_, decade) => RENARD.map((bound) => scaled(bound, FIRST_DECADE + decade))).flat(),
  scaled(1, FIRST_DECADE + DECADES),
  Infinity,
]

const SEARCHED = Float64Array.from(BOUNDS_MS)

/** Counts of durations. As a whole it is what a worker tells its master. */
export interface Histogram {
  /** One for each of `BOUNDS_MS`: those that are no longer than this bound, and longer than the one before. */
  readonly counts: number[]
  /** Of all, milliseconds. */
  sumMs: number
}

export function emptyHistogram(): Histogram {
  return { counts: BOUNDS_MS.map(() => 0), sumMs: 0 }
}

/** Allocates nothing: it stands in the path of every request. */
export function observe(histogram: Histogram, ms: number): void {
  const { counts } = histogram
  histogram.sumMs += ms
  let low = 0
  let high = SEARCHED.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((SEARCHED[middle] ?? 0) < ms) low = middle + 1
    else high = middle
  }
  counts[low] = (counts[low] ?? 0) + 1
}

export function totalOf({ counts }: Pick<Histogram, 'counts'>): number {
  let total = 0
  for (const count of counts) total += count
  return total
}

/** The upper bound of what this part of all took, milliseconds, 0 where there is nothing; beyond the last bound, that. */
export function percentile(histogram: Pick<Histogram, 'counts'>, part: number): number {
  const total = totalOf(histogram)
  if (total === 0) return 0
  let left = Math.ceil(total * part)
  for (const [index, count] of histogram.counts.entries()) {
    left -= count
    if (left <= 0) return BOUNDS_MS[Math.min(index, BOUNDS_MS.length - 2)] ?? 0
  }
  return 0
}

/** Without the dust of binary fractions. */
function scaled(value: number, exponent: number): number {
  return Number(`${value}e${exponent}`)
}
