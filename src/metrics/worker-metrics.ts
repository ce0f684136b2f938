import { emptyHistogram } from './histogram.ts'
import type { Histogram } from './histogram.ts'

/**
 * What a worker counts, from its start on: nothing in it ever falls. Its master adds up what workers have told that have ended, so
 * that the sums do not fall either.
 */
export interface WorkerCounters {
  /** By status; 444 and 499 as in nginx's log, 101 for connections that were taken over. */
  readonly responses: Readonly<Record<string, number>>
  readonly brokenResponses: number
  readonly durations: Histogram
  /** Of those that had to wait, until the application got them. */
  readonly queueWaits: Histogram
  /** Answered 503, for there were too many. */
  readonly refusedRequests: number
  /** Errors and warnings in the log, by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly connections: number
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly loopBusySeconds: number
  readonly cpuUserSeconds: number
  readonly cpuSystemSeconds: number
  /** Pauses by their kind: minor, major, incremental, weak. */
  readonly gcPauses: Readonly<Record<string, number>>
  readonly gcSeconds: Readonly<Record<string, number>>
}

/** What is so in a worker now. */
export interface WorkerGauges {
  readonly inFlight: number
  readonly queued: number
  readonly openConnections: number
  readonly rssBytes: number
  readonly heapUsedBytes: number
  readonly heapTotalBytes: number
  readonly externalBytes: number
  /** Of the last second, 0 to 1. */
  readonly loopUtilization: number
  /** How late timers came in the last second, seconds. */
  readonly loopDelayP99Seconds: number
  readonly loopDelayMaxSeconds: number
}

export interface WorkerMetrics {
  readonly counters: WorkerCounters
  readonly gauges: WorkerGauges
}

/** Keys that a table may have: statuses and error codes are fewer. An application that forges a message fills no memory. */
const MAX_KEYS = 600

export function emptyCounters(): WorkerCounters {
  return {
    responses: {},
    brokenResponses: 0,
    durations: emptyHistogram(),
    queueWaits: emptyHistogram(),
    refusedRequests: 0,
    errors: {},
    connections: 0,
    receivedBytes: 0,
    sentBytes: 0,
    loopBusySeconds: 0,
    cpuUserSeconds: 0,
    cpuSystemSeconds: 0,
    gcPauses: {},
    gcSeconds: {},
  }
}

const NO_GAUGES: WorkerGauges = {
  inFlight: 0,
  queued: 0,
  openConnections: 0,
  rssBytes: 0,
  heapUsedBytes: 0,
  heapTotalBytes: 0,
  externalBytes: 0,
  loopUtilization: 0,
  loopDelayP99Seconds: 0,
  loopDelayMaxSeconds: 0,
}

export function sumOfCounters(all: Iterable<WorkerCounters>): WorkerCounters {
  let total = emptyCounters()
  for (const each of all) total = added(total, each)
  return total
}

/** A worker's message, or undefined where it is malformed: a worker runs the application's code, too. */
export function readWorkerMetrics(value: unknown): WorkerMetrics | undefined {
  const template = { counters: emptyCounters(), gauges: NO_GAUGES }
  // Every member has been looked at.
  return isLike(value, template) ? (value as WorkerMetrics) : undefined
}

/** Numbers are added, lists place by place, tables key by key. */
function added<T>(a: T, b: T): T {
  if (typeof a === 'number' && typeof b === 'number') return (a + b) as T
  // Both have the same shape, and so has what comes of them.
  if (Array.isArray(a) && Array.isArray(b)) return a.map((value: unknown, index) => added<unknown>(value, b[index])) as T
  const sum: Record<string, unknown> = { ...(a as object) }
  for (const [key, value] of Object.entries(b as object)) sum[key] = key in sum ? added(sum[key], value) : value
  return sum as T
}

function isLike(value: unknown, template: unknown): boolean {
  if (typeof template === 'number') return typeof value === 'number' && Number.isFinite(value) && value >= 0
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(template)) {
    return Array.isArray(value) && value.length === template.length && value.every((each) => isLike(each, 0))
  }
  const keys = Object.entries(template as object)
  if (keys.length > 0) return keys.every(([key, each]) => isLike(Reflect.get(value, key), each))
  const entries = Object.values(value)
  return entries.length <= MAX_KEYS && entries.every((each) => isLike(each, 0))
}
