import { TsgiError } from '../interface/errors.ts'
import type { Logger, LogLevel } from '../interface/logger.ts'
import { Deferred } from '../loading/deferred.ts'
import type { Command, MetricsFormat } from './control-protocol.ts'
import type { StopKind } from './master-event.ts'
import type { MasterOptions, ReloadResult } from './master.ts'
import type { ServiceNotifier } from './service-notifier.ts'
import { ReloadOvertaken } from './worker-pool.ts'
import { signalMeanings, whyNotHere } from '../server/platform.ts'

/** A process that lives and ends with the workers, such as a proxy. */
export interface Companion {
  readonly name: string
  /** Resolves when it has ended. May be called again with `quick`. */
  stop(how: StopKind): Promise<void>
  /** The workers have new code: a process that has the same code begins anew. */
  reload?(): void
  /** One line that tells how it ended, whatever the reason. */
  readonly exited: Promise<string>
}

/** What supervision needs of a `Master`. */
interface Supervised {
  /** How many workers there should be. */
  readonly size: number
  scale(count: number): void
  reload(changes?: Partial<MasterOptions>): Promise<ReloadResult>
  upgrade(): Promise<number>
  prepareStop(how: StopKind): void
  stop(how: StopKind, timeoutMs?: number): Promise<void>
  on(event: 'failed', listener: (error: TsgiError) => void): unknown
  off(event: 'failed', listener: (error: TsgiError) => void): unknown
}

/** Where commands come from, and what answers those that only ask. */
export interface CommandSource {
  /** `run` decides each command in its turn among signals and other events, and resolves with what is to be replied. */
  attach(run: (command: Command) => Promise<object>): void
  status(): object
  workers(): object
  metrics(format: MetricsFormat): Promise<object>
  setLogLevel(level: LogLevel): void
  /** Resolves when the last replies are read. */
  close(): Promise<void>
}

export interface SuperviseOptions {
  readonly master: Supervised
  readonly companions?: readonly Companion[]
  readonly log: Logger
  /** How long a graceful stop goes on serving before it begins: for load balancers that learn of it late. Milliseconds. */
  readonly drainDelayMs?: number
  /** What requests get in all when it stops gracefully, companions included: then the workers give them up. Milliseconds. */
  readonly gracefulTimeoutMs?: number
  /** Reads the settings again, for a reload. Rejects where they are wrong. */
  readonly reread?: () => Promise<Partial<MasterOptions>>
  /** Opens log files anew, which have been moved away. */
  readonly reopenLogs?: () => void
  /** Told of reloads and of the stop. */
  readonly notifier?: ServiceNotifier
  /** Whether a new master may take this one's place: not where a companion belongs to this process. */
  readonly upgradable?: boolean
  readonly control?: CommandSource
}

/** Who asked, for the log, and where the outcome goes; nobody waits for that of a signal. */
interface Cause {
  readonly by: NodeJS.Signals | 'tsgi ctl'
  readonly done?: Deferred<object>
}

type Event =
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly type: 'command'; readonly command: Command; readonly done: Deferred<object> }
  | { readonly type: 'companion-exit'; readonly companion: Companion; readonly line: string }
  | { readonly type: 'master-failed'; readonly error: TsgiError }
  | { readonly type: 'reloaded'; readonly cause: Cause; readonly result: ReloadResult; readonly ms: number }
  | { readonly type: 'reload-failed'; readonly cause: Cause; readonly error: unknown }
  | { readonly type: 'upgraded'; readonly cause: Cause; readonly pid: number }
  | { readonly type: 'upgrade-failed'; readonly cause: Cause; readonly error: unknown }
  | { readonly type: 'delay-over' }
  | { readonly type: 'stopped' }
  | { readonly type: 'stop-failed'; readonly error: unknown }

/** What supervision takes from the system. */
const SIGNALS = signalMeanings()

/**
 * Keeps a started master and its companions until a signal or a failure ends them; resolves with the exit code when all
 * have ended. TERM: gracefully. INT, QUIT: requests get a second at most. A second TERM, INT or QUIT: at once. HUP: reload.
 * TTIN, TTOU: one worker more, one fewer. USR1: log files anew. USR2: a new master takes over. Commands of the control socket mean the same.
 *
 * Companions are stopped before the workers, so that a proxy finishes its requests against workers that live.
 */
export async function supervise(options: SuperviseOptions): Promise<number> {
  return new Supervision(options).run()
}

class Supervision {
  readonly #master: Supervised
  readonly #companions: readonly Companion[]
  readonly #log: Logger
  readonly #options: SuperviseOptions
  #upgrading = false
  #delay: NodeJS.Timeout | undefined
  readonly #events: Event[] = []
  #wake = new Deferred<void>()
  #stopping: StopKind | undefined
  #workersAsked = false
  #exitCode = 0
  /** Commands without a reply, and those among them that wait for the end. */
  readonly #waiting = new Set<Deferred<object>>()
  readonly #stops: Deferred<object>[] = []

  constructor(options: SuperviseOptions) {
    this.#options = options
    this.#master = options.master
    this.#companions = options.companions ?? []
    this.#log = options.log
  }

  async run(): Promise<number> {
    const onSignal = (signal: NodeJS.Signals): void => this.#post({ type: 'signal', signal })
    const onFailed = (error: TsgiError): void => this.#post({ type: 'master-failed', error })
    for (const signal of SIGNALS.keys()) process.on(signal, onSignal)
    this.#master.on('failed', onFailed)
    this.#options.control?.attach((command) => this.#command(command))
    for (const companion of this.#companions) {
      companion.exited.then(
        (line) => this.#post({ type: 'companion-exit', companion, line }),
        (error: unknown) => this.#post({ type: 'companion-exit', companion, line: String(error) }),
      )
    }
    try {
      for (;;) {
        const event = await this.#next()
        if (event.type === 'stopped') {
          this.#log.info('stopped')
          await this.#closeControl()
          return this.#exitCode
        }
        this.#decide(event)
      }
    } finally {
      for (const signal of SIGNALS.keys()) process.off(signal, onSignal)
      this.#master.off('failed', onFailed)
    }
  }

  #post(event: Event): void {
    this.#events.push(event)
    this.#wake.resolve()
  }

  async #next(): Promise<Event> {
    for (;;) {
      const event = this.#events.shift()
      if (event !== undefined) return event
      this.#wake = new Deferred()
      await this.#wake.promise
    }
  }

  async #command(command: Command): Promise<object> {
    const done = new Deferred<object>()
    this.#waiting.add(done)
    this.#post({ type: 'command', command, done })
    return done.promise.finally(() => this.#waiting.delete(done))
  }

  /** Everything has ended, which is what a stop waits for and anything else cannot outlive. */
  async #closeControl(): Promise<void> {
    for (const done of this.#stops) done.resolve({ stopped: true, exitCode: this.#exitCode })
    for (const done of this.#waiting) done.reject(refused('the server has stopped'))
    await this.#options.control?.close()
  }

  #decide(event: Exclude<Event, { type: 'stopped' }>): void {
    switch (event.type) {
      case 'signal':
        return this.#onSignal(event.signal)
      case 'command':
        return this.#onCommand(event.command, event.done)
      case 'companion-exit':
        if (this.#stopping !== undefined) return
        this.#log.error(`${event.companion.name} ended by itself: ${event.line}`)
        this.#exitCode = 1
        return this.#stop('graceful')
      case 'master-failed':
        this.#log.error('the workers cannot go on', event.error)
        this.#exitCode = 1
        return this.#stop('quick')
      case 'reloaded':
        this.#log.info(`reloaded: ${event.result.replaced} worker(s) replaced in ${Math.round(event.ms)} ms`)
        this.#options.notifier?.reloaded(event.result.replaced)
        for (const companion of this.#companions) companion.reload?.()
        event.cause.done?.resolve({ replaced: event.result.replaced, ms: Math.round(event.ms) })
        return
      case 'reload-failed':
        if (event.error instanceof ReloadOvertaken) this.#log.info('a newer reload takes over')
        else this.#log.error('reload failed', event.error)
        this.#options.notifier?.reloadFailed(event.error)
        event.cause.done?.reject(event.error)
        return
      case 'upgraded':
        this.#log.info(`the new master ${event.pid} serves; this one stops`)
        // The service goes on, in another process: the service manager must not hear that it stops.
        this.#options.notifier?.close()
        event.cause.done?.resolve({ pid: event.pid })
        return this.#stop('graceful')
      case 'upgrade-failed':
        this.#upgrading = false
        this.#log.error('upgrade failed', event.error)
        this.#options.notifier?.upgradeFailed(event.error)
        event.cause.done?.reject(event.error)
        return
      case 'delay-over':
        if (this.#stopping === undefined) this.#stop('graceful')
        return
      case 'stop-failed':
        // The workers must end, whatever keeps a companion from doing so.
        this.#log.error('stopping failed', event.error)
        this.#exitCode = 1
        if (!this.#workersAsked) this.#stopWorkers('quick', 0)
        return
    }
  }

  #onSignal(signal: NodeJS.Signals): void {
    switch (SIGNALS.get(signal)) {
      case 'stop':
        return this.#askToStop(signal, 'graceful')
      case 'quick-stop':
        return this.#askToStop(signal, 'quick')
      case 'reload':
        return this.#reload({ by: signal })
      case 'grow':
        return this.#scale({ by: signal }, this.#master.size + 1)
      case 'shrink':
        return this.#scale({ by: signal }, this.#master.size - 1)
      case 'reopen-logs':
        return this.#reopenLogs({ by: signal })
      case 'upgrade':
        return this.#upgrade({ by: signal })
      case 'nothing':
      case undefined:
        return
    }
  }

  #onCommand(command: Command, done: Deferred<object>): void {
    const { control } = this.#options
    const cause: Cause = { by: 'tsgi ctl', done }
    switch (command.command) {
      case 'status':
        return done.resolve({ ...control?.status(), state: this.#stopping === undefined ? 'running' : 'stopping' })
      case 'workers':
        return done.resolve({ ...control?.workers() })
      case 'metrics':
        return void control?.metrics(command.format).then(done.resolve, done.reject)
      case 'reload':
        return this.#reload(cause)
      case 'scale':
        return this.#scale(cause, 'by' in command ? this.#master.size + command.by : command.workers)
      case 'log-level':
        control?.setLogLevel(command.level)
        this.#log.info(`tsgi ctl: log level ${command.level}`)
        return done.resolve({ level: command.level })
      case 'reopen-logs':
        return this.#reopenLogs(cause)
      case 'upgrade':
        return this.#upgrade(cause)
      case 'stop':
        this.#stops.push(done)
        // Who asks for a stop that is under way already only waits for its end.
        if ((this.#stopping !== undefined || this.#delay !== undefined) && !command.quick) return
        return this.#askToStop(cause.by, command.quick ? 'quick' : 'graceful')
    }
  }

  #askToStop(by: Cause['by'], how: StopKind): void {
    const { drainDelayMs = 0 } = this.#options
    if (this.#stopping !== undefined) {
      this.#log.info(`${by}: ending at once`)
      this.#endAtOnce()
    } else if (how === 'graceful' && drainDelayMs > 0 && this.#delay === undefined) {
      this.#log.info(`${by}: stopping in ${drainDelayMs} ms, serving until then`)
      this.#delay = setTimeout(() => this.#post({ type: 'delay-over' }), drainDelayMs)
    } else {
      this.#log.info(`${by}: stopping`)
      this.#stop(how)
    }
  }

  #reload(cause: Cause): void {
    if (this.#stopping !== undefined) return cause.done?.reject(refused('the server is stopping'))
    this.#options.reopenLogs?.()
    this.#log.info(`${cause.by}: reloading`)
    this.#options.notifier?.reloading()
    const startedAt = performance.now()
    const reload = async (): Promise<ReloadResult> => this.#master.reload(await this.#options.reread?.())
    reload().then(
      (result) => this.#post({ type: 'reloaded', cause, result, ms: performance.now() - startedAt }),
      (error: unknown) => this.#post({ type: 'reload-failed', cause, error }),
    )
  }

  #scale(cause: Cause, size: number): void {
    if (this.#stopping !== undefined) return cause.done?.reject(refused('the server is stopping'))
    if (size < 1) {
      const { size: now } = this.#master
      const why = now === 1 ? 'there is only one worker' : `there are only ${now} workers`
      this.#log.warn(`${cause.by}: ${why}`)
      return cause.done?.reject(refused(`${why}, and one must stay`))
    }
    this.#master.scale(size)
    cause.done?.resolve({ workers: this.#master.size })
  }

  #reopenLogs(cause: Cause): void {
    this.#options.reopenLogs?.()
    this.#log.info(`${cause.by}: log files opened anew`)
    cause.done?.resolve({ reopened: this.#options.reopenLogs !== undefined })
  }

  #upgrade(cause: Cause): void {
    // Who sends a signal means the service; who gives the command is told that it cannot be.
    if (this.#stopping === undefined && this.#options.upgradable === false && cause.done === undefined) {
      this.#log.warn(`${cause.by}: this process stays, for the proxy is its child; the workers are replaced`)
      return this.#reload(cause)
    }
    const refusal = this.#whyNoUpgrade()
    if (refusal !== undefined) {
      this.#log.warn(`${cause.by}: ${refusal}`)
      return cause.done?.reject(refused(refusal))
    }
    this.#upgrading = true
    this.#log.info(`${cause.by}: starting a new master`)
    this.#master.upgrade().then(
      (pid) => this.#post({ type: 'upgraded', cause, pid }),
      (error: unknown) => this.#post({ type: 'upgrade-failed', cause, error }),
    )
  }

  #whyNoUpgrade(): string | undefined {
    if (this.#stopping !== undefined) return 'the server is stopping'
    if (this.#upgrading) return 'a new master starts already'
    if (this.#options.upgradable !== false) return whyNotHere('upgrade')
    return 'the proxy belongs to this process, which cannot be replaced; a reload replaces the workers'
  }

  #stop(how: StopKind): void {
    if (this.#stopping === 'quick' || this.#stopping === how) return
    if (this.#stopping === undefined) this.#options.notifier?.stopping()
    this.#stopping = how
    clearTimeout(this.#delay)
    this.#master.prepareStop(how)
    const companions = Promise.all(this.#companions.map((companion) => companion.stop(how)))
    // A proxy waits for its requests: the workers give up those that are late while it can still tell the client.
    const { gracefulTimeoutMs = 0 } = this.#options
    const deadline = performance.now() + gracefulTimeoutMs
    const goOn = (): void => {
      if (!this.#workersAsked) this.#stopWorkers(this.#stopping ?? how, Math.max(0, deadline - performance.now()))
    }
    const timer = how === 'graceful' && gracefulTimeoutMs > 0 ? setTimeout(goOn, gracefulTimeoutMs) : undefined
    companions.then(
      () => {
        clearTimeout(timer)
        goOn()
      },
      (error: unknown) => this.#post({ type: 'stop-failed', error }),
    )
  }

  #stopWorkers(how: StopKind, remainingMs: number): void {
    this.#workersAsked = true
    this.#master.stop(how, this.#options.gracefulTimeoutMs === undefined ? undefined : remainingMs).then(
      () => this.#post({ type: 'stopped' }),
      (error: unknown) => this.#post({ type: 'stop-failed', error }),
    )
  }

  /** Nobody waits for anybody any more. */
  #endAtOnce(): void {
    this.#stopping = 'quick'
    const companions = Promise.all(this.#companions.map((companion) => companion.stop('quick')))
    // The first call makes the stop a quick one, the second ends that at once.
    const workers = Promise.all([this.#master.stop('quick'), this.#master.stop('quick')])
    this.#workersAsked = true
    Promise.all([companions, workers]).then(
      () => this.#post({ type: 'stopped' }),
      (error: unknown) => this.#post({ type: 'stop-failed', error }),
    )
  }
}

function refused(why: string): TsgiError {
  return new TsgiError('TSGI_ERR_CONTROL', why)
}
