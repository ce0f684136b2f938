import { inShort, TsgiError } from '../interface/errors.ts'
import { errorsInText, reportedErrors } from '../development/failure-report.ts'
import type { FailureReport } from '../development/failure-report.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { Deferred } from '../loading/deferred.ts'
import { bootError, startupTimeoutError } from '../process/boot-errors.ts'
import { describeExit } from '../process/exit-meaning.ts'
import type { MasterOptions } from '../process/master-options.ts'
import { ServedCode } from '../process/served-code.ts'
import type { BootFailure, MessageToMaster } from '../process/worker-messages.ts'
import type { WorkerExit, WorkerProcess } from '../process/worker-process.ts'
import type { Serving } from './serving.ts'
import { WorkerSockets } from './worker-sockets.ts'
import type { WorkerSocket } from './worker-sockets.ts'

/** What a worker gets for its last requests when the code has changed, and when it is killed, milliseconds: streams may never end. */
const RETIRE_MS = 1000
const RETIRE_LIMIT_MS = 2000

/** What still has no answer a moment before is taken away from it, milliseconds. */
const OVERDUE_MS = 800

/** The same when the server stops. */
const STOP_MS = 300
const STOP_LIMIT_MS = 1000

/** Code that ends by itself before this would end again: it waits for a change, milliseconds. */
const SHORT_LIFE_MS = 1000

/** Requests that are held at a time while new code is loaded; a browser sends some dozens. */
const MAX_HELD = 1000

export interface DevelopmentServerOptions {
  /** What the next worker is told. Read at each start; rejects where the settings are wrong. */
  readonly read: () => Promise<MasterOptions>
  /** New code serves. `ms`: since the change that caused it was seen; undefined at the start. */
  readonly onServing: (kind: string, ms: number, changed: string | undefined) => void
  readonly onFailed: (error: TsgiError, changed: string | undefined) => void
  /** This generation is served now, or has failed. */
  readonly onSettled: (generation: number) => void
}

/** A worker with the socket that it alone listens on. */
interface Run {
  readonly worker: WorkerProcess
  readonly socket: WorkerSocket
  readonly code: ServedCode
  readonly ended: Deferred<void>
  readonly overdue: AbortController
}

/**
 * One worker with the code of now. When the code changes it ends, and from that moment no request reaches it; those that come are
 * held until the next worker serves or has failed.
 *
 * As in the master, nothing waits in here: what happens is told by methods that find a settled state.
 */
export class DevelopmentServer {
  readonly #options: DevelopmentServerOptions
  readonly #sockets = new WorkerSockets()
  /** Every process that lives. */
  readonly #runs = new Map<WorkerProcess, Run>()
  #current: Run | undefined
  #code: ServedCode | undefined
  #state: 'waiting' | 'booting' | 'serving' | 'failed' | 'stopping' = 'waiting'
  #serving: Serving | undefined
  #held = new Deferred<void>()
  #heldCount = 0
  #generation = 0
  #lastId = 0
  #since = performance.now()
  #changed: string | undefined
  /** An older worker lived when this generation was started: what it holds, such as a port, may be what the new one lacks. */
  #besideOther = false
  #ended = new Deferred<void>()

  constructor(options: DevelopmentServerOptions) {
    this.#options = options
  }

  /** What serves a request that has come now. Rejects where too many wait (`TSGI_ERR_OVERLOAD`), and when the server stops. */
  async serving(): Promise<Serving> {
    while (this.#serving === undefined) {
      if (this.#state === 'stopping') throw new Error('the server stops')
      if (this.#heldCount >= MAX_HELD) throw new TsgiError('TSGI_ERR_OVERLOAD', `${MAX_HELD} requests wait for new code already`)
      this.#heldCount += 1
      try {
        await this.#held.promise
      } finally {
        this.#heldCount -= 1
      }
    }
    return this.#serving
  }

  /** A change was seen, and more may follow: from now on the old code serves nobody. */
  retire(changed: string): void {
    if (this.#state === 'stopping') return
    if (this.#state !== 'waiting') this.#since = performance.now()
    this.#changed = changed
    this.#state = 'waiting'
    if (this.#serving !== undefined) this.#held = new Deferred()
    this.#serving = undefined
    const run = this.#current
    this.#current = undefined
    if (run === undefined) return
    setTimeout(() => run.overdue.abort(), OVERDUE_MS).unref()
    this.#end(run, RETIRE_MS, RETIRE_LIMIT_MS)
  }

  /** Starts a worker with the code of now. */
  async boot(): Promise<void> {
    if (this.#state === 'stopping') return
    const generation = (this.#generation += 1)
    this.#state = 'booting'
    try {
      const options = await this.#options.read()
      if (!this.#isNow(generation)) return
      this.#code = this.#codeOf(options)
      await this.#spawn(this.#code, generation)
    } catch (error) {
      if (this.#isNow(generation)) this.#failed(asCoded(error), reportedErrors(error))
    }
  }

  /** Ends the worker; resolves when none is left. A second call ends it at once. */
  async stop(): Promise<void> {
    const again = this.#state === 'stopping'
    this.#state = 'stopping'
    this.#serving = undefined
    this.#current = undefined
    this.#held.resolve()
    for (const run of this.#runs.values()) {
      if (again) run.worker.kill()
      else this.#end(run, STOP_MS, STOP_LIMIT_MS)
    }
    this.#checkEnded()
    await this.#ended.promise
  }

  /** What is known of a need of the loader stays known, and said. Throws `TSGI_ERR_APP_NOT_FOUND`. */
  #codeOf(options: MasterOptions): ServedCode {
    if (this.#code?.options.app !== options.app) return ServedCode.locate(options)
    locateApp(options.app, process.cwd())
    return this.#code.with(options)
  }

  #isNow(generation: number): boolean {
    return this.#generation === generation && this.#state === 'booting'
  }

  async #spawn(code: ServedCode, generation: number): Promise<void> {
    const id = (this.#lastId += 1)
    const socket = await this.#sockets.open(id)
    if (!this.#isNow(generation)) {
      socket.close()
      return
    }
    this.#besideOther = this.#runs.size > 0
    const worker = code.spawn({
      listeners: [socket.shared],
      id,
      generation,
      index: 0,
      events: {
        onMessage: (each, message) => this.#onMessage(each, message),
        onStartupTimeout: (each) => this.#onStartupTimeout(each),
        onExit: (each, exit) => this.#onExit(each, exit),
      },
    })
    this.#current = { worker, socket, code, ended: new Deferred(), overdue: new AbortController() }
    this.#runs.set(worker, this.#current)
  }

  #onMessage(worker: WorkerProcess, message: MessageToMaster): void {
    const run = this.#runs.get(worker)
    if (run === undefined || run !== this.#current) return
    switch (message.tsgi) {
      case 'step':
        worker.step = message.step
        return
      case 'ready':
        worker.markReady()
        worker.markAnswered()
        this.#publish(run, message.kind ?? '').catch((error: unknown) => this.#failed(asCoded(error), reportedErrors(error)))
        return
      case 'needs-loader':
        worker.markStopping()
        run.code.useLoader(message.reason)
        this.#again(run.code, [])
        return
      case 'failed':
        this.#onFailure(run, message.failure)
        return
      case 'leaving':
        this.#gone(
          run,
          message.because === 'application' ? 'has closed its server' : 'ended by an uncaught exception',
          message.failure,
        )
        return
      case 'pong':
      case 'stats':
      case 'enough':
      case 'drained':
        return
    }
  }

  async #publish(run: Run, kind: string): Promise<void> {
    const backend = await run.socket.publish()
    if (run !== this.#current || this.#state !== 'booting') return
    this.#settle({ type: 'worker', backend, generation: this.#generation, overdue: run.overdue.signal })
    this.#state = 'serving'
    this.#options.onServing(kind, performance.now() - this.#since, this.#changed)
  }

  #onFailure(run: Run, failure: BootFailure): void {
    run.worker.markStopping()
    if (this.#besideOther) {
      // Once more, alone: it may be that the old worker was in its way.
      this.#again(run.code, [...this.#runs.values()])
      return
    }
    this.#current = undefined
    this.#failed(bootError(failure), errorsInText(inShort(failure), failure.stack))
  }

  /** The same generation once more, when others have ended. */
  #again(code: ServedCode, others: readonly Run[]): void {
    this.#current = undefined
    const generation = this.#generation
    Promise.all(others.map(({ ended }) => ended.promise))
      .then(() => (this.#isNow(generation) ? this.#spawn(code, generation) : undefined))
      .catch((error: unknown) => this.#failed(asCoded(error), reportedErrors(error)))
  }

  #onStartupTimeout(worker: WorkerProcess): void {
    const run = this.#runs.get(worker)
    worker.kill()
    if (run === undefined || run !== this.#current) return
    this.#current = undefined
    const error = startupTimeoutError(run.code.options.startupTimeoutMs, run.code.name, worker.step)
    this.#failed(error, reportedErrors(error))
  }

  #onExit(worker: WorkerProcess, exit: WorkerExit): void {
    const run = this.#runs.get(worker)
    this.#runs.delete(worker)
    run?.socket.close()
    run?.ended.resolve()
    if (run !== undefined && run === this.#current) this.#gone(run, describeExit(exit))
    this.#checkEnded()
  }

  /** Nobody asked the current worker to end. */
  #gone(run: Run, how: string, failure?: BootFailure): void {
    this.#current = undefined
    if (this.#state !== 'serving' || run.worker.readyForMs < SHORT_LIFE_MS) {
      const when = this.#state === 'serving' ? 'as soon as it served' : 'before it was ready'
      const error = new TsgiError('TSGI_ERR_WORKER_EXIT', `${run.code.name} ${how}, ${when}`)
      const thrown = failure === undefined ? undefined : errorsInText(inShort(failure), failure.stack)
      this.#failed(error, thrown ?? reportedErrors(error), `${run.code.name} ${how}, ${when}`)
      return
    }
    run.worker.markStopping()
    this.#held = new Deferred()
    this.#serving = undefined
    this.#state = 'booting'
    this.#since = performance.now()
    this.#changed = `${run.code.name} ${how}`
    this.#again(run.code, [...this.#runs.values()])
  }

  #failed(
    error: TsgiError,
    errors: FailureReport['errors'],
    title = `${this.#code?.name ?? 'the application'} does not load`,
  ): void {
    if (this.#state === 'stopping') return
    this.#state = 'failed'
    const report = {
      status: 500,
      title,
      errors,
      advice: 'Nothing is served until a file changes: then it is tried again.',
    }
    this.#settle({ type: 'failed', report, generation: this.#generation })
    this.#options.onFailed(error, this.#changed)
  }

  #settle(serving: Serving): void {
    this.#serving = serving
    this.#held.resolve()
    this.#options.onSettled(this.#generation)
  }

  #end({ worker, socket }: Run, timeoutMs: number, killMs: number): void {
    // What it has not accepted when it stops listening is refused then, and comes back.
    socket.close()
    worker.drain(timeoutMs, { handover: false, killMs })
  }

  #checkEnded(): void {
    if (this.#state !== 'stopping' || this.#runs.size > 0) return
    this.#sockets.close()
    this.#ended.resolve()
  }
}

function asCoded(error: unknown): TsgiError {
  return error instanceof TsgiError ? error : new TsgiError('TSGI_ERR_WORKER_BOOT', String(error), { cause: error })
}
