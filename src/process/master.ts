import { EventEmitter } from 'node:events'

import { TsgiError } from '../interface/errors.ts'
import type { Logger, LogLevel } from '../interface/logger.ts'
import type { BindAddress } from '../server/address.ts'
import { listenError, startupTimeoutError, stoppedWhileStarting } from './boot-errors.ts'
import { Deferred } from '../loading/deferred.ts'
import { HookRunner } from './hook-runner.ts'
import type { ServerInfo } from '../settings/hooks.ts'
import { ListeningSockets } from './listening-sockets.ts'
import type { MasterEvent, StopKind } from './master-event.ts'
import { MasterMetrics } from './master-metrics.ts'
import type { MasterOptions } from './master-options.ts'
import { successorOf } from './passed-connection.ts'
import { ServedCode } from './served-code.ts'
import { Upkeep } from './upkeep.ts'
import type { MessageToMaster } from './worker-messages.ts'
import { WorkerPool } from './worker-pool.ts'
import type { ReloadResult } from './worker-pool.ts'
import { WORKER_ENTRY } from './worker-process.ts'
import type { SeenWorker, WorkerEvents, WorkerExit, WorkerProcess } from './worker-process.ts'
import { tryRights } from './worker-rights.ts'
import type { WorkerSlot } from './worker-slot.ts'

export type { MasterOptions } from './master-options.ts'
export type { ReloadResult } from './worker-pool.ts'

/** How much of a quick stop requests get, and when what is left is killed, milliseconds. */
const QUICK_REQUESTS_MS = 700
const QUICK_LIMIT_MS = 1000

/** What a new master gets beyond the time of its workers, milliseconds: to start itself. */
const UPGRADE_MARGIN_MS = 5000

/** How often workers are looked at for their age, memory and load, milliseconds. */
const TICK_MS = 1000

/**
 * Holds the listening sockets and keeps the workers alive that serve them. Accepts no connection itself.
 *
 * Timers, children and callers only queue events; `#decide` takes them one at a time, so that each finds a settled state.
 */
export class Master extends EventEmitter<{ failed: [TsgiError]; ended: [WorkerProcess, WorkerExit] }> {
  #code: ServedCode | undefined
  readonly #first: MasterOptions
  readonly #log: Logger
  #state: 'new' | 'booting' | 'running' | 'failing' | 'stopping' | 'stopped' = 'new'
  readonly #events: MasterEvent[] = []
  #deciding = false
  readonly #sockets = new ListeningSockets()
  readonly #pool: WorkerPool
  readonly #upkeep = new Upkeep()
  /** What has been counted; undefined where nothing is. */
  readonly metrics: MasterMetrics | undefined
  readonly #hooks: HookRunner
  #lastId = 0
  #stopKind: StopKind | undefined
  readonly #stopAsked = new AbortController()
  #ticker: NodeJS.Timeout | undefined
  #bootError: TsgiError | undefined
  readonly #booted = new Deferred<void>()
  readonly #stopped = new Deferred<void>()

  constructor(options: MasterOptions) {
    super()
    this.#first = options
    this.#hooks = new HookRunner(() => this.options.hooks, options.log)
    this.#log = options.log
    this.metrics = MasterMetrics.for(options)
    this.#pool = new WorkerPool({
      log: options.log,
      spawn: (slot) => this.#spawn(this.#code ?? ServedCode.locate(options), slot),
      after: (delayMs, run) => setTimeout(() => this.#post({ type: 'call', run }), delayMs),
      later: (slot, delayMs) => setTimeout(() => this.#post({ type: 'respawn', slot }), delayMs),
      retry: (worker, reason, delayMs) => setTimeout(() => this.#post({ type: 'recycle', worker, reason }), delayMs).unref(),
      onReady: () => this.#publish(),
      onCannotStart: (error) => this.#failBoot(error),
      onEnded: (worker, exit) => {
        this.#hooks.tellEnd(worker, exit)
        this.emit('ended', worker, exit)
        this.#checkEnded()
      },
    })
  }

  /** The processes that live now; one that stops is listed beside the one that takes its place. */
  get workers(): readonly SeenWorker[] {
    return [...this.#pool.workers]
  }

  /** How many workers there should be. */
  get size(): number {
    return this.#pool.slots.length
  }

  /** What is known of all of them together. */
  get pool(): Pick<WorkerPool, 'requests' | 'reloading' | 'generation'> {
    return this.#pool
  }

  get addresses(): BindAddress[] {
    return this.#sockets.addresses
  }

  /** Those of now: a reload may have changed them. */
  get options(): MasterOptions {
    return this.#code?.options ?? this.#first
  }

  /**
   * Binds, starts the workers, resolves when all of them listen. On failure nothing is left running or on disk.
   *
   * Rejects with `TSGI_ERR_APP_NOT_FOUND`, `TSGI_ERR_ADDRESS_IN_USE`, `TSGI_ERR_LISTEN`, `TSGI_ERR_SOCKET_PATH_TOO_LONG` or
   * `TSGI_ERR_WORKER_BOOT`, whose message holds the error of the application and its source-mapped stack.
   */
  async start(): Promise<{ addresses: BindAddress[]; bootMs: number }> {
    if (this.#state !== 'new') throw new TsgiError('TSGI_ERR_WORKER_BOOT', 'a master starts once')
    const startedAt = performance.now()
    this.#state = 'booting'
    // Nobody listens to this promise if binding fails.
    this.#booted.promise.catch(() => {})
    try {
      this.#code = ServedCode.locate(this.#first)
      await tryRights(this.#first.rights ?? {}, WORKER_ENTRY)
      await this.#sockets.open(this.#first)
      await this.#hooks.call('onStarting', this.#info)
    } catch (error) {
      this.#sockets.close()
      this.#state = 'stopped'
      this.#stopped.resolve()
      throw error
    }
    if (this.#stopKind === undefined) this.#pool.scale(this.#startSize())
    else this.#failBoot(stoppedWhileStarting())
    const { addresses } = this.#sockets
    await this.#booted.promise
    await this.#hooks.settle('whenReady', this.#info)
    return { addresses, bootMs: performance.now() - startedAt }
  }

  /**
   * Replaces every worker by one with the code, and the options, of now: one after the other, each old one serving until its
   * successor has answered. Resolves when all are replaced and the old ones have ended.
   *
   * Rejects with `TSGI_ERR_RELOAD` or `TSGI_ERR_APP_NOT_FOUND` where a new worker does not start: the others serve on with the
   * code that they have, and the options are the old ones again.
   */
  async reload(changes: Partial<MasterOptions> = {}): Promise<ReloadResult> {
    await tryRights(changes.rights ?? {}, WORKER_ENTRY)
    const done = new Promise<ReloadResult>((resolve, reject) => {
      this.#post({ type: 'call', run: () => void this.#reload(changes).then(resolve, reject) })
    })
    return this.metrics?.reloading(done) ?? done
  }

  /** Changes the number of workers; it is at least 1. */
  scale(count: number): void {
    this.#post({
      type: 'call',
      run: () => {
        this.#code = this.#code?.with({ workers: Math.max(1, count) })
        this.#scaleTo(count)
      },
    })
  }

  /** Of the workers, those that run and those to come. */
  setLogLevel(level: LogLevel): void {
    this.#code = this.#code?.with({ logLevel: level })
    for (const worker of this.#pool.workers) worker.setLogLevel(level)
  }

  /**
   * Starts a fresh process of the same command line that takes the listening sockets over, and resolves with its pid when it
   * serves: it has everything then, and this master is to be stopped. Rejects with `TSGI_ERR_MASTER_UPGRADE`; nothing has changed then.
   */
  upgrade(): Promise<number> {
    const { startupTimeoutMs, upgradeVariables = {} } = this.options
    return this.#sockets.upgrade(startupTimeoutMs + UPGRADE_MARGIN_MS, this.#stopAsked.signal, upgradeVariables)
  }

  /** Log files have been moved away: the workers go on in new ones. */
  reopenLogs(): void {
    for (const worker of this.#pool.workers) worker.reopenLogs()
  }

  /** A stop will follow, once the proxy has none of their requests any more: WebSockets would keep it from ending, and are asked to close. */
  prepareStop(how: StopKind): void {
    this.#pool.closeWebSockets(how === 'quick' ? QUICK_REQUESTS_MS : this.options.gracefulTimeoutMs)
  }

  /**
   * Stops the workers; resolves when all have ended. `graceful`: requests in flight get the graceful timeout, or `timeoutMs`.
   * `quick`: they get a second at most; a call with `quick` while it is stopping quickly ends everything at once.
   */
  stop(how: StopKind, timeoutMs = this.options.gracefulTimeoutMs): Promise<void> {
    if (this.#state === 'new') {
      this.#state = 'stopped'
      this.#stopped.resolve()
    }
    this.#stopAsked.abort()
    this.#post({ type: 'stop', how, timeoutMs })
    return this.#stopped.promise
  }

  #post(event: MasterEvent): void {
    this.#events.push(event)
    if (this.#deciding) return
    this.#deciding = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#decide(next)
    } finally {
      this.#deciding = false
    }
  }

  #decide(event: MasterEvent): void {
    switch (event.type) {
      case 'message':
        return this.#onMessage(event.worker, event.message)
      case 'exit':
        return this.#pool.ended(event.worker, event.exit)
      case 'startup-timeout':
        return this.#onStartupTimeout(event.worker)
      case 'respawn':
        return this.#pool.respawn(event.slot)
      case 'recycle':
        return this.#pool.recycle(event.worker, event.reason)
      case 'published':
        return this.#checkBooted()
      case 'publish-failed':
        return this.#cannotGoOn(
          event.error instanceof TsgiError ? event.error : new TsgiError('TSGI_ERR_LISTEN', String(event.error)),
        )
      case 'call':
        return event.run()
      case 'tick':
        if (this.#state === 'running') this.#scaleTo(this.#upkeep.look(this.#pool, this.options))
        return
      case 'stop':
        return this.#onStop(event.how, event.timeoutMs)
    }
  }

  #spawn(code: ServedCode, slot: WorkerSlot): WorkerProcess {
    const events: WorkerEvents = {
      onMessage: (worker, message) => this.#post({ type: 'message', worker, message }),
      onStartupTimeout: (worker) => this.#post({ type: 'startup-timeout', worker }),
      onExit: (worker, exit) => this.#post({ type: 'exit', worker, exit }),
      successorOf: (worker) => successorOf(this.#pool.slots, worker),
    }
    const place = { generation: this.#pool.generation, index: slot.index }
    const rest = { listeners: this.#sockets.shared, id: (this.#lastId += 1), ...place }
    return this.metrics?.spawn(events, (counted) => code.spawn({ ...rest, events: counted })) ?? code.spawn({ ...rest, events })
  }

  #onMessage(worker: WorkerProcess, message: MessageToMaster): void {
    switch (message.tsgi) {
      case 'step':
        worker.step = message.step
        return
      case 'ready':
        return this.#pool.ready(worker)
      case 'pong':
        return this.#pool.answered(worker)
      case 'stats':
        worker.stats = message
        return
      case 'enough':
        return this.#pool.recycle(worker, 'max-requests')
      case 'needs-loader':
        this.#code?.useLoader(message.reason)
        return this.#pool.needsLoader(worker)
      case 'failed': {
        const { failure } = message
        const address = failure.listener === undefined ? undefined : this.#sockets.addresses[failure.listener]
        return address === undefined ? this.#pool.failed(worker, failure) : this.#cannotGoOn(listenError(failure, address))
      }
      case 'leaving':
        return this.#pool.leaving(worker, message.because)
      case 'drained':
        if (message.unfinished > 0) this.#log.warn(`worker ${worker.pid} gave up ${message.unfinished} unfinished request(s)`)
        return
    }
  }

  /** The first worker that listens makes the sockets' paths appear. */
  #publish(): void {
    if (this.#state !== 'booting') return
    this.#sockets.publish().then(
      () => this.#post({ type: 'published' }),
      (error: unknown) => this.#post({ type: 'publish-failed', error }),
    )
  }

  #checkBooted(): void {
    if (this.#state !== 'booting' || !this.#pool.complete) return
    this.#state = 'running'
    this.#sockets.takeOver()
    this.#pool.running(this.options.gracefulTimeoutMs)
    this.#ticker = setInterval(() => this.#post({ type: 'tick' }), TICK_MS)
    this.#booted.resolve()
  }

  #onStartupTimeout(worker: WorkerProcess): void {
    const error = startupTimeoutError(this.options.startupTimeoutMs, this.#code?.name ?? '', worker.step)
    this.#pool.startupTimedOut(worker, error)
  }

  async #reload(changes: Partial<MasterOptions>): Promise<ReloadResult> {
    const before = this.#code
    if (this.#state !== 'running' || before === undefined)
      throw new TsgiError('TSGI_ERR_RELOAD', 'the server is starting or stopping')
    this.#code = ServedCode.locate({ ...before.options, ...changes })
    await this.#hooks.settle('onReload', this.#info)
    if (this.#stopAsked.signal.aborted) throw new TsgiError('TSGI_ERR_RELOAD', 'the server stops')
    const { workers } = this.options
    const done = this.#pool.reload(this.options.gracefulTimeoutMs)
    const { generation } = this.#pool
    try {
      const result = await done
      if (workers !== before.options.workers) this.#post({ type: 'call', run: () => this.#scaleTo(this.#startSize()) })
      return result
    } catch (error) {
      // Unless a later reload has changed it again. What was asked for meanwhile stays.
      if (this.#pool.generation === generation) {
        const { options } = this
        const asked = {
          logLevel: options.logLevel ?? 'info',
          workers: options.workers === workers ? before.options.workers : options.workers,
        }
        this.#code = before.with(asked)
      }
      throw error
    }
  }

  /** With a least number of workers the others come with the load. */
  #startSize(): number {
    const { workers, minWorkers } = this.options
    return minWorkers === undefined ? workers : Math.min(minWorkers, workers)
  }

  #scaleTo(count: number): void {
    if (this.#state !== 'running') return
    const size = Math.max(1, count)
    if (size === this.#pool.slots.length) return
    this.#log.info(`${size} worker${size === 1 ? '' : 's'} instead of ${this.#pool.slots.length}`)
    this.#hooks.tell('nworkersChanged', { workers: size, before: this.#pool.slots.length })
    this.#pool.scale(size)
  }

  get #info(): ServerInfo {
    return { pid: process.pid, app: this.options.app }
  }

  /** The sockets cannot be served: no new worker would fare better. */
  #cannotGoOn(error: TsgiError): void {
    if (this.#state === 'booting') this.#failBoot(error)
    else if (this.#state === 'running') this.emit('failed', error)
  }

  #failBoot(error: TsgiError): void {
    if (this.#state !== 'booting') return
    this.#state = 'failing'
    this.#bootError = error
    this.#pool.kill()
    this.#checkEnded()
  }

  #onStop(how: StopKind, timeoutMs: number): void {
    if (this.#state === 'failing' || this.#state === 'stopped') return
    if (this.#state === 'booting') {
      this.#stopKind = how
      // Before the first worker there is nothing to end; `start` looks at this when it has bound.
      if (this.#pool.slots.length > 0) this.#failBoot(stoppedWhileStarting())
      return
    }
    const before = this.#stopKind
    this.#stopKind = how
    if (before === 'quick') return this.#pool.kill()
    if (before === 'graceful' && how === 'graceful') return
    this.#state = 'stopping'
    clearInterval(this.#ticker)
    if (how === 'quick') this.#pool.drain(QUICK_REQUESTS_MS, QUICK_LIMIT_MS)
    else this.#pool.drain(timeoutMs)
    // The workers stop accepting; a client that comes now is refused, not left waiting for nobody.
    this.#sockets.close()
    this.#checkEnded()
  }

  #checkEnded(): void {
    if (this.#pool.workers.size > 0 || (this.#state !== 'failing' && this.#state !== 'stopping')) return
    clearInterval(this.#ticker)
    this.#sockets.close()
    this.#state = 'stopped'
    if (this.#bootError !== undefined) this.#booted.reject(this.#bootError)
    void this.#hooks.settle('onExit', this.#info).finally(() => this.#stopped.resolve())
  }
}
