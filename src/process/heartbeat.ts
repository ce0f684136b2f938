import inspector from 'node:inspector'
import { findSourceMap } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { quote } from '../interface/errors.ts'
import { BEAT, DEBUGGED, HEARTBEAT, WORDS } from './heartbeat-shared.ts'
import type { StackFrame, StuckQuestion, StuckReport, ThreadData } from './heartbeat-shared.ts'

export interface HeartbeatOptions {
  /** Path of the error log, where it is a file. */
  readonly errorLog: string | undefined
  /** How long the event loop may be stuck, milliseconds; 0: for ever. */
  readonly timeoutMs: number
  /** How long it may be blocked before that is told, milliseconds; 0: it is not. */
  readonly slowMs: number
  /** The requests in flight, for the log: at most `limit` of them, and how many there are. */
  readonly inFlight: (limit: number) => { readonly labels: readonly string[]; readonly total: number }
  /** Called every few seconds from the event loop. `debugged`: its stillness would mean nothing. */
  readonly onBeat: (debugged: boolean) => void
  /** Called in the midst of whatever is stuck: it must not rely on anything that needs another turn of the event loop. */
  readonly onStuck: (where: string, stuckMs: number) => void
  /** As `onStuck`, but it will go on. */
  readonly onBlocked: (stack: readonly string[]) => void
  /** The watch has ended by itself. */
  readonly onLost: (error: unknown) => void
}

/** Beats within the time that may pass without one: a late one is no alarm. */
const BEATS_OF_TIMEOUT = 20
const LONGEST_BEAT_MS = 250

/** How often `onBeat` is called within that time. */
const SIGNS_OF_TIMEOUT = 5

/** Requests in flight that the log names. */
const MAX_REQUESTS = 20

/** The heap of the thread, MB. It needs 5. */
const THREAD_HEAP_MB = 32

/**
 * Starts a thread that notices when this one is stuck. It asks the debugger where, which works while JavaScript runs, logs that
 * with the requests in flight, and kills the process: nothing else ends a loop. Before that, it may only tell.
 */
export function startHeartbeat(options: HeartbeatOptions): void {
  const { timeoutMs, slowMs, errorLog } = options
  const shortest = Math.min(...[timeoutMs, slowMs].filter((ms) => ms > 0))
  const beatMs = Math.ceil(Math.min(LONGEST_BEAT_MS, shortest / BEATS_OF_TIMEOUT))
  const words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT))
  const beatsOfSign = Math.max(1, Math.floor(timeoutMs / SIGNS_OF_TIMEOUT / beatMs))
  let beats = 0
  const beat = (): void => {
    const debugged = inspector.url() !== undefined
    Atomics.store(words, DEBUGGED, debugged ? 1 : 0)
    Atomics.add(words, BEAT, 1)
    // Without a timeout the master has nothing to watch over.
    if (timeoutMs > 0 && beats++ % beatsOfSign === 0) options.onBeat(debugged)
  }
  beat()
  setInterval(beat, beatMs).unref()
  // For the thread, by way of the debugger: no request pays for being named here.
  Object.defineProperty(globalThis, Symbol.for(HEARTBEAT), { value: (request: string) => report(options, request) })
  const data: ThreadData = { words, timeoutMs, slowMs, beatMs, masterPid: process.ppid, errorLog }
  try {
    watch(data, options.onLost)
  } catch (error) {
    // Node's permission model forbids threads.
    options.onLost(error)
  }
}

function watch(data: ThreadData, onLost: (error: unknown) => void): void {
  const thread = new Worker(new URL(`./heartbeat-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: data,
    // Neither the application's loader nor its preloaded modules belong there.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  })
  thread.unref()
  thread.on('error', onLost)
}

/** Runs while this thread is paused: takes and gives JSON, the only thing that gets through. */
function report(options: HeartbeatOptions, request: string): string {
  // The thread of the same installation has written it.
  const { frames, stuckMs, fatal } = JSON.parse(request) as StuckQuestion
  const stack = frames.map((frame) => describeFrame(frame))
  const where = stack.find((line) => !line.includes('node:')) ?? stack[0] ?? ''
  const { labels, total } = options.inFlight(MAX_REQUESTS)
  if (fatal) options.onStuck(where, stuckMs)
  else options.onBlocked(stack)
  const answer: StuckReport = { where, stack, requests: labels, moreRequests: total - labels.length }
  return JSON.stringify(answer)
}

/** `render (/app/page.ts:12:5)`, in the file as it was written. */
function describeFrame({ name, url, line, column }: StackFrame): string {
  const entry = originOf(url, line, column)
  const file = entry?.file ?? url
  const place = `${pathOf(file)}:${(entry?.line ?? line) + 1}:${(entry?.column ?? column) + 1}`
  return `${quote(name || '(anonymous)').slice(1, -1)} (${place})`
}

function originOf(url: string, line: number, column: number): { file: string; line: number; column: number } | undefined {
  try {
    const entry = findSourceMap(url)?.findEntry(line, column)
    if (entry === undefined || !('originalSource' in entry)) return undefined
    return { file: entry.originalSource, line: entry.originalLine, column: entry.originalColumn }
  } catch {
    // A broken map must not cost the stack.
    return undefined
  }
}

function pathOf(file: string): string {
  try {
    return file.startsWith('file:') ? fileURLToPath(file) : file
  } catch {
    return file
  }
}
