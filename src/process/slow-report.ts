import type { SlowReport } from '../server/slow-requests.ts'

/** What a worker lets its master know of a slow request. In the same channel as worker-messages.ts. */
export type SlowMessage = { readonly tsgi: 'slow' } & SlowReport

/** What the master keeps of what a worker says, characters and frames: a worker runs the application's code, too. */
const MAX_LABEL = 400
const MAX_FRAME = 300
const MAX_FRAMES = 30

/** A message of ours, or undefined. */
export function readSlowReport(value: unknown): SlowReport | undefined {
  if (typeof value !== 'object' || value === null || Reflect.get(value, 'tsgi') !== 'slow') return undefined
  const { label, ms, running, status, stack }: Partial<Record<keyof SlowReport, unknown>> = value
  if (typeof label !== 'string' || typeof ms !== 'number' || !Number.isFinite(ms) || typeof running !== 'boolean')
    return undefined
  return {
    label: label.slice(0, MAX_LABEL),
    ms,
    running,
    ...(typeof status === 'number' ? { status } : {}),
    ...(Array.isArray(stack) ? { stack: stack.slice(0, MAX_FRAMES).map((each) => String(each).slice(0, MAX_FRAME)) } : {}),
  }
}
