import { EventEmitter } from 'node:events'
import { basename } from 'node:path'

import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import type { BindAddress } from '../server/address.ts'
import { locateApp } from './app-specifier.ts'
import type { AppLocation } from './app-specifier.ts'
import { bootError, listenError, startupTimeoutError, stoppedWhileStarting } from './boot-errors.ts'
import { Deferred } from './deferred.ts'
import { describeExit, LEAVE_REASONS } from './exit-meaning.ts'
import { ListeningSocket } from './listening-socket.ts'
import type { MasterOptions } from './master-options.ts'
import { LOADER_NAME, loaderReason } from './typescript-loader.ts'
import type { BootFailure, LeaveReason, MessageToMaster } from './worker-messages.ts'
import { WorkerProcess } from './worker-process.ts'
import type { WorkerExit } from './worker-process.ts'
import { WorkerSlot } from './worker-slot.ts'

export type { MasterOptions } from './master-options.ts'

export type StopKind = 'graceful' | 'quick'

type MasterEvent =
  | { readonly type: 'message'; readonly worker: WorkerProcess; readonly message: MessageToMaster }
  | { readonly type: 'exit'; readonly worker: WorkerProcess; readonly exit: WorkerExit }
  | { readonly type: 'startup-timeout'; readonly worker: WorkerProcess }
  | { readonly type: 'respawn'; readonly slot: WorkerSlot }
  | { readonly type: 'published' }
  | { readonly type: 'publish-failed'; readonly error: unknown }
  | { readonly type: 'stop'; readonly how: StopKind }
  | { readonly type: 'stop-timeout' }

/** How much of a quick stop requests get, and when what is left is killed, milliseconds. */
const QUICK_REQUESTS_MS = 700
const QUICK_LIMIT_MS = 1000

/** What a worker gets beyond the graceful timeout, to give its unfinished requests up so that the proxy can tell, milliseconds. */
const GIVE_UP_MS = 1000

/**
 * Holds the listening sockets and keeps the workers alive that serve them. Accepts no connection itself.
 *
 * Timers, children and callers only queue events; `#decide` takes them one at a time, so that each finds a settled state.
 */
export class Master extends EventEmitter<{ failed: [TsgiError] }> {
  readonly #options: MasterOptions
  readonly #log: Logger
  #state: 'new' | 'booting' | 'running' | 'failing' | 'stopping' | 'stopped' = 'new'
  readonly #events: MasterEvent[] = []
  #deciding = false
  #location: AppLocation = { file: '' }
  #loader = false
  #sockets: ListeningSocket[] = []
  readonly #slots: WorkerSlot[] = []
  /** Every process that has not ended, whatever its state. */
  readonly #workers = new Set<WorkerProcess>()
  #lastId = 0
  #published: 'no' | 'asked' | 'yes' = 'no'
  #stopKind: StopKind | undefined
  #stopTimer: NodeJS.Timeout | undefined
  #bootError: TsgiError | undefined
  readonly #booted = new Deferred<void>()
  readonly #stopped = new Deferred<void>()

  constructor(options: MasterOptions) {
    super()
    this.#options = options
    this.#log = options.log
  }

  /** The processes that live now; one that stops is listed beside the one that takes its place. */
  get workers(): readonly Pick<WorkerProcess, 'id' | 'pid' | 'state'>[] {
    return [...this.#workers].map(({ id, pid, state }) => ({ id, pid, state }))
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
      this.#location = locateApp(this.#options.app, process.cwd())
      await this.#bind()
    } catch (error) {
      this.#closeSockets()
      this.#state = 'stopped'
      this.#stopped.resolve()
      throw error
    }
    const reason = loaderReason(this.#location.file)
    if (reason !== undefined) this.#useLoader(reason)
    if (this.#stopKind === undefined) {
      for (let index = 0; index < this.#options.workers; index += 1) {
        const slot = new WorkerSlot(index)
        this.#slots.push(slot)
        this.#spawn(slot)
      }
    } else {
      this.#failBoot(stoppedWhileStarting())
    }
    const addresses = this.#sockets.map(({ address }) => address)
    await this.#booted.promise
    return { addresses, bootMs: performance.now() - startedAt }
  }

  /** A stop will follow, once the proxy has none of their requests any more: WebSockets would keep it from ending, and are asked to close. */
  prepareStop(how: StopKind): void {
    const windowMs = how === 'quick' ? QUICK_REQUESTS_MS : this.#options.gracefulTimeoutMs
    for (const worker of this.#workers) worker.closeWebSockets(windowMs)
  }

  /**
   * Stops the workers; resolves when all have ended. `graceful`: requests in flight get the graceful timeout.
   * `quick`: they get a second at most; a call with `quick` while it is stopping quickly ends everything at once.
   */
  stop(how: StopKind): Promise<void> {
    if (this.#state === 'new') {
      this.#state = 'stopped'
      this.#stopped.resolve()
    }
    this.#post({ type: 'stop', how })
    return this.#stopped.promise
  }

  async #bind(): Promise<void> {
    for (const { address, mode, group } of this.#options.binds) {
      const options = { ...(mode === undefined ? {} : { mode }), ...(group === undefined ? {} : { group }) }
      this.#sockets.push(await ListeningSocket.open(address, options))
    }
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
        return this.#onExit(event.worker, event.exit)
      case 'startup-timeout':
        return this.#onStartupTimeout(event.worker)
      case 'respawn':
        return this.#onRespawn(event.slot)
      case 'published':
        this.#published = 'yes'
        return this.#checkBooted()
      case 'publish-failed':
        return this.#cannotGoOn(
          event.error instanceof TsgiError ? event.error : new TsgiError('TSGI_ERR_LISTEN', String(event.error)),
        )
      case 'stop':
        return this.#onStop(event.how)
      case 'stop-timeout':
        for (const { pid } of this.#workers) this.#log.warn(`worker ${pid} did not end in time and is killed`)
        return this.#killAll()
    }
  }

  #spawn(slot: WorkerSlot): void {
    const {
      interface: choice,
      mountPoint,
      probeToken,
      limitRequestBodyBytes,
      gracefulTimeoutMs,
      startupTimeoutMs,
      logLevel = 'info',
    } = this.#options
    const worker = new WorkerProcess({
      id: (this.#lastId += 1),
      // What frameworks look at to leave out stacks and development's checks, and the place among the workers under the name
      // that applications know; whoever sets them has the last word.
      env: { NODE_ENV: 'production', NODE_APP_INSTANCE: String(slot.index), ...process.env, ...this.#options.env },
      listenerFds: this.#sockets.map(({ fd }) => fd),
      output: this.#options.output,
      startupTimeoutMs,
      boot: {
        ...this.#location,
        interface: choice,
        loader: this.#loader,
        protocols: this.#options.binds.map(({ protocol }) => protocol),
        mountPoint,
        multiprocess: this.#options.workers > 1,
        gracefulTimeoutMs,
        logLevel,
        ...(probeToken === undefined ? {} : { probeToken }),
        ...(limitRequestBodyBytes === undefined ? {} : { maxRequestBodyBytes: limitRequestBodyBytes }),
      },
      onMessage: (from, message) => this.#post({ type: 'message', worker: from, message }),
      onStartupTimeout: (from) => this.#post({ type: 'startup-timeout', worker: from }),
      onExit: (from, exit) => this.#post({ type: 'exit', worker: from, exit }),
    })
    slot.worker = worker
    this.#workers.add(worker)
    this.#log.debug(`worker ${worker.pid} starts`)
  }

  #onMessage(worker: WorkerProcess, message: MessageToMaster): void {
    switch (message.tsgi) {
      case 'step':
        worker.step = message.step
        return
      case 'ready':
        return this.#onReady(worker)
      case 'needs-loader':
        return this.#onNeedsLoader(worker, message.reason)
      case 'failed':
        return this.#onFailed(worker, message.failure)
      case 'leaving':
        return this.#onLeaving(worker, message.because)
      case 'drained':
        if (message.unfinished > 0) this.#log.warn(`worker ${worker.pid} gave up ${message.unfinished} unfinished request(s)`)
        return
    }
  }

  #onReady(worker: WorkerProcess): void {
    if (worker.state !== 'booting') return
    worker.markReady()
    this.#log.info(`worker ${worker.pid} is ready after ${Math.round(worker.ageMs)} ms`)
    if (this.#published === 'no') {
      this.#published = 'asked'
      Promise.all(this.#sockets.map((socket) => socket.publish())).then(
        () => this.#post({ type: 'published' }),
        (error: unknown) => this.#post({ type: 'publish-failed', error }),
      )
    }
    this.#checkBooted()
  }

  #checkBooted(): void {
    if (this.#state !== 'booting' || this.#published !== 'yes' || this.#slots.some(({ worker }) => worker?.state !== 'ready'))
      return
    this.#state = 'running'
    this.#booted.resolve()
  }

  /** The worker ends by itself; its place is taken at once, and this is no death to count. */
  #onNeedsLoader(worker: WorkerProcess, reason: string): void {
    worker.markStopping()
    this.#useLoader(reason)
    if (this.#state === 'booting' || this.#state === 'running') this.#refill(worker)
  }

  #useLoader(reason: string): void {
    if (!this.#loader) this.#log.info(`${basename(this.#location.file)} is loaded with ${LOADER_NAME}: ${reason}`)
    this.#loader = true
  }

  /** The worker exits by itself after this message. */
  #onFailed(worker: WorkerProcess, failure: BootFailure): void {
    const listener = failure.listener === undefined ? undefined : this.#sockets[failure.listener]
    if (listener !== undefined) return this.#cannotGoOn(listenError(failure, listener.address))
    const error = bootError(failure)
    if (this.#state === 'booting') this.#failBoot(error)
    else if (this.#state === 'running') this.#log.error(`worker ${worker.pid} did not start`, error)
  }

  #onStartupTimeout(worker: WorkerProcess): void {
    if (worker.state !== 'booting') return
    const error = startupTimeoutError(this.#options.startupTimeoutMs, basename(this.#location.file), worker.step)
    worker.kill()
    if (this.#state === 'booting') this.#failBoot(error)
    else this.#log.error(`worker ${worker.pid} did not start`, error)
  }

  /** Another worker takes over while this one finishes its requests. */
  #onLeaving(worker: WorkerProcess, because: LeaveReason): void {
    const readyForMs = worker.readyForMs
    worker.markStopping()
    const ended = `worker ${worker.pid} ends ${LEAVE_REASONS[because]}`
    if (this.#state === 'running') this.#replace(worker, readyForMs, ended)
    else if (this.#state === 'booting') this.#failBoot(new TsgiError('TSGI_ERR_WORKER_BOOT', ended))
  }

  #onExit(worker: WorkerProcess, exit: WorkerExit): void {
    this.#workers.delete(worker)
    const ended = `worker ${worker.pid} ${describeExit(exit)}`
    switch (this.#state) {
      case 'booting':
        // Known already: it asked for the loader, or its failure has been reported.
        if (worker.state === 'stopping') return
        return this.#failBoot(new TsgiError('TSGI_ERR_WORKER_BOOT', `it ${describeExit(exit)} before it was ready`))
      case 'running':
        // One that leaves has been replaced; one that failed to start or was killed for it still has its place.
        if (!this.#slots.some((slot) => slot.worker === worker)) this.#log.debug(ended)
        else this.#replace(worker, worker.readyForMs, ended)
        return
      case 'failing':
      case 'stopping':
        this.#log.debug(ended)
        return this.#checkEnded()
      case 'new':
      case 'stopped':
        return
    }
  }

  /** Reports the end of a worker and starts another: at once, or later where that has not helped so far. */
  #replace(worker: WorkerProcess, readyForMs: number, ended: string): void {
    const slot = this.#slots.find((each) => each.worker === worker)
    if (slot === undefined) return
    slot.worker = undefined
    const delayMs = slot.delayAfterDeath(readyForMs)
    const then =
      delayMs === 0
        ? 'another one starts now'
        : `${slot.quickDeaths} in a row that ended early; another one starts in ${delayMs} ms`
    const error = new TsgiError('TSGI_ERR_WORKER_EXIT', `${ended}; ${then}`)
    this.#log.error(error.message, error)
    if (delayMs === 0) this.#spawn(slot)
    else slot.timer = setTimeout(() => this.#post({ type: 'respawn', slot }), delayMs)
  }

  #refill(worker: WorkerProcess): void {
    const slot = this.#slots.find((each) => each.worker === worker)
    if (slot !== undefined) this.#spawn(slot)
  }

  #onRespawn(slot: WorkerSlot): void {
    slot.timer = undefined
    if (this.#state === 'running') this.#spawn(slot)
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
    this.#killAll()
    this.#checkEnded()
  }

  #onStop(how: StopKind): void {
    if (this.#state === 'failing' || this.#state === 'stopped') return
    if (this.#state === 'booting') {
      this.#stopKind = how
      // Before the first worker there is nothing to end; `start` looks at this when it has bound.
      if (this.#slots.length > 0) this.#failBoot(stoppedWhileStarting())
      return
    }
    const before = this.#stopKind
    this.#stopKind = how
    if (before === 'quick') return this.#killAll()
    if (before === 'graceful' && how === 'graceful') return
    const [drainMs, limitMs] =
      how === 'quick'
        ? [QUICK_REQUESTS_MS, QUICK_LIMIT_MS]
        : [this.#options.gracefulTimeoutMs, this.#options.gracefulTimeoutMs + GIVE_UP_MS]
    this.#state = 'stopping'
    for (const slot of this.#slots) clearTimeout(slot.timer)
    for (const worker of this.#workers) worker.drain(drainMs)
    // The workers stop accepting; a client that comes now is refused, not left waiting for nobody.
    this.#closeSockets()
    clearTimeout(this.#stopTimer)
    this.#stopTimer = setTimeout(() => this.#post({ type: 'stop-timeout' }), limitMs)
    this.#checkEnded()
  }

  #killAll(): void {
    for (const worker of this.#workers) worker.kill()
  }

  #checkEnded(): void {
    if (this.#workers.size > 0 || (this.#state !== 'failing' && this.#state !== 'stopping')) return
    clearTimeout(this.#stopTimer)
    this.#closeSockets()
    this.#state = 'stopped'
    if (this.#bootError !== undefined) this.#booted.reject(this.#bootError)
    this.#stopped.resolve()
  }

  #closeSockets(): void {
    for (const socket of this.#sockets) socket.close()
    this.#sockets = []
  }
}
