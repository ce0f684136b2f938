import type { ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Logger, LogLevel } from '../interface/logger.ts'
import { inheritedFds, listenersOfWorker, sendListeners } from './listener-handover.ts'
import type { SharedListener } from './listener-handover.ts'
import type { EndCause } from './exit-meaning.ts'
import { isConnection, passToWorker } from './passed-connection.ts'
import type { WorkerOutput } from './master-options.ts'
import { LifeWatch, readSignOfLife } from './sign-of-life.ts'
import type { SignOfLife } from './sign-of-life.ts'
import { readSlowReport } from './slow-report.ts'
import type { SlowReport } from '../server/slow-requests.ts'
import { loaderUrl } from '../loading/typescript-loader.ts'
import { readMessageToMaster } from './worker-messages.ts'
import type { BootMessage, BootStep, WorkerStats, MessageToMaster, MessageToWorker } from './worker-messages.ts'
import { spawnWithRights } from './worker-rights.ts'
import type { WorkerRights } from './worker-rights.ts'

/** The same file whether this one runs as TypeScript or compiled. */
export const WORKER_ENTRY = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url))

/** What a worker gets beyond its time, to give its unfinished requests up so that the proxy can tell, milliseconds. */
const GIVE_UP_MS = 1000

/** How a worker ended. `error`: it could not even be started. */
export interface WorkerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: Error
  /** Why it was killed: `stuck for 30.1 s in render (/app/page.ts:12:5)`. */
  readonly stuck?: string
}

export interface WorkerSpawnOptions {
  readonly id: number
  /** Of the place among the workers, from 0. */
  readonly index: number
  /** Of the code and the settings that it runs with; see `WorkerPool.generation`. */
  readonly generation: number
  readonly env: NodeJS.ProcessEnv
  readonly rights: WorkerRights
  /** The master's sockets, in the order of `boot.protocols`. */
  readonly listeners: readonly SharedListener[]
  readonly output: WorkerOutput
  readonly startupTimeoutMs: number
  readonly log: Logger
  readonly boot: Omit<BootMessage, 'tsgi' | 'listeners'> & {
    readonly protocols: readonly BootMessage['listeners'][number]['protocol'][]
  }
  readonly events: WorkerEvents
}

/** What happens to a worker process. */
export interface WorkerEvents {
  readonly onMessage: (worker: WorkerProcess, message: MessageToMaster) => void
  readonly onStartupTimeout: (worker: WorkerProcess) => void
  readonly onExit: (worker: WorkerProcess, exit: WorkerExit) => void
  /** One of its requests takes long, or has ended that did. */
  readonly onSlow?: (worker: WorkerProcess, report: SlowReport) => void
  /** Who takes the connections of one that is replaced; undefined: nobody. */
  readonly successorOf?: (worker: WorkerProcess) => WorkerProcess | undefined
  /** It has told all that it ever will: some of it may come behind its exit. */
  readonly onSilent?: (worker: WorkerProcess) => void
}

interface DrainOptions {
  readonly handover?: boolean
  readonly killMs?: number
  readonly cause?: EndCause
}

/** A worker as it is shown outside. */
export type SeenWorker = Pick<WorkerProcess, 'id' | 'index' | 'pid' | 'state' | 'generation' | 'ageMs' | 'stats' | 'report'>

/** One worker from the master's side: the child process, what is known of it, and what it can be told. */
export class WorkerProcess {
  readonly id: number
  readonly index: number
  readonly generation: number
  /** 0 where the process could not be started. */
  readonly pid: number
  readonly loader: boolean
  state: 'booting' | 'ready' | 'stopping' = 'booting'
  /** What it is at while it boots. */
  step: BootStep = 'loading'
  readonly #startedAt = performance.now()
  #readyAt: number | undefined
  readonly #child: ChildProcess
  readonly #startupTimer: NodeJS.Timeout
  readonly #options: WorkerSpawnOptions
  #killTimer: NodeJS.Timeout | undefined
  #killAt = Infinity
  #ended = false
  /** Why it ends, where that is known before. */
  endCause: EndCause | undefined
  /** What it has last told of itself. */
  stats: WorkerStats | undefined
  /** Looks in a row that found it larger than it may be. */
  largeLooks = 0
  #life: LifeWatch | undefined
  #stuck: string | undefined

  constructor(options: WorkerSpawnOptions) {
    this.id = options.id
    this.index = options.index
    this.generation = options.generation
    this.#options = options
    this.loader = options.boot.loader
    const { stdout = 'inherit', stderr = 'inherit' } = options.output
    const { protocols, ...boot } = options.boot
    this.#child = spawnWithRights(
      process.execPath,
      [...(this.loader ? ['--import', loaderUrl()] : []), WORKER_ENTRY],
      {
        // spawn's types know only numbers among the descriptors behind the channel, which is what these are.
        stdio: ['ignore', stdout, stderr, 'ipc', ...inheritedFds(options.listeners)],
        env: options.env,
        serialization: 'json',
      },
      options.rights,
    )
    this.pid = this.#child.pid ?? 0
    this.#startupTimer = setTimeout(() => options.events.onStartupTimeout(this), options.startupTimeoutMs)
    this.#child.on('message', (value, handle) => {
      if (isConnection(value)) {
        const successor = options.events.successorOf?.(this)
        passToWorker(successor === undefined ? undefined : successor.#child, handle)
        return
      }
      const message = readMessageToMaster(value)
      const slow = message === undefined ? readSlowReport(value) : undefined
      if (message !== undefined) options.events.onMessage(this, message)
      else if (slow !== undefined) options.events.onSlow?.(this, slow)
      else this.#onSignOfLife(readSignOfLife(value), boot.clocks?.heartbeatTimeoutMs ?? 0)
    })
    this.#child.on('disconnect', () => options.events.onSilent?.(this))
    this.#child.on('exit', (code, signal) => this.#end(options, { code, signal }))
    this.#child.on('error', (error) => {
      // Only a child that was never started has no pid; a message that could not be sent is seen at its end.
      if (this.pid === 0) this.#end(options, { code: null, signal: null, error })
    })
    this.#tell({ tsgi: 'boot', ...boot, listeners: listenersOfWorker(options.listeners, protocols) })
    sendListeners(this.#child, options.listeners)
  }

  /** How long the worker has been ready, milliseconds; 0 where it never was. */
  get readyForMs(): number {
    return this.#readyAt === undefined ? 0 : performance.now() - this.#readyAt
  }

  /** From its start until now, milliseconds. */
  get ageMs(): number {
    return performance.now() - this.#startedAt
  }

  /** When the worker became ready; see `performance.now()`. Infinity where it has not. */
  get readyAt(): number {
    return this.#readyAt ?? Infinity
  }

  markReady(): void {
    this.state = 'ready'
    this.#readyAt = performance.now()
  }

  /** Asks for an answer, for which it has what is left of its time to start. */
  ping(): void {
    this.#tell({ tsgi: 'ping' })
  }

  markAnswered(): void {
    clearTimeout(this.#startupTimer)
  }

  /** The worker ends by itself, or has been told to; the first cause counts. */
  markStopping(cause: EndCause = 'stop'): void {
    this.endCause ??= cause
    this.state = 'stopping'
    clearTimeout(this.#startupTimer)
  }

  /**
   * Asks for an end within the time, and kills what is left at `killMs`. One that still boots serves nobody, and may be stuck:
   * it is killed. A later call only makes the time shorter. `handover`: see `DrainMessage`.
   */
  drain(timeoutMs: number, { handover = true, killMs = timeoutMs + GIVE_UP_MS, cause = 'stop' }: DrainOptions = {}): void {
    const booting = this.state === 'booting'
    this.markStopping(cause)
    if (booting) {
      this.kill(cause)
      return
    }
    this.#tell({ tsgi: 'drain', timeoutMs, handover })
    const killAt = performance.now() + killMs
    if (killAt > this.#killAt) return
    this.#killAt = killAt
    clearTimeout(this.#killTimer)
    this.#killTimer = setTimeout(() => this.#overdue(), killMs)
  }

  /** Asks for the end of its WebSockets within the time; it serves on. */
  closeWebSockets(timeoutMs: number): void {
    this.#tell({ tsgi: 'close-websockets', timeoutMs })
  }

  setLogLevel(level: LogLevel): void {
    this.#tell({ tsgi: 'log-level', level })
  }

  share(part: number): void {
    this.#tell({ tsgi: 'share', part })
  }

  /** Asks for its `stats`, at once. */
  report(): void {
    this.#tell({ tsgi: 'report' })
  }

  reopenLogs(): void {
    this.#tell({ tsgi: 'reopen-logs' })
  }

  #overdue(): void {
    this.#options.log.warn(`worker ${this.pid} did not end in time and is killed`)
    this.kill('stop')
  }

  /** At once: SIGKILL. */
  kill(cause: EndCause = 'stop'): void {
    this.markStopping(cause)
    if (!this.#ended) this.#child.kill('SIGKILL')
  }

  #tell(message: MessageToWorker): void {
    // A worker that is gone, or going, does not get it; its exit is what counts then.
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  #onSignOfLife(sign: SignOfLife | undefined, timeoutMs: number): void {
    if (sign?.tsgi === 'stuck') {
      this.#stuck = `${seconds(sign.stuckMs)} in ${sign.where}`
    } else if (sign?.tsgi === 'beat' && !this.#ended) {
      this.#life ??= new LifeWatch(timeoutMs, (silentMs) => {
        this.#stuck ??= `${seconds(silentMs)}, and gave no sign of life`
        this.#child.kill('SIGKILL')
      })
      this.#life.beat(sign.debugged)
    }
  }

  #end(options: WorkerSpawnOptions, exit: WorkerExit): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#startupTimer)
    clearTimeout(this.#killTimer)
    this.#life?.stop()
    options.events.onExit(this, this.#stuck === undefined ? exit : { ...exit, stuck: this.#stuck })
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
