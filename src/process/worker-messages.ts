import { ERROR_CODES } from '../interface/errors.ts'
import type { ErrorCode } from '../interface/errors.ts'
import type { LogLevel } from '../interface/logger.ts'
import type { LogOptions } from '../logging/log-options.ts'
import type { RecordOptions } from '../recording/recorder.ts'
import { readWorkerMetrics } from '../metrics/worker-metrics.ts'
import type { WorkerMetrics } from '../metrics/worker-metrics.ts'
import type { ClientLimits } from '../server/client-limits.ts'
import type { Protocol } from '../server/server.ts'
import type { InterfaceChoice } from '../loading/detect-application.ts'

/**
 * What master and worker tell each other over the channel that `child_process.spawn` opens.
 * The channel is also the application's (`process.send`), so every message has the key `tsgi` and others are passed over.
 */

/** How long things may take in a worker, milliseconds, and how many requests it serves at a time; 0: no limit. */
export interface WorkerClocks {
  readonly requestTimeoutMs: number
  readonly workerConcurrency: number
  readonly queueTimeoutMs: number
  readonly heartbeatTimeoutMs: number
  /** From then on a request that is not answered is slow. */
  readonly slowRequestMs: number
}

/** `fd`: an inherited descriptor to listen on; absent: the socket comes with a `ListenerMessage`. */
export interface WorkerListener {
  readonly fd?: number
  readonly protocol: Protocol
}

/** All that a worker needs to know. The first message, sent before the worker can ask. */
export interface BootMessage {
  readonly tsgi: 'boot'
  /** Absolute path of the application's file. */
  readonly file: string
  readonly exportName?: string
  readonly interface: InterfaceChoice
  /** Whether the worker runs with the TypeScript loader already. */
  readonly loader: boolean
  readonly listeners: readonly WorkerListener[]
  readonly mountPoint: string
  readonly multiprocess: boolean
  readonly gracefulTimeoutMs: number
  readonly logLevel: LogLevel
  readonly probeToken?: string
  readonly maxRequestBodyBytes?: number
  /** After so many requests it says that it has served enough; 0: never. */
  readonly maxRequests: number
  /** Of this worker, for hooks. */
  readonly id: number
  readonly generation: number
  readonly hooksFile?: string | undefined
  readonly clocks?: WorkerClocks | undefined
  readonly clients?: ClientLimits | undefined
  readonly logs?: LogOptions | undefined
  /** Requests are counted. */
  readonly metrics: boolean
  /** Requests are kept in a file; absent: none are. */
  readonly record?: RecordOptions | undefined
  /** Failures are explained to clients. */
  readonly development?: boolean
}

/** Stop accepting, finish what is in flight within the time, exit. A later one shortens the time. */
export interface DrainMessage {
  readonly tsgi: 'drain'
  readonly timeoutMs: number
  /** Other workers serve on: proxies may hold connections to this one, and use them at any moment. */
  readonly handover: boolean
}

/** A drain follows: WebSockets are asked to close, spread over the time, while requests are still served. */
export interface CloseWebSocketsMessage {
  readonly tsgi: 'close-websockets'
  readonly timeoutMs: number
}

/** Asks for a `pong`, which proves that the loop turns. */
export interface PingMessage {
  readonly tsgi: 'ping'
}

/** From now on lines of this level and of more severe ones are logged. */
export interface LogLevelMessage {
  readonly tsgi: 'log-level'
  readonly level: LogLevel
}

/** Log files have been moved away: go on in new ones. */
export interface ReopenLogsMessage {
  readonly tsgi: 'reopen-logs'
}

/** Comes with a connection, idle now, that another worker has served and cannot keep. */
export interface ConnectionMessage {
  readonly tsgi: 'connection'
}

/** Asks for a `stats`, at once. */
export interface ReportMessage {
  readonly tsgi: 'report'
}

/** Another worker has joined: this part of the connections that a proxy keeps is let go, and comes back to whoever is free. */
export interface ShareMessage {
  readonly tsgi: 'share'
  readonly part: number
}

/** Comes with the socket that one of the `listeners` is about. */
export interface ListenerMessage {
  readonly tsgi: 'listener'
  readonly index: number
}

export type MessageToWorker =
  | BootMessage
  | ConnectionMessage
  | ListenerMessage
  | DrainMessage
  | CloseWebSocketsMessage
  | PingMessage
  | LogLevelMessage
  | ReopenLogsMessage
  | ReportMessage
  | ShareMessage

const KINDS_TO_WORKER: readonly MessageToWorker['tsgi'][] = [
  'boot',
  'connection',
  'listener',
  'drain',
  'close-websockets',
  'ping',
  'log-level',
  'reopen-logs',
  'report',
  'share',
]

/** Why a worker could not start. */
export interface BootFailure {
  readonly code: ErrorCode
  readonly message: string
  /** Lines of the stack of the error behind it, source-mapped; empty where the error is about the set-up alone. */
  readonly stack: readonly string[]
  /** Which of the `listeners` could not be listened on. */
  readonly listener?: number
}

/** Why a worker leaves without having been told to by its master: an exception that nobody caught, SIGTERM from outside, or an application that closed its own server. */
export type LeaveReason = 'exception' | 'signal' | 'application'

/** Why a worker is replaced though it serves, by the option that says so. */
export type RecycleReason = 'max-requests' | 'worker-lifetime' | 'worker-max-rss'

/** What a worker tells of itself, about once a second. */
export interface WorkerStats {
  /** Requests that are finished, and those that are not. */
  readonly requests: number
  readonly inFlight: number
  /** Resident memory, bytes. */
  readonly rssBytes: number
  /** Part of the last second in which the event loop was busy, 0 to 1. */
  readonly loopUtilization: number
  readonly metrics?: WorkerMetrics | undefined
}

const STEPS = ['loading', 'waiting', 'startup', 'listening'] as const

/** What a worker is at until it is ready. `waiting`: its script exports no application, and may still start a server. */
export type BootStep = (typeof STEPS)[number]

export type MessageToMaster =
  | { readonly tsgi: 'step'; readonly step: BootStep }
  /** `kind`: of the application, in words. */
  | { readonly tsgi: 'ready'; readonly kind?: string }
  | { readonly tsgi: 'pong' }
  | ({ readonly tsgi: 'stats' } & WorkerStats)
  /** It has served as many requests as it should, and serves on until another takes its place. */
  | { readonly tsgi: 'enough' }
  /** The application may load with the TypeScript loader; this process cannot load it any more and exits. */
  | { readonly tsgi: 'needs-loader'; readonly reason: string }
  | { readonly tsgi: 'failed'; readonly failure: BootFailure }
  /** The worker has stopped accepting of its own accord, finishes its requests and exits. `failure`: the exception, in development. */
  | { readonly tsgi: 'leaving'; readonly because: LeaveReason; readonly failure?: BootFailure }
  | { readonly tsgi: 'drained'; readonly unfinished: number }

/** A message of ours, or undefined: the application's own messages, and anything malformed, are not. */
export function readMessageToMaster(value: unknown): MessageToMaster | undefined {
  if (!isRecord(value)) return undefined
  switch (value['tsgi']) {
    case 'ready':
      return { tsgi: 'ready', ...(typeof value['kind'] === 'string' ? { kind: value['kind'] } : {}) }
    case 'pong':
    case 'enough':
      return { tsgi: value['tsgi'] }
    case 'stats': {
      const { requests, inFlight, rssBytes, loopUtilization } = value
      if (![requests, inFlight, rssBytes, loopUtilization].every((each) => typeof each === 'number')) return undefined
      // All four have been looked at.
      return { ...(value as unknown as WorkerStats), tsgi: 'stats', metrics: readWorkerMetrics(value['metrics']) }
    }
    case 'step': {
      const step = STEPS.find((each) => each === value['step'])
      return step === undefined ? undefined : { tsgi: 'step', step }
    }
    case 'leaving': {
      const because = value['because']
      if (because !== 'exception' && because !== 'signal' && because !== 'application') return undefined
      const failure = readFailure(value['failure'])
      return { tsgi: 'leaving', because, ...(failure === undefined ? {} : { failure }) }
    }
    case 'needs-loader':
      return typeof value['reason'] === 'string' ? { tsgi: 'needs-loader', reason: value['reason'] } : undefined
    case 'drained':
      return typeof value['unfinished'] === 'number' ? { tsgi: 'drained', unfinished: value['unfinished'] } : undefined
    case 'failed': {
      const failure = readFailure(value['failure'])
      return failure === undefined ? undefined : { tsgi: 'failed', failure }
    }
    default:
      return undefined
  }
}

/** A message of ours, or undefined. What the master sends is well-formed: only the kind is looked at. */
export function readMessageToWorker(value: unknown): MessageToWorker | undefined {
  if (!isRecord(value)) return undefined
  if (!KINDS_TO_WORKER.some((kind) => kind === value['tsgi'])) return undefined
  // The other end of the channel is the master of the same installation.
  return value as unknown as MessageToWorker
}

function readFailure(value: unknown): BootFailure | undefined {
  if (!isRecord(value)) return undefined
  const { code, message, stack, listener } = value
  if (!isErrorCode(code) || typeof message !== 'string' || !Array.isArray(stack)) return undefined
  return { code, message, stack: stack.map(String), ...(typeof listener === 'number' ? { listener } : {}) }
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
