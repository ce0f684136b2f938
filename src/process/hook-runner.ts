import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import type { Hooks, WorkerEnd, WorkerInfo } from '../settings/hooks.ts'

/** How long a hook is waited for, milliseconds: what it has begun goes on, but nobody waits any more. */
const HOOK_TIMEOUT_MS = 10_000

type Argument<K extends keyof Hooks> = Parameters<NonNullable<Hooks[K]>>[0]

/** Calls hooks. What they throw is a line in the log, and never more, unless the caller wants it. */
export class HookRunner {
  readonly #hooks: () => Hooks | undefined
  readonly #log: Logger

  /** `hooks` gives those that hold now: a reload may bring others. */
  constructor(hooks: () => Hooks | undefined, log: Logger) {
    this.#hooks = hooks
    this.#log = log
  }

  /** Calls a hook, and waits for it. Rejects with `TSGI_ERR_HOOK`. */
  async call<K extends keyof Hooks>(name: K, argument: Argument<K>): Promise<void> {
    // The parameter of each is that of its own name.
    const hook = this.#hooks()?.[name] as ((argument: Argument<K>) => unknown) | undefined
    if (hook === undefined) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#log.warn(`the hook ${name} has not ended after ${HOOK_TIMEOUT_MS / 1000} s, and is not waited for any more`)
        resolve()
      }, HOOK_TIMEOUT_MS)
      timer.unref()
    })
    const ended = (async () => hook(argument))()
    try {
      await Promise.race([ended, late])
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new TsgiError('TSGI_ERR_HOOK', `${name}: ${reason}`, { cause: error })
    } finally {
      clearTimeout(timer)
      // One that fails when nobody waits any more.
      ended.catch(() => {})
    }
  }

  /** The same, where nobody waits and nothing depends on it. */
  tell<K extends keyof Hooks>(name: K, argument: Argument<K>): void {
    void this.settle(name, argument)
  }

  /** `childExit`. */
  tellEnd({ pid, id, generation }: WorkerInfo, { code, signal }: Pick<WorkerEnd, 'code' | 'signal'>): void {
    this.tell('childExit', { pid, id, generation, code, signal })
  }

  /** Waits, and goes on whatever it does. */
  async settle<K extends keyof Hooks>(name: K, argument: Argument<K>): Promise<void> {
    try {
      await this.call(name, argument)
    } catch (error) {
      this.#log.error('A hook failed', error)
    }
  }
}
