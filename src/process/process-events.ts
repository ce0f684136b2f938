import { groupSignals } from '../server/platform.ts'

/** A signal to the group is the master's to decide about. */
const HELD_SIGNALS = groupSignals()

/** Those whose handlers are how a program ends itself, in the order in which they are looked for: pm2 sends the second. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const

export interface ProcessEventsOptions {
  readonly onSignal: (signal: NodeJS.Signals) => void
  /** A message over the channel to the master, and the socket that came with it, if any. Returns whether it was the worker's own; others are the application's. */
  readonly onMessage: (value: unknown, handle: unknown) => boolean
}

/**
 * What of its process's events an application gets to see, and when. It shares the process with the worker, and its handlers of
 * a signal end the process, as they should where it runs alone: here that would drop the requests in flight. So they wait until
 * `callStopHandlers()`. The messages of the master are not the application's at all.
 *
 * Listeners are left alone, so that an application can count and remove its own; `process.emit` is covered, which is how Node
 * calls them. Made once a process, before anything listens to signals: Node binds the method at the first listener.
 */
export class ProcessEvents {
  readonly #emit: (event: string | symbol, ...args: unknown[]) => boolean
  /** Ours only keep the signal from its default action, and the channel open. */
  readonly #keepAlive = (): void => {}

  constructor(options: ProcessEventsOptions) {
    const emit = process.emit.bind(process) as (event: string | symbol, ...args: unknown[]) => boolean
    this.#emit = emit
    Reflect.set(process, 'emit', (event: string | symbol, ...args: unknown[]): boolean => {
      if (event === 'message' && options.onMessage(args[0], args[1])) return true
      if (isHeld(event)) {
        options.onSignal(event)
        return true
      }
      return emit(event, ...args)
    })
    for (const signal of HELD_SIGNALS) process.on(signal, this.#keepAlive)
    process.on('message', this.#keepAlive)
  }

  /** Calls the application's handlers of the signal that ends a program; returns whether it has any. What they throw is thrown. */
  callStopHandlers(): boolean {
    const signal = STOP_SIGNALS.find((each) => process.listeners(each).some((listener) => listener !== this.#keepAlive))
    if (signal === undefined) return false
    this.#emit(signal, signal)
    return true
  }
}

function isHeld(event: string | symbol): event is NodeJS.Signals {
  return HELD_SIGNALS.some((signal) => signal === event)
}
