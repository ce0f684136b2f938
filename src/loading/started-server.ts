import type { Server } from 'node:http'
import { ListenCapture } from '../adapters/captured-server.ts'
import { servesApplication } from '../adapters/framework.ts'
import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { Deferred } from './deferred.ts'
import type { LoadedApplication } from './detect-application.ts'

/** After this an operator wants to know what a start waits for, milliseconds. */
const NOTICE_MS = 2000

/** A function that may make the application leaves this long for a server that it has begun to start, milliseconds. */
const DOUBT_MS = 1000

export interface StartedServerOptions {
  /** The script's file name, for the log. */
  readonly name: string
  readonly log: Logger
  /** The application closes its own server; calls back when the requests in flight are finished. */
  readonly onClose: (finished: () => void) => void
  /** The module exports no application: whether it starts a server is waited for. */
  readonly onWaiting: () => void
  /** Calls `listener` when nothing that the script has begun can still go on; the result is called when nobody waits any more. */
  readonly onIdle: (listener: () => void) => () => void
}

/** What becomes of the servers that a script starts by itself. */
export class StartedServer {
  captured: Server | undefined
  readonly #capture: ListenCapture
  readonly #options: StartedServerOptions
  readonly #first = new Deferred<Server | undefined>()
  #takes: (server: Server) => boolean = () => this.captured === undefined

  constructor(options: StartedServerOptions) {
    this.#options = options
    this.#capture = new ListenCapture({
      takes: (server) => {
        if (!this.#takes(server)) return false
        this.captured ??= server
        this.#first.resolve(server)
        return true
      },
      onClose: options.onClose,
    })
  }

  /**
   * The first server that the script starts. Many do so only when something else is there, such as a database: it is waited for
   * until nothing is under way any more. Undefined then, or where `problem` is not that an application is missing.
   */
  first(problem: unknown): Promise<Server | undefined> {
    if (this.captured !== undefined) return Promise.resolve(this.captured)
    if (!(problem instanceof TsgiError) || problem.code !== 'TSGI_ERR_APP_EXPORT') return Promise.resolve(undefined)
    const { log, name, onWaiting } = this.#options
    onWaiting()
    const notice = setTimeout(() => {
      log.warn(`${name} exports no application; waiting for it to call listen() of a node:http server`)
    }, NOTICE_MS)
    notice.unref()
    const cancel = this.#options.onIdle(() => this.#first.resolve(undefined))
    return this.#first.promise.finally(() => {
      clearTimeout(notice)
      cancel()
    })
  }

  /** The server that the script starts, where that is more likely to be the application than what it exports. */
  async insteadOf({ certainty, ...loaded }: LoadedApplication): Promise<Server | undefined> {
    if (certainty === 'certain') return undefined
    const server = this.captured ?? (certainty === 'possible' ? await this.#firstWithin(DOUBT_MS) : undefined)
    if (server === undefined || loaded.kind === 'fetch') return server
    return servesApplication(server, loaded.kind === 'node' ? loaded.value : loaded.application) ? undefined : server
  }

  /** As `first`, within a time. */
  #firstWithin(ms: number): Promise<Server | undefined> {
    const timer = setTimeout(() => this.#first.resolve(undefined), ms)
    timer.unref()
    const cancel = this.#options.onIdle(() => this.#first.resolve(undefined))
    return this.#first.promise.finally(() => {
      clearTimeout(timer)
      cancel()
    })
  }

  /** This server is the application; any other listens as it wants to. */
  serve(server: Server, value?: unknown): void {
    this.#takes = (other) =>
      other === server || (this.captured === undefined && value !== undefined && servesApplication(other, value))
    if (this.captured !== undefined && this.captured !== server) this.#release(this.captured)
  }

  /** The application needs no server, so what the script starts is something else. */
  release(): void {
    this.#takes = () => false
    if (this.captured !== undefined) this.#release(this.captured)
  }

  /** The server that the script starts for the application is not needed. */
  keep(): void {
    this.#takes = (server) => this.captured === undefined || this.captured === server
  }

  /** The last request is finished. */
  finish(): void {
    this.#capture.finish()
  }

  #release(server: Server): void {
    this.#options.log.info(`${this.#options.name} starts a server of its own beside the application`)
    this.#capture.release(server)
  }
}
