import { groupSignals } from '../server/platform.ts'

/** What ends a start that is not wanted any more. */
const SIGNALS = groupSignals()

/** Turns the signals that would kill the launcher in the middle of its start, or of its clean-up, into an abort. */
export class Interruption {
  readonly #controller = new AbortController()
  readonly #listener = (): void => {
    this.#controller.abort(new Error('interrupted by a signal'))
  }

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#listener)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Gives the signals back to their default. */
  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener)
  }
}
