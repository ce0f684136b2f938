import { AsyncResource } from 'node:async_hooks'

import { TsgiError } from '../interface/errors.ts'
import { MAX_QUEUED_REQUESTS } from '../interface/limits.ts'
import type { Logger } from '../interface/logger.ts'
import type { RequestMeter } from '../gateway/request-meter.ts'
import { EntryList } from './entry-list.ts'
import type { SlowRequests } from './slow-requests.ts'

export interface AdmissionLimits {
  /** From the application's call to the head of its response, milliseconds; 0: no limit. */
  readonly requestTimeoutMs: number
  /** Requests that the application has at a time; 0: no limit. */
  readonly workerConcurrency: number
  /** How long the others wait for their turn, milliseconds; 0: not at all. */
  readonly queueTimeoutMs: number
}

/** A timeout is noticed up to two ticks late, which is 5 % of it, or 50 ms. Nothing is noticed early. */
const TICKS_OF_TIMEOUT = 40
const SHORTEST_TICK_MS = 25
const LONGEST_TICK_MS = 1000

/** How often refused requests are worth a line in the log, milliseconds. An overload must not become a flood of lines. */
const REFUSALS_LOG_MS = 1000

/** How far a request has come, for a line on one that is slow. */
export interface Progress {
  readonly label: string
  /** Something of its response was sent. */
  readonly begun: boolean
  /** What its client gets, or would. */
  readonly status: number
}

/** One request, as the clock and the queue see it. */
export abstract class AdmittedRequest {
  earlier: this | undefined
  later: this | undefined
  since = 0
  /** When it began to wait, `performance.now()`; where somebody counts. */
  queuedAt = 0
  /** `running`: the clock has nothing to do with it any more. */
  state: 'new' | 'queued' | 'timed' | 'running' | 'done' = 'new'
  /** When it had begun, of one that is slow; 0: nobody has looked, or it is not. */
  slowSince = 0
  readonly #admission: Admission

  constructor(admission: Admission) {
    this.#admission = admission
  }

  /** It has to wait for its turn. */
  abstract wait(): void
  /** Hands it to the application. */
  abstract start(): void
  /** Ends it with 504 where its response has not begun. False: it cannot be said yet whether that is so. */
  abstract timeOut(error: TsgiError): boolean
  abstract get progress(): Progress
  /** Answers 503. */
  abstract refuse(retryAfterSeconds: number): void

  /** Its response is complete, or nobody waits for it any more. */
  done(): void {
    this.#admission.done(this)
  }
}

/**
 * The door to the application: how many requests it has at a time, who waits for a turn, and how long it may take to answer.
 *
 * One timer looks at all of them, and stops when there are none.
 */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #log: Logger
  readonly #meter: RequestMeter | undefined
  readonly #slow: SlowRequests | undefined
  readonly #tickMs: number
  /** Requests whose response has not begun. */
  readonly #timed = new EntryList<AdmittedRequest>()
  readonly #queue = new EntryList<AdmittedRequest>()
  #running = 0
  #now = 0
  #timer: NodeJS.Timeout | undefined
  #admitting = false
  #refused = 0
  #refusalsLoggedAt = -Infinity
  /** Who waited is started where another one has ended, and must not find that one's AsyncLocalStorage. */
  readonly #scope = new AsyncResource('TSGI_QUEUE')

  /** Undefined where there is nothing to watch, which then costs nothing. */
  static for(limits: AdmissionLimits, log: Logger, meter?: RequestMeter, slow?: SlowRequests): Admission | undefined {
    const watches = limits.requestTimeoutMs > 0 || limits.workerConcurrency > 0 || slow !== undefined
    return watches ? new Admission(limits, log, meter, slow) : undefined
  }

  private constructor(limits: AdmissionLimits, log: Logger, meter: RequestMeter | undefined, slow: SlowRequests | undefined) {
    this.#limits = limits
    this.#slow = slow
    this.#meter = meter
    this.#log = log
    const queueTimeoutMs = limits.workerConcurrency > 0 ? limits.queueTimeoutMs : 0
    const timeouts = [limits.requestTimeoutMs, queueTimeoutMs, slow?.thresholdMs ?? 0].filter((ms) => ms > 0)
    const tickMs = Math.min(...timeouts, Infinity) / TICKS_OF_TIMEOUT
    this.#tickMs = Math.ceil(Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, tickMs)))
  }

  get queued(): number {
    return this.#queue.size
  }

  /** Starts a request, or lets it wait, or refuses it. */
  begin(request: AdmittedRequest): void {
    const { workerConcurrency, queueTimeoutMs } = this.#limits
    // Nobody overtakes those that wait.
    if (workerConcurrency === 0 || (this.#running < workerConcurrency && this.#queue.size === 0)) {
      this.#start(request)
    } else if (queueTimeoutMs === 0 || this.#queue.size >= MAX_QUEUED_REQUESTS) {
      this.#refuse(request)
    } else {
      this.#armTimer()
      request.state = 'queued'
      if (this.#meter !== undefined) request.queuedAt = performance.now()
      this.#queue.add(request, this.#now)
      request.wait()
    }
  }

  done(request: AdmittedRequest): void {
    const { state } = request
    request.state = 'done'
    if (request.slowSince > 0) {
      const { label, status } = request.progress
      this.#slow?.ended(label, performance.now() - request.slowSince, status)
    }
    switch (state) {
      case 'queued':
        this.#queue.remove(request)
        return
      case 'timed':
        this.#timed.remove(request)
        this.#leave()
        return
      case 'running':
        this.#leave()
        return
      case 'new':
      case 'done':
        return
    }
  }

  #start(request: AdmittedRequest): void {
    this.#running++
    if (this.#limits.requestTimeoutMs === 0 && this.#slow === undefined) {
      request.state = 'running'
    } else {
      this.#armTimer()
      request.state = 'timed'
      this.#timed.add(request, this.#now)
    }
    request.start()
  }

  #leave(): void {
    this.#running--
    if (this.#queue.size === 0 || this.#admitting) return
    this.#admitting = true
    // Not from within the one that ends: a queue of short requests would become a deep stack.
    this.#scope.runInAsyncScope(setImmediate, undefined, () => this.#admit())
  }

  #admit(): void {
    try {
      while (this.#running < this.#limits.workerConcurrency) {
        const next = this.#queue.first
        if (next === undefined) break
        this.#queue.remove(next)
        this.#meter?.waited(performance.now() - next.queuedAt)
        this.#start(next)
      }
    } finally {
      this.#admitting = false
    }
  }

  #refuse(request: AdmittedRequest): void {
    this.#refused++
    this.#meter?.refused()
    this.#logRefusals(performance.now())
    // By then, those that wait now have been served or refused.
    request.refuse(Math.max(1, Math.ceil(this.#limits.queueTimeoutMs / 1000)))
  }

  #logRefusals(now: number): void {
    if (this.#refused === 0 || now - this.#refusalsLoggedAt < REFUSALS_LOG_MS) return
    const { workerConcurrency } = this.#limits
    const error = new TsgiError(
      'TSGI_ERR_OVERLOAD',
      `${this.#refused} request(s) answered 503; ${this.#running} of ${workerConcurrency} are served, ${this.#queue.size} wait`,
    )
    this.#log.warn('overload', error)
    this.#refused = 0
    this.#refusalsLoggedAt = now
  }

  #armTimer(): void {
    if (this.#timer !== undefined) return
    this.#now = performance.now()
    this.#timer = setInterval(() => this.#tick(), this.#tickMs)
    this.#timer.unref()
  }

  #tick(): void {
    const before = this.#now
    const now = performance.now()
    this.#now = now
    if (now - before > 2 * this.#tickMs) {
      // Something has blocked the event loop. What came in behind it has the time of the last tick, and has not waited since then.
      this.#timed.postpone(before, now)
      this.#queue.postpone(before, now)
    }
    const { requestTimeoutMs, queueTimeoutMs } = this.#limits
    // An entry is up to one tick younger than it looks.
    if (this.#slow !== undefined) {
      this.#timed.visitUntil(now - this.#slow.thresholdMs - this.#tickMs, (request) => this.#lookWhetherSlow(request))
    }
    if (requestTimeoutMs > 0) this.#timed.visitUntil(now - requestTimeoutMs - this.#tickMs, (request) => this.#timeOut(request))
    this.#queue.visitUntil(now - queueTimeoutMs - this.#tickMs, (request) => this.#refuse(request))
    this.#logRefusals(now)
    if (this.#timed.size + this.#queue.size + this.#refused > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /**
   * For whoever finds the event loop blocked, in the midst of what blocks it: each request that is not answered is slow, and told as
   * such to the master.
   */
  blocked(stack: readonly string[]): void {
    const now = performance.now()
    this.#timed.visitUntil(now, (request) => {
      if (request.slowSince > 0) return
      const { label, begun } = request.progress
      if (begun) return
      request.slowSince = request.since
      this.#slow?.blocked(label, now - request.since, stack)
    })
  }

  /** A response that has begun may take its time: a download, or events. */
  #lookWhetherSlow(request: AdmittedRequest): void {
    if (request.slowSince > 0) return
    const { label, begun } = request.progress
    if (!begun) {
      request.slowSince = request.since
      this.#slow?.running(label, this.#now - request.since)
    }
    if (this.#limits.requestTimeoutMs > 0) return
    // Nothing else has to look at it.
    this.#timed.remove(request)
    request.state = 'running'
  }

  #timeOut(request: AdmittedRequest): void {
    // Another one, which has timed out a moment ago, may have taken it along.
    if (request.state !== 'timed') return
    const seconds = ((this.#now - request.since) / 1000).toFixed(1)
    if (!request.timeOut(new TsgiError('TSGI_ERR_REQUEST_TIMEOUT', `no response after ${seconds} s`))) return
    // It goes on, and is out of the clock's reach.
    if (request.state !== 'timed') return
    this.#timed.remove(request)
    request.state = 'running'
  }
}
