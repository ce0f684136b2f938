import { styled } from '../launcher/terminal-colour.ts'
import type { Activity, WorkerActivity } from '../metrics/activity.ts'
import { amount, columns, duration, plain, show, size } from './figures.ts'

/** What the workers are sorted by, and the key for it. */
export const ORDERS = { n: 'place', r: 'requests', b: 'busy', m: 'memory' } as const
export type Order = (typeof ORDERS)[keyof typeof ORDERS]

export interface Screen {
  readonly about: { readonly version: string; readonly node: string; readonly startedAt: number; readonly at: number }
  readonly activity: Activity
  readonly wantedWorkers: number
  /** Workers that have ended since the start of the server, by the cause. */
  readonly endings: Readonly<Record<string, number>>
  readonly order: Order
}

/** Above this part of a second a worker is short of time. */
const BUSY = 0.9

/** What `tsgi top` shows: lines without their ends. `columns` cuts them where a terminal has no room. */
export function topLines({ about, activity, wantedWorkers, endings, order }: Screen, colour: boolean): string[] {
  const { classes, workers } = activity
  const bold = (text: string): string => styled('bold', text, colour)
  const ready = workers.filter(({ state }) => state === 'ready').length
  const bad = (classes['5'] ?? 0) > 0
  const errors = `5xx ${amount(classes['5'] ?? 0)}/s  4xx ${amount(classes['4'] ?? 0)}/s`
  return [
    `tsgi ${show(about.version)}, Node ${show(about.node)}, up ${duration(about.at - about.startedAt)}, ${ready} of ${wantedWorkers} workers ready`,
    '',
    `${bold(`${amount(activity.requests)} requests/s`)}  p50 ${ms(activity.p50)}  p90 ${ms(activity.p90)}  p99 ${ms(activity.p99)}  ${bad ? styled('red', errors, colour) : errors}`,
    `${activity.inFlight} in flight  ${activity.queued} waiting  ${amount(activity.openConnections)} connections  in ${rate(activity.receivedBytes)}  out ${rate(activity.sentBytes)}`,
    `workers ended: ${ended(endings)}`,
    '',
    ...table(workers, order, colour),
  ]
}

function table(workers: readonly WorkerActivity[], order: Order, colour: boolean): string[] {
  const hasMounts = new Set(workers.map(({ mount }) => mount)).size > 1
  const header = ['WORKER', 'PID', 'STATE', 'AGE', 'REQ/S', 'IN FLIGHT', 'BUSY', 'DELAY', 'MEMORY', 'HEAP']
  const sorted = workers.toSorted((a, b) => compare(a, b, order))
  const rows = sorted.map((worker) => [
    ...(hasMounts ? [plain(worker.mount)] : []),
    show(worker.index),
    show(worker.pid),
    show(worker.state),
    duration(worker.ageMs),
    amount(worker.requestsPerSecond),
    amount(worker.gauges?.inFlight),
    percent(worker.gauges?.loopUtilization),
    ms(worker.gauges === undefined ? undefined : worker.gauges.loopDelayP99Seconds * 1000),
    size(worker.gauges?.rssBytes),
    size(worker.gauges?.heapUsedBytes),
  ])
  const right = header.map((title) => title !== 'STATE')
  const [first = '', ...rest] = columns(
    [[...(hasMounts ? ['MOUNT'] : []), ...header], ...rows],
    hasMounts ? [false, ...right] : right,
  )
  return [
    styled('bold', first, colour),
    ...rest.map((line, index) => ((sorted[index]?.gauges?.loopUtilization ?? 0) > BUSY ? styled('yellow', line, colour) : line)),
  ]
}

function compare(a: WorkerActivity, b: WorkerActivity, order: Order): number {
  const byPlace = a.mount.localeCompare(b.mount) || a.index - b.index || a.id - b.id
  switch (order) {
    case 'place':
      return byPlace
    case 'requests':
      return b.requestsPerSecond - a.requestsPerSecond || byPlace
    case 'busy':
      return (b.gauges?.loopUtilization ?? 0) - (a.gauges?.loopUtilization ?? 0) || byPlace
    case 'memory':
      return (b.gauges?.rssBytes ?? 0) - (a.gauges?.rssBytes ?? 0) || byPlace
  }
}

function ended(endings: Readonly<Record<string, number>>): string {
  const found = Object.entries(endings).toSorted(([, a], [, b]) => b - a)
  return found.length === 0 ? 'none' : found.map(([cause, count]) => `${plain(cause)} ${count}`).join(', ')
}

function ms(value: number | undefined): string {
  return value === undefined ? '-' : `${amount(value)} ms`
}

function percent(part: number | undefined): string {
  return part === undefined ? '-' : `${Math.round(part * 100)}%`
}

function rate(bytes: number): string {
  return `${size(bytes)}/s`
}
