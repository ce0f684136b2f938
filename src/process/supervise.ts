import type { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { Deferred } from '../loading/deferred.ts'
import type { MasterOptions, ReloadResult, StopKind } from './master.ts'

/** A process that lives and ends with the workers, such as a proxy. */
export interface Companion {
  readonly name: string
  /** Resolves when it has ended. May be called again with `quick`. */
  stop(how: StopKind): Promise<void>
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
  stop(how: StopKind): Promise<void>
  on(event: 'failed', listener: (error: TsgiError) => void): unknown
  off(event: 'failed', listener: (error: TsgiError) => void): unknown
}

export interface SuperviseOptions {
  readonly master: Supervised
  readonly companions?: readonly Companion[]
  readonly log: Logger
  /** How long a graceful stop goes on serving before it begins: for load balancers that learn of it late. Milliseconds. */
  readonly drainDelayMs?: number
  /** Reads the settings again, for a reload. Rejects where they are wrong. */
  readonly reread?: () => Promise<Partial<MasterOptions>>
  /** Opens log files anew, which have been moved away. */
  readonly reopenLogs?: () => void
  /** Whether a new master may take this one's place: not where a companion belongs to this process. */
  readonly upgradable?: boolean
}

type Event =
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly type: 'companion-exit'; readonly companion: Companion; readonly line: string }
  | { readonly type: 'master-failed'; readonly error: TsgiError }
  | { readonly type: 'reloaded'; readonly result: ReloadResult; readonly ms: number }
  | { readonly type: 'reload-failed'; readonly error: unknown }
  | { readonly type: 'upgraded'; readonly pid: number }
  | { readonly type: 'upgrade-failed'; readonly error: unknown }
  | { readonly type: 'delay-over' }
  | { readonly type: 'stopped' }
  | { readonly type: 'stop-failed'; readonly error: unknown }

/** What supervision takes from the system. WINCH is taken so that it is plain that a terminal's resize does nothing. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

/**
 * Keeps a started master and its companions until a signal or a failure ends them; resolves with the exit code when all
 * have ended. TERM: gracefully. INT, QUIT: requests get a second at most. A second TERM, INT or QUIT: at once. HUP: reload.
 * TTIN, TTOU: one worker more, one fewer. USR1: log files anew. USR2: a new master takes over.
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

  constructor(options: SuperviseOptions) {
    this.#options = options
    this.#master = options.master
    this.#companions = options.companions ?? []
    this.#log = options.log
  }

  async run(): Promise<number> {
    const onSignal = (signal: NodeJS.Signals): void => this.#post({ type: 'signal', signal })
    const onFailed = (error: TsgiError): void => this.#post({ type: 'master-failed', error })
    for (const signal of SIGNALS) process.on(signal, onSignal)
    this.#master.on('failed', onFailed)
    for (const companion of this.#companions) {
      companion.exited.then(
        (line) => this.#post({ type: 'companion-exit', companion, line }),
        (error: unknown) => this.#post({ type: 'companion-exit', companion, line: String(error) }),
      )
    }
    try {
      for (;;) {
        const event = await this.#next()
        if (event.type === 'stopped') return this.#exitCode
        this.#decide(event)
      }
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal)
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

  #decide(event: Exclude<Event, { type: 'stopped' }>): void {
    switch (event.type) {
      case 'signal':
        return this.#onSignal(event.signal)
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
        return
      case 'reload-failed':
        this.#log.error('reload failed', event.error)
        return
      case 'upgraded':
        this.#log.info(`the new master ${event.pid} serves; this one stops`)
        return this.#stop('graceful')
      case 'upgrade-failed':
        this.#upgrading = false
        this.#log.error('upgrade failed', event.error)
        return
      case 'delay-over':
        if (this.#stopping === undefined) this.#stop('graceful')
        return
      case 'stop-failed':
        // The workers must end, whatever keeps a companion from doing so.
        this.#log.error('stopping failed', event.error)
        this.#exitCode = 1
        if (!this.#workersAsked) this.#stopWorkers('quick')
        return
    }
  }

  #onSignal(signal: NodeJS.Signals): void {
    switch (signal) {
      case 'SIGTERM':
      case 'SIGINT':
      case 'SIGQUIT':
        return this.#onStopSignal(signal)
      case 'SIGHUP':
        return this.#reload(signal)
      case 'SIGTTIN':
        return this.#scale(signal, 1)
      case 'SIGTTOU':
        return this.#scale(signal, -1)
      case 'SIGUSR1':
        this.#options.reopenLogs?.()
        this.#log.info('SIGUSR1: log files opened anew')
        return
      case 'SIGUSR2':
        return this.#upgrade()
      default:
        // WINCH: a terminal may be resized.
        return
    }
  }

  #onStopSignal(signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT'): void {
    const { drainDelayMs = 0 } = this.#options
    if (this.#stopping !== undefined) {
      this.#log.info(`${signal}: ending at once`)
      this.#endAtOnce()
    } else if (signal === 'SIGTERM' && drainDelayMs > 0 && this.#delay === undefined) {
      this.#log.info(`${signal}: stopping in ${drainDelayMs} ms, serving until then`)
      this.#delay = setTimeout(() => this.#post({ type: 'delay-over' }), drainDelayMs)
    } else {
      this.#log.info(`${signal}: stopping`)
      this.#stop(signal === 'SIGTERM' ? 'graceful' : 'quick')
    }
  }

  #reload(signal: 'SIGHUP' | 'SIGUSR2'): void {
    if (this.#stopping !== undefined) return
    this.#log.info(`${signal}: reloading`)
    const startedAt = performance.now()
    const reload = async (): Promise<ReloadResult> => this.#master.reload(await this.#options.reread?.())
    reload().then(
      (result) => this.#post({ type: 'reloaded', result, ms: performance.now() - startedAt }),
      (error: unknown) => this.#post({ type: 'reload-failed', error }),
    )
  }

  #scale(signal: 'SIGTTIN' | 'SIGTTOU', by: 1 | -1): void {
    if (this.#stopping !== undefined) return
    const size = this.#master.size + by
    if (size < 1) this.#log.warn(`${signal}: there is only one worker`)
    else this.#master.scale(size)
  }

  #upgrade(): void {
    if (this.#stopping !== undefined || this.#upgrading) return
    if (this.#options.upgradable === false) {
      this.#log.warn('SIGUSR2: this process stays, for the proxy is its child; the workers are replaced')
      this.#reload('SIGUSR2')
      return
    }
    this.#upgrading = true
    this.#log.info('SIGUSR2: starting a new master')
    this.#master.upgrade().then(
      (pid) => this.#post({ type: 'upgraded', pid }),
      (error: unknown) => this.#post({ type: 'upgrade-failed', error }),
    )
  }

  #stop(how: StopKind): void {
    if (this.#stopping === 'quick' || this.#stopping === how) return
    this.#stopping = how
    clearTimeout(this.#delay)
    this.#master.prepareStop(how)
    const companions = Promise.all(this.#companions.map((companion) => companion.stop(how)))
    companions.then(
      () => {
        if (!this.#workersAsked) this.#stopWorkers(this.#stopping ?? how)
      },
      (error: unknown) => this.#post({ type: 'stop-failed', error }),
    )
  }

  #stopWorkers(how: StopKind): void {
    this.#workersAsked = true
    this.#master.stop(how).then(
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
