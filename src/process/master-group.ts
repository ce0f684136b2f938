import { EventEmitter } from 'node:events'

import type { TsgiError } from '../interface/errors.ts'
import type { Logger, LogLevel } from '../interface/logger.ts'
import type { BindAddress } from '../server/address.ts'
import { Master } from './master.ts'
import type { StopKind } from './master-event.ts'
import type { MasterOptions, ReloadResult } from './master.ts'

/** What is an application's own among several; a reload of all of them changes the rest. */
const OWN = ['app', 'interface', 'mountPoint', 'binds', 'log'] as const

/**
 * Several applications, each with workers and a socket of its own, seen as one. The first one is the one that the command names:
 * its size, options and generation stand for all.
 */
export class MasterGroup extends EventEmitter<{ failed: [TsgiError] }> {
  readonly #first: Master
  /** One for each application. */
  readonly masters: readonly Master[]

  constructor(first: MasterOptions, others: readonly Pick<MasterOptions, (typeof OWN)[number]>[]) {
    super()
    this.#first = new Master(first)
    // Hooks of the master are told once; those of workers are everyone's.
    const shared = { ...first, hooks: undefined }
    this.masters = [
      this.#first,
      ...others.map((own) => new Master({ ...shared, ...own, log: named(own.log, own.mountPoint || '/') })),
    ]
    for (const master of this.masters) {
      master.on('failed', (error) => {
        this.emit('failed', error)
      })
    }
  }

  get workers(): readonly (Omit<Master['workers'][number], 'report'> & { readonly mountPoint?: string })[] {
    if (this.masters.length === 1) return this.#first.workers
    return this.masters.flatMap((master) =>
      master.workers.map(({ id, index, pid, state, generation, ageMs, stats }) => ({
        ...{ id, index, pid, state, generation, ageMs, stats },
        mountPoint: master.options.mountPoint || '/',
      })),
    )
  }

  /** How many workers each application should have. */
  get size(): number {
    return this.#first.size
  }

  get pool(): Master['pool'] {
    const pools = this.masters.map(({ pool }) => pool)
    return {
      requests: pools.reduce((sum, { requests }) => sum + requests, 0),
      reloading: pools.some(({ reloading }) => reloading),
      generation: this.#first.pool.generation,
    }
  }

  get addresses(): BindAddress[] {
    return this.masters.flatMap(({ addresses }) => addresses)
  }

  get options(): MasterOptions {
    return this.#first.options
  }

  /** All at once. Rejects with what the first one that fails rejects with. */
  async start(): Promise<void> {
    await Promise.all(this.masters.map((master) => master.start()))
  }

  /**
   * One application after the other, so that there is never more than one process too many. Where one fails, those before it have
   * been replaced, and the rest serve on as they are.
   */
  async reload(changes: Partial<MasterOptions> = {}): Promise<ReloadResult> {
    const others = Object.fromEntries(
      Object.entries(changes).filter(([key]) => !OWN.some((own) => own === key) && key !== 'hooks'),
    )
    let replaced = 0
    for (const master of this.masters) {
      const result = await master.reload(master === this.#first ? changes : others)
      replaced += result.replaced
    }
    return { replaced }
  }

  scale(count: number): void {
    for (const master of this.masters) master.scale(count)
  }

  setLogLevel(level: LogLevel): void {
    for (const master of this.masters) master.setLogLevel(level)
  }

  /** Only of a single application: see `Master.upgrade`. */
  upgrade(): Promise<number> {
    return this.#first.upgrade()
  }

  reopenLogs(): void {
    for (const master of this.masters) master.reopenLogs()
  }

  prepareStop(how: StopKind): void {
    for (const master of this.masters) master.prepareStop(how)
  }

  async stop(how: StopKind, timeoutMs?: number): Promise<void> {
    await Promise.all(this.masters.map((master) => master.stop(how, timeoutMs)))
  }
}

/** The same log; its lines begin with the name. */
function named(log: Logger, name: string): Logger {
  return {
    error: (message, error) => log.error(`${name}: ${message}`, error),
    warn: (message, error) => log.warn(`${name}: ${message}`, error),
    info: (message) => log.info(`${name}: ${message}`),
    debug: (message) => log.debug(`${name}: ${message}`),
  }
}
