import type { Application, Environ, Lifespan } from '../../interface/application.ts'
import { quote } from '../../interface/errors.ts'
import { isLifespan } from '../../server/lifespan.ts'
import type { Reporter } from './finding.ts'

/** Looks on while a server starts and stops an application: section 5 of TSGI 1.0. */
export class LintedLifespan {
  readonly #application: Application
  readonly #reporter: Reporter
  #state: 'new' | 'starting' | 'started' | 'failed' | 'stopped' = 'new'
  #inner: Lifespan | undefined
  #linted: Lifespan | undefined
  #told = false

  constructor(application: Application, reporter: Reporter) {
    this.#application = application
    this.#reporter = reporter
  }

  /** What a server finds as the application's. */
  get lifespan(): Lifespan | undefined {
    const inner: Lifespan | undefined = this.#application.lifespan
    if (inner === undefined || !this.#isOne(inner)) return inner
    if (this.#inner !== inner) {
      this.#inner = inner
      this.#linted = this.#watch(inner)
    }
    return this.#linted
  }

  /** A request has come. */
  checkRequest(environ: Environ): void {
    const inner = this.#application.lifespan
    if (inner === undefined || this.#told || !this.#isOne(inner)) return
    const early = this.#state !== 'started' && this.#state !== 'stopped'
    if ((!early || inner.startup === undefined) && this.#state !== 'stopped') return
    this.#told = true
    if (early)
      this.#reporter.report('5.2', `a request came while the startup was ${STARTUP[this.#state]}`, 'it to be waited for', environ)
    else this.#reporter.report('5.4', 'a request came behind the shutdown', 'the shutdown behind the last request', environ)
  }

  #isOne(inner: unknown): boolean {
    if (isLifespan(inner)) return true
    if (!this.#told) {
      this.#told = true
      this.#reporter.report(
        '5.1',
        `lifespan is ${quote(inner)}`,
        '{ startup() {}, stopping() {}, shutdown() {} }, or some of the three',
      )
    }
    return false
  }

  #watch(inner: Lifespan): Lifespan {
    return {
      startup: async () => {
        if (this.#state !== 'new') this.#reporter.report('5.2', 'startup() was called again', 'one call in a process')
        this.#state = 'starting'
        try {
          await inner.startup?.()
          this.#state = 'started'
        } catch (error) {
          this.#state = 'failed'
          throw error
        }
      },
      stopping: async () => {
        await inner.stopping?.()
      },
      shutdown: async () => {
        if (this.#state !== 'started') {
          const when = this.#state === 'stopped' ? 'again' : `when the startup was ${STARTUP[this.#state]}`
          this.#reporter.report('5.4', `shutdown() was called ${when}`, 'one call behind a startup')
        }
        this.#state = 'stopped'
        await inner.shutdown?.()
      },
    }
  }
}

const STARTUP = { new: 'not begun', starting: 'under way', started: 'done', failed: 'a failure', stopped: 'done' } as const
