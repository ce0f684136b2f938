import type { END_CAUSES } from '../metrics/metric-families.ts'
import { killShowsAsSignal } from '../server/platform.ts'
import type { LeaveReason, RecycleReason } from './worker-messages.ts'
import type { WorkerExit } from './worker-process.ts'

/**
 * Why a worker has ended, in a word. `signal`: killed, or told to end by somebody else. `exit`: the application has ended the process.
 * `loader`: another one with the TypeScript loader takes its place.
 */
export type EndCause = (typeof END_CAUSES)[number]

/** `known`: what was so before it ended. */
export function causeOfEnd(exit: WorkerExit, known: EndCause | undefined): EndCause {
  if (exit.stuck !== undefined) return 'stuck'
  if (exit.error !== undefined) return 'boot'
  return known ?? (exit.signal === null ? 'exit' : 'signal')
}

/** Exit codes above this are, by the convention of shells, 128 and a signal. */
const SIGNAL_BASE = 128

/** What Node's exit codes mean to an operator; see "Exit codes" in Node's documentation of `process`. */
const CODES: ReadonlyMap<number, string> = new Map([
  [0, 'the application ended the process'],
  [1, 'an uncaught exception, or the application ended the process'],
  [5, 'a fatal error in V8'],
  [7, 'an exception in the handler of uncaught exceptions'],
  [9, 'an option in NODE_OPTIONS that this Node does not know'],
  [13, 'a top-level await that never settled'],
  // Of Windows: NTSTATUS.
  [0xc0_00_00_05, 'a crash in native code, perhaps of an addon'],
  [0xc0_00_00_fd, 'the stack of native code is full'],
  [0xc0_00_01_3a, 'ended by Ctrl-C'],
])

const SIGNALS: ReadonlyMap<string, string> = new Map([
  [
    'SIGABRT',
    'aborted, as Node does when the JavaScript heap is full: raise --max-old-space-size, or find what holds the memory',
  ],
  ['SIGKILL', 'killed by somebody, or by the system for lack of memory'],
  ['SIGSEGV', 'a crash in native code, perhaps of an addon'],
  ['SIGBUS', 'a crash in native code, perhaps of an addon'],
  ['SIGILL', 'a crash in native code, perhaps of an addon built for another processor'],
  ['SIGTRAP', 'a fatal error in V8'],
  ['SIGTERM', 'somebody asked this worker to stop'],
  ['SIGXCPU', 'over the limit of processor time'],
])

const SIGNAL_NUMBERS: ReadonlyMap<number, string> = new Map([
  [4, 'SIGILL'],
  [5, 'SIGTRAP'],
  [6, 'SIGABRT'],
  [7, 'SIGBUS'],
  [9, 'SIGKILL'],
  [11, 'SIGSEGV'],
  [15, 'SIGTERM'],
  [24, 'SIGXCPU'],
])

/** `exit code 134 (SIGABRT: aborted, as Node does when …)`. */
export function describeExit(exit: WorkerExit, system: NodeJS.Platform = process.platform): string {
  if (exit.error !== undefined) return `could not be started: ${exit.error.message}`
  const killed = exit.signal === 'SIGKILL' || (exit.code === 1 && !killShowsAsSignal(system))
  if (exit.stuck !== undefined && killed) return `was stuck for ${exit.stuck}, and was killed`
  if (exit.signal !== null) return `ended by ${exit.signal}${parenthesis(SIGNALS.get(exit.signal))}`
  const code = exit.code ?? 0
  const signal = SIGNAL_NUMBERS.get(code - SIGNAL_BASE)
  const meaning = signal === undefined ? CODES.get(code) : `${signal}: ${SIGNALS.get(signal) ?? ''}`
  return `ended with exit code ${code}${parenthesis(meaning)}`
}

function parenthesis(text: string | undefined): string {
  return text === undefined ? '' : ` (${text})`
}

/** Why a worker is replaced by its master, behind "worker 123 ends". */
export const RECYCLE_REASONS: Readonly<Record<RecycleReason | 'reload', string>> = {
  'max-requests': 'because it has served --max-requests',
  'worker-lifetime': 'because it is older than --worker-lifetime',
  'worker-max-rss': 'because its memory stays above --worker-max-rss',
  reload: 'because of the reload',
}

/** Why a worker leaves of its own accord, behind "worker 123 ends". */
export const LEAVE_REASONS: Readonly<Record<LeaveReason, string>> = {
  exception: 'after an uncaught exception',
  signal: 'because somebody sent it SIGTERM',
  application: 'because its application closed its server',
}
