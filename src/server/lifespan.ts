import type { Lifespan } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'

/** Longest part of a foreign message that goes into ours, characters; its stack follows in the log anyway. */
const DESCRIPTION_LIMIT = 400

/** Whether a value has what a lifespan has, and nothing that is named so and is something else. */
export function isLifespan(value: unknown): value is Lifespan {
  if (typeof value !== 'object' || value === null) return false
  const { startup, stopping, shutdown } = value as Record<keyof Lifespan, unknown>
  const members = [startup, stopping, shutdown]
  return members.some((each) => each !== undefined) && members.every((each) => each === undefined || typeof each === 'function')
}

/** Startup, stop and shutdown of an application in this process, each at most once, and in this order. */
export class LifespanRunner {
  readonly #lifespan: Lifespan | undefined
  #started: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #stopped: Promise<void> | undefined

  /** Throws `TSGI_ERR_LIFESPAN` where `lifespan` is none. */
  constructor(lifespan: Lifespan | undefined) {
    if (lifespan !== undefined && !isLifespan(lifespan)) {
      throw new TsgiError(
        'TSGI_ERR_LIFESPAN',
        `lifespan is ${quote(lifespan)}, but takes { startup() {}, stopping() {}, shutdown() {} }`,
      )
    }
    this.#lifespan = lifespan
  }

  get hasStartup(): boolean {
    return this.#lifespan?.startup !== undefined
  }

  /** Whether there is something to wait for at the end. */
  get hasShutdown(): boolean {
    return this.#started !== undefined && this.#lifespan?.shutdown !== undefined
  }

  /** Rejects with `TSGI_ERR_LIFESPAN`; there is no shutdown then. */
  startup(): Promise<void> {
    this.#started ??= this.#run('startup')
    return this.#started
  }

  /** Tells the application that the process begins to end. Nobody waits for it. Rejects with `TSGI_ERR_LIFESPAN`. */
  stopping(): Promise<void> {
    this.#stopping ??= this.#started === undefined ? Promise.resolve() : this.#run('stopping')
    return this.#stopping
  }

  /** Behind a startup that is still under way; nothing where there was none, or where it has failed. Rejects with `TSGI_ERR_LIFESPAN`. */
  shutdown(): Promise<void> {
    this.#stopped ??= this.#shutDown()
    return this.#stopped
  }

  async #shutDown(): Promise<void> {
    if (this.#started === undefined) return
    try {
      await this.#started
    } catch {
      // Whoever called startup() has it.
      return
    }
    await this.#run('shutdown')
  }

  async #run(name: keyof Lifespan): Promise<void> {
    try {
      await this.#lifespan?.[name]?.()
    } catch (error) {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${quote(error)}`
      const line = (text.split('\n', 1)[0] ?? '').slice(0, DESCRIPTION_LIMIT)
      throw new TsgiError('TSGI_ERR_LIFESPAN', `${name}(): ${line}`, { cause: error })
    }
  }
}

/** Waits for a shutdown, for so long and no longer, milliseconds. What it throws, and that it takes too long, is told to the log. */
export async function shutDown(lifespan: LifespanRunner, timeoutMs: number, log: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, 'late')
  })
  try {
    const ended = await Promise.race([lifespan.shutdown(), late])
    if (ended === 'late') {
      const detail = `shutdown() has not ended in the ${Math.round(timeoutMs)} ms that were left of the time to stop, and is not waited for`
      log.error('the application could not end as it should', new TsgiError('TSGI_ERR_LIFESPAN', detail))
    }
  } catch (error) {
    log.error('the application could not end as it should', error)
  } finally {
    clearTimeout(timer)
  }
}
