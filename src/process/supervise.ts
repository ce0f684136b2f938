import type { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { Deferred } from './deferred.ts'
import type { StopKind } from './master.ts'

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
  prepareStop(how: StopKind): void
  stop(how: StopKind): Promise<void>
  on(event: 'failed', listener: (error: TsgiError) => void): unknown
  off(event: 'failed', listener: (error: TsgiError) => void): unknown
}

export interface SuperviseOptions {
  readonly master: Supervised
  readonly companions?: readonly Companion[]
  readonly log: Logger
}

type Event =
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly type: 'companion-exit'; readonly companion: Companion; readonly line: string }
  | { readonly type: 'master-failed'; readonly error: TsgiError }
  | { readonly type: 'stopped' }
  | { readonly type: 'stop-failed'; readonly error: unknown }

/** What supervision takes from the system. WINCH is taken so that it is plain that a terminal's resize does nothing. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGWINCH'] as const

/**
 * Keeps a started master and its companions until a signal or a failure ends them; resolves with the exit code when all
 * have ended. TERM: gracefully. INT, QUIT: requests get a second at most. A second TERM, INT or QUIT: at once.
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
  readonly #events: Event[] = []
  #wake = new Deferred<void>()
  #stopping: StopKind | undefined
  #workersAsked = false
  #exitCode = 0

  constructor(options: SuperviseOptions) {
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
      case 'SIGWINCH':
        return
      case 'SIGHUP':
        this.#log.warn('SIGHUP: nothing is reloaded; restart to serve changed code')
        return
      default:
        this.#log.info(`${signal}: ${this.#stopping === undefined ? 'stopping' : 'ending at once'}`)
        if (this.#stopping === undefined) this.#stop(signal === 'SIGTERM' ? 'graceful' : 'quick')
        else this.#endAtOnce()
    }
  }

  #stop(how: StopKind): void {
    if (this.#stopping === 'quick' || this.#stopping === how) return
    this.#stopping = how
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
