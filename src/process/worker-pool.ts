import { inShort, TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { bootError } from './boot-errors.ts'
import { Deferred } from '../loading/deferred.ts'
import { describeExit, LEAVE_REASONS, RECYCLE_REASONS } from './exit-meaning.ts'
import type { BootFailure, LeaveReason, RecycleReason } from './worker-messages.ts'
import type { WorkerExit, WorkerProcess } from './worker-process.ts'
import { WorkerSlot } from './worker-slot.ts'

/** What a pool asks of its master, and tells it. */
export interface PoolOptions {
  readonly log: Logger
  readonly spawn: (slot: WorkerSlot) => WorkerProcess
  /** A place whose worker died is to be filled again, by `respawn`, after the time. */
  readonly later: (slot: WorkerSlot, delayMs: number) => NodeJS.Timeout
  /** A replacement that failed is to be tried again, by `recycle`, after the time. */
  readonly retry: (worker: WorkerProcess, reason: RecycleReason, delayMs: number) => NodeJS.Timeout
  /** Does it after the time, in the master's turn. */
  readonly after: (delayMs: number, run: () => void) => NodeJS.Timeout
  /** A worker listens. */
  readonly onReady: () => void
  /** A worker did not start, while the pool starts. */
  readonly onCannotStart: (error: TsgiError) => void
  /** A worker process has ended. */
  readonly onEnded: (worker: WorkerProcess, exit: WorkerExit) => void
}

/** One worker that is to be replaced by a new one while it serves. */
interface Replacement {
  readonly slot: WorkerSlot
  readonly reason: RecycleReason | 'reload'
  readonly reload?: Reload
  /** The worker that is replaced, once the new one serves: its end makes room for the next replacement. */
  leaving?: WorkerProcess
}

interface Reload {
  readonly done: Deferred<ReloadResult>
  replaced: number
}

/** How many workers were replaced. */
export interface ReloadResult {
  readonly replaced: number
}

/** A worker whose replacement did not start serves on; another is tried after this, milliseconds. */
const RETRY_RECYCLE_MS = 30_000

/**
 * The first worker of a reload serves beside the one that it is to replace, before that ends: code that starts and dies a moment
 * later, for want of its database, takes no place. Milliseconds.
 */
const TRIAL_MS = 500

/** A reload that another one has taken over: the newer code is served by that. */
export class ReloadOvertaken extends TsgiError {
  constructor() {
    super('TSGI_ERR_RELOAD', 'another reload has begun')
  }
}

/**
 * The workers: places, the processes that fill them, and their succession. Never more than one process above the number of
 * places, but for those that finish their last requests: replacements go one after the other, and each ends the old worker
 * only when the new one serves.
 *
 * Nothing here waits: every method is called by the master's loop when something has happened.
 */
export class WorkerPool {
  readonly slots: WorkerSlot[] = []
  /** Every process that has not ended, whatever its state. */
  readonly workers = new Set<WorkerProcess>()
  readonly #options: PoolOptions
  readonly #log: Logger
  #state: 'starting' | 'running' | 'ending' = 'starting'
  #drainMs = 0
  #generation = 0
  #requestsOfEnded = 0
  #queue: Replacement[] = []
  #current: Replacement | undefined
  /** Workers whose replacement has failed, and when the next one may be tried. */
  readonly #resting = new Map<WorkerProcess, number>()

  constructor(options: PoolOptions) {
    this.#options = options
    this.#log = options.log
  }

  /** Counts the reloads: workers of an older generation have older code. */
  get generation(): number {
    return this.#generation
  }

  /** Requests that all workers have finished, those that have ended included: it never falls. */
  get requests(): number {
    return [...this.workers].reduce((sum, { stats }) => sum + (stats?.requests ?? 0), this.#requestsOfEnded)
  }

  /** Whether every place has a worker that serves. */
  get complete(): boolean {
    return this.slots.every(({ worker }) => worker?.state === 'ready')
  }

  get reloading(): boolean {
    return this.#current?.reason === 'reload' || this.#queue.some(({ reason }) => reason === 'reload')
  }

  /** The start has succeeded: from now on a worker that fails is a matter of its own. `drainMs`: what workers get for their last requests. */
  running(drainMs: number): void {
    this.#state = 'running'
    this.#drainMs = drainMs
  }

  /** Takes places in use, or out of it: their workers finish their requests and end. */
  scale(count: number): void {
    while (this.slots.length < count) {
      const slot = new WorkerSlot(this.slots.length)
      this.slots.push(slot)
      this.#spawn(slot)
    }
    while (this.slots.length > count) {
      const slot = this.slots.pop()
      if (slot !== undefined) this.#abandon(slot)
    }
    this.#next()
  }

  /** Replaces every worker, one after the other. Rejects, and leaves the rest as they are, when a new one does not start. */
  reload(drainMs: number): Promise<ReloadResult> {
    this.#drainMs = drainMs
    this.#generation += 1
    const reload: Reload = { done: new Deferred(), replaced: 0 }
    // Newer code: what is still to be replaced is replaced once, by that, and nobody waits for a worker that starts with the older.
    this.#giveUp(new ReloadOvertaken(), (each) => each.reason === 'reload' && each !== this.#current)
    if (this.#current?.reload !== undefined && this.#current.leaving === undefined) this.#endReload(new ReloadOvertaken())
    this.#queue = [...this.slots.map((slot): Replacement => ({ slot, reason: 'reload', reload })), ...this.#queue]
    this.#next()
    return reload.done.promise
  }

  /** Replaces one worker, when it is its turn. */
  recycle(worker: WorkerProcess, reason: RecycleReason): void {
    const slot = this.slots.find((each) => each.worker === worker)
    if (slot === undefined || this.#state !== 'running' || performance.now() < (this.#resting.get(worker) ?? 0)) return
    if (this.#current?.slot === slot || this.#queue.some((each) => each.slot === slot)) return
    this.#queue.push({ slot, reason })
    this.#next()
  }

  ready(worker: WorkerProcess): void {
    if (worker.state !== 'booting') return
    worker.markReady()
    this.#log.info(`worker ${worker.pid} is ready after ${Math.round(worker.ageMs)} ms`)
    this.#options.onReady()
    // It listens, and may be stuck all the same: its answer proves that its loop turns.
    if (this.#slotOf(worker)?.next === worker) worker.ping()
    else this.#joined(worker)
  }

  /** A proxy keeps its connections to those who had them: the others let go of the share that is now this one's. */
  #joined(worker: WorkerProcess): void {
    worker.markAnswered()
    if (this.#state !== 'running') return
    for (const { worker: other } of this.slots)
      if (other !== worker && other?.state === 'ready') other.share(1 / this.slots.length)
  }

  /** A worker that is to take another's place has answered. */
  answered(worker: WorkerProcess): void {
    const slot = this.#slotOf(worker)
    if (slot?.next !== worker) return
    worker.markAnswered()
    if (this.#current?.reload?.replaced !== 0) return this.#takePlace(slot, worker)
    this.#options.after(TRIAL_MS, () => {
      if (slot.next === worker && this.#state === 'running' && this.slots.includes(slot)) this.#takePlace(slot, worker)
    })
  }

  #takePlace(slot: WorkerSlot, worker: WorkerProcess): void {
    const old = slot.worker
    slot.worker = worker
    slot.next = undefined
    const current = this.#current
    if (current?.reload !== undefined) current.reload.replaced += 1
    if (old === undefined || current === undefined) return this.#finish()
    current.leaving = old
    this.#log.info(`worker ${old.pid} ends ${RECYCLE_REASONS[current.reason]}; worker ${worker.pid} has taken its place`)
    old.drain(this.#drainMs, { cause: current.reason })
  }

  /** The worker ends by itself, and another one that knows what it lacks takes its place; this is no death to count. */
  needsLoader(worker: WorkerProcess): void {
    worker.markStopping('loader')
    if (this.#state === 'ending') return
    const slot = this.#slotOf(worker)
    if (slot === undefined) return
    if (slot.next === worker) slot.next = this.#started(slot)
    else this.#spawn(slot)
  }

  /** The worker exits by itself after it has told why it cannot start. */
  failed(worker: WorkerProcess, failure: BootFailure): void {
    worker.endCause ??= 'boot'
    this.#didNotStart(worker, bootError(failure))
  }

  startupTimedOut(worker: WorkerProcess, error: TsgiError): void {
    // One that listens, but does not answer, has no more time than one that does not listen.
    if (worker.state !== 'booting' && this.#slotOf(worker)?.next !== worker) return
    worker.kill('boot')
    this.#didNotStart(worker, error)
  }

  /** Another worker takes over while this one finishes its requests. */
  leaving(worker: WorkerProcess, because: LeaveReason): void {
    const readyForMs = worker.readyForMs
    worker.markStopping(because)
    const ended = `worker ${worker.pid} ends ${LEAVE_REASONS[because]}`
    const error = new TsgiError('TSGI_ERR_WORKER_BOOT', ended)
    if (this.#state === 'starting') this.#options.onCannotStart(error)
    else if (this.#slotOf(worker)?.next === worker) this.#didNotStart(worker, error)
    else this.#died(worker, readyForMs, ended)
  }

  ended(worker: WorkerProcess, exit: WorkerExit): void {
    this.workers.delete(worker)
    this.#resting.delete(worker)
    this.#requestsOfEnded += worker.stats?.requests ?? 0
    const ended = `worker ${worker.pid} ${describeExit(exit)}`
    if (this.#state === 'starting') {
      // Known already: it asked for the loader, or its failure has been reported.
      if (worker.state !== 'stopping')
        this.#options.onCannotStart(new TsgiError('TSGI_ERR_WORKER_BOOT', `it ${describeExit(exit)} before it was ready`))
    } else if (this.#slotOf(worker)?.next === worker) {
      const when = worker.readyForMs === undefined ? 'before it was ready' : 'as soon as it was ready'
      this.#didNotStart(worker, new TsgiError('TSGI_ERR_WORKER_BOOT', `it ${describeExit(exit)} ${when}`))
    } else if (this.#slotOf(worker) === undefined) {
      // One that leaves has been replaced.
      this.#log.debug(ended)
    } else {
      this.#died(worker, worker.readyForMs, ended)
    }
    if (this.#current?.leaving === worker) this.#finish()
    this.#options.onEnded(worker, exit)
  }

  respawn(slot: WorkerSlot): void {
    slot.timer = undefined
    if (this.#state === 'running' && this.slots.includes(slot) && slot.worker === undefined) this.#spawn(slot)
    this.#next()
  }

  closeWebSockets(windowMs: number): void {
    for (const worker of this.workers) worker.closeWebSockets(windowMs)
  }

  /** Every worker finishes its requests and ends; none is started any more. */
  drain(timeoutMs: number, killMs?: number): void {
    this.#end()
    for (const worker of this.workers) worker.drain(timeoutMs, { handover: false, ...(killMs === undefined ? {} : { killMs }) })
  }

  kill(): void {
    this.#end()
    for (const worker of this.workers) worker.kill()
  }

  #end(): void {
    this.#state = 'ending'
    for (const slot of this.slots) clearTimeout(slot.timer)
    this.#giveUp(new TsgiError('TSGI_ERR_RELOAD', 'the server stops'), () => true)
    this.#current = undefined
  }

  #slotOf(worker: WorkerProcess): WorkerSlot | undefined {
    return this.slots.find((slot) => slot.worker === worker || slot.next === worker)
  }

  #started(slot: WorkerSlot): WorkerProcess {
    const worker = this.#options.spawn(slot)
    this.workers.add(worker)
    this.#log.debug(`worker ${worker.pid} starts`)
    return worker
  }

  #spawn(slot: WorkerSlot): void {
    slot.worker = this.#started(slot)
  }

  /** The place is taken out of use. */
  #abandon(slot: WorkerSlot): void {
    clearTimeout(slot.timer)
    slot.next?.kill('scale')
    slot.worker?.drain(this.#drainMs, { cause: 'scale' })
    this.#queue = this.#queue.filter((each) => each.slot !== slot)
    if (this.#current?.slot === slot) this.#finish()
  }

  /** Reports the end of a worker and starts another: at once, or later where that has not helped so far. */
  #died(worker: WorkerProcess, readyForMs: number, ended: string): void {
    const slot = this.#slotOf(worker)
    if (slot === undefined || this.#state !== 'running') return
    slot.worker = undefined
    const delayMs = slot.next === undefined ? slot.delayAfterDeath(readyForMs) : 0
    const then =
      slot.next !== undefined
        ? `worker ${slot.next.pid}, which starts already, takes its place`
        : delayMs === 0
          ? 'another one starts now'
          : `${slot.quickDeaths} in a row that ended early; another one starts in ${delayMs} ms`
    const error = new TsgiError('TSGI_ERR_WORKER_EXIT', `${ended}; ${then}`)
    this.#log.error(error.message, error)
    // New code that does not live is given to no other worker.
    if (worker.generation === this.#generation && this.reloading) this.#endReload(error)
    if (slot.next !== undefined) return
    if (delayMs === 0) this.#spawn(slot)
    else slot.timer = this.#options.later(slot, delayMs)
  }

  #didNotStart(worker: WorkerProcess, error: TsgiError): void {
    if (this.#state === 'starting') {
      this.#options.onCannotStart(error)
      return
    }
    const slot = this.#slotOf(worker)
    if (this.#state === 'ending' || slot === undefined) return
    if (slot.next !== worker) {
      this.#log.error(`worker ${worker.pid} did not start`, error)
      return
    }
    slot.next = undefined
    this.#replacementFailed(slot, error)
  }

  /** The old worker serves on. */
  #replacementFailed(slot: WorkerSlot, error: TsgiError): void {
    const current = this.#current
    this.#current = undefined
    if (current?.reload !== undefined) {
      this.#queue = this.#queue.filter(({ reload }) => reload !== current.reload)
      const { replaced } = current.reload
      const extent = replaced === 0 ? 'the old workers serve on' : `${replaced} of ${this.slots.length} workers were replaced`
      current.reload.done.reject(new TsgiError('TSGI_ERR_RELOAD', `${extent}. ${inShort(error)}`))
    } else if (current !== undefined && current.reason !== 'reload' && slot.worker !== undefined) {
      this.#log.error(`worker ${slot.worker.pid} serves on, though it should end ${RECYCLE_REASONS[current.reason]}`, error)
      this.#resting.set(slot.worker, performance.now() + RETRY_RECYCLE_MS / 2)
      this.#options.retry(slot.worker, current.reason, RETRY_RECYCLE_MS)
    }
    // It has died while its successor tried to start.
    if (slot.worker === undefined) slot.timer = this.#options.later(slot, slot.delayAfterDeath(0))
    this.#next()
  }

  /** The reload that is under way replaces no more. A worker that starts for it is not wanted. */
  #endReload(error: TsgiError): void {
    const current = this.#current?.reload === undefined ? undefined : this.#current
    const reload = current?.reload ?? this.#queue.find((each) => each.reload !== undefined)?.reload
    if (reload === undefined) return
    this.#queue = this.#queue.filter((each) => each.reload !== reload)
    if (current !== undefined && current.leaving === undefined) {
      current.slot.next?.kill('reload')
      current.slot.next = undefined
      this.#current = undefined
    }
    const extent = `${reload.replaced} of ${this.slots.length} workers were replaced`
    const why = error instanceof ReloadOvertaken ? error : new TsgiError('TSGI_ERR_RELOAD', `${extent}. ${inShort(error)}`)
    reload.done.reject(why)
  }

  /** The current replacement is over. */
  #finish(): void {
    const reload = this.#current?.reload
    this.#current = undefined
    if (reload !== undefined && !this.#queue.some((each) => each.reload === reload)) reload.done.resolve(reload)
    this.#next()
  }

  #next(): void {
    while (this.#current === undefined && this.#state === 'running') {
      const next = this.#queue.shift()
      if (next === undefined) return
      this.#current = next
      // A place that is empty or just being filled gets the new code anyway.
      if (next.slot.worker?.state !== 'ready' || !this.#isDue(next)) this.#finish()
      else next.slot.next = this.#started(next.slot)
    }
  }

  #isDue({ slot, reload }: Replacement): boolean {
    return reload === undefined || (slot.worker?.generation ?? 0) < this.#generation
  }

  #giveUp(why: TsgiError, which: (each: Replacement) => boolean): void {
    const all = this.#current === undefined ? this.#queue : [this.#current, ...this.#queue]
    const given = new Set(all.filter(which).map(({ reload }) => reload))
    this.#queue = this.#queue.filter((each) => !which(each))
    for (const reload of given) reload?.done.reject(why)
  }
}
