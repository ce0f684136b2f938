import type { ApplicationSnapshot } from './application-metrics.ts'
import { percentile, totalOf } from './histogram.ts'
import type { Histogram } from './histogram.ts'
import { METRIC_FAMILIES } from './metric-families.ts'
import type { Labels, MetricFamily, MetricsSnapshot } from './metric-families.ts'

export interface StatsdNaming {
  /** Before every name; empty, or it ends with a point. */
  readonly prefix: string
  /** Tags of the user's, DogStatsD's way: then labels are tags, too, and no part of the name. Empty: plain statsd. */
  readonly tags: readonly string[]
}

/** What is told of a distribution: nobody else can find these in one number for ten seconds. */
const PARTS = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
] as const

/** Histograms are kept finer than they are shown, which is what percentiles are made of. */
const DISTRIBUTIONS: ReadonlyMap<string, 'durations' | 'queueWaits'> = new Map([
  ['tsgi_request_duration_seconds', 'durations'],
  ['tsgi_request_queue_seconds', 'queueWaits'],
])

const EMPTY: Pick<Histogram, 'counts' | 'sumMs'> = { counts: [], sumMs: 0 }

/**
 * What has changed from one snapshot to the next, as lines of statsd: https://github.com/statsd/statsd/blob/master/docs/metric_types.md
 * Counters by what has come to them (`|c`), those that stood still not at all; gauges as they are (`|g`), and 0 once when
 * their worker is gone; of durations the count, the mean and percentiles in milliseconds (`|ms`).
 */
export class StatsdLines {
  readonly #naming: StatsdNaming
  readonly #counted = new Map<string, number>()
  readonly #distributions = new Map<string, Pick<Histogram, 'counts' | 'sumMs'>>()
  #gauges: ReadonlySet<string> = new Set()

  constructor(naming: StatsdNaming) {
    this.#naming = naming
  }

  next(snapshot: MetricsSnapshot): string[] {
    const lines: string[] = []
    const gauges = new Set<string>()
    for (const family of METRIC_FAMILIES) {
      if (family.type === 'histogram') {
        for (const application of snapshot.applications) lines.push(...this.#distribution(family, application))
      } else if (family.type !== 'info') {
        for (const { labels, value } of family.samples(snapshot)) {
          const series = this.#series(shortName(family.name), labels)
          if (family.type === 'gauge') {
            gauges.add(series.key)
            lines.push(series.line(value, 'g'))
          } else {
            const more = value - (this.#counted.get(series.key) ?? 0)
            this.#counted.set(series.key, value)
            if (more > 0) lines.push(series.line(more, 'c'))
          }
        }
      }
    }
    // Else a worker that is gone would seem to use its memory for ever.
    for (const key of this.#gauges) if (!gauges.has(key)) lines.push(lineOf(key, 0, 'g'))
    this.#gauges = gauges
    return lines
  }

  #distribution(family: MetricFamily, { mount, counters }: ApplicationSnapshot): string[] {
    const which = DISTRIBUTIONS.get(family.name)
    if (which === undefined) return []
    const now = counters[which]
    const name = shortName(family.name).replace(/_seconds$/, '')
    const { key } = this.#series(name, { mount })
    const before = this.#distributions.get(key) ?? EMPTY
    this.#distributions.set(key, { counts: [...now.counts], sumMs: now.sumMs })
    const since = { counts: now.counts.map((count, index) => count - (before.counts[index] ?? 0)) }
    const total = totalOf(since)
    if (total <= 0) return []
    const told = (part: string, value: number, type: 'c' | 'ms'): string =>
      this.#series(`${name}.${part}`, { mount }).line(value, type)
    return [
      told('count', total, 'c'),
      told('mean', (now.sumMs - before.sumMs) / total, 'ms'),
      ...PARTS.map(([part, share]) => told(part, percentile(since, share), 'ms')),
    ]
  }

  #series(name: string, labels: Labels): { key: string; line: (value: number, type: string) => string } {
    const { prefix, tags } = this.#naming
    const key = tags.length > 0 ? taggedKey(`${prefix}${name}`, labels, tags) : plainKey(prefix, name, labels)
    return { key, line: (value, type) => lineOf(key, value, type) }
  }
}

/** `tsgi_requests_in_flight` → `tsgi.requests_in_flight`. */
function shortName(name: string): string {
  return name.replace(/^tsgi_/, 'tsgi.')
}

/** Name and tags with a NUL between them: the value stands between the two in a line. */
function taggedKey(name: string, labels: Labels, tags: readonly string[]): string {
  const own = Object.entries(labels).map(([label, value]) => `${label}:${String(value).replace(/[,|#\s\0]/g, '_')}`)
  return `${name}\0|#${[...tags, ...own].join(',')}`
}

/**
 * Labels are parts of the name: `tsgi.requests.2xx.200`, `tsgi.requests_in_flight.worker_0`. The application at `/` has none for its
 * mount, another one stands first: `tsgi.mount_shop.requests.2xx.200`.
 */
function plainKey(prefix: string, name: string, { mount, ...others }: Labels): string {
  const where = mount === undefined || mount === '/' ? [] : [`mount${String(mount)}`]
  const own = Object.entries(others).map(([label, value]) => (label === 'worker' ? `worker_${value}` : String(value)))
  const [first = '', ...rest] = name.split('.')
  const part = (text: string): string => text.replace(/[^\w-]/g, '_')
  return `${prefix}${[first, ...where.map(part), ...rest, ...own.map(part)].join('.')}`
}

function lineOf(key: string, value: number, type: string): string {
  const [name = '', tags = ''] = key.split('\0')
  // Without the dust of binary fractions, and never as 1e-7, which statsd does not read.
  return `${name}:${Number.isInteger(value) ? value : value.toFixed(6).replace(/\.?0+$/, '')}|${type}${tags}`
}

/** Of a datagram, which no network on the way must have to take apart: Ethernet's 1500 bytes, without headers and those of tunnels. */
const MAX_DATAGRAM_BYTES = 1432

/** As many lines in each as fit. One that fits into none is left out. */
export function statsdDatagrams(lines: readonly string[]): string[] {
  const datagrams: string[] = []
  let current: string[] = []
  let bytes = 0
  for (const line of lines) {
    const size = Buffer.byteLength(line)
    if (size > MAX_DATAGRAM_BYTES) continue
    if (current.length > 0 && bytes + 1 + size > MAX_DATAGRAM_BYTES) {
      datagrams.push(current.join('\n'))
      current = []
      bytes = 0
    }
    bytes += size + (current.length > 0 ? 1 : 0)
    current.push(line)
  }
  if (current.length > 0) datagrams.push(current.join('\n'))
  return datagrams
}
