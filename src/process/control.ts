import type { Logger, LogLevel } from '../interface/logger.ts'
import { TsgiError } from '../interface/errors.ts'
import { openMetricsText, prometheusText } from '../metrics/exposition.ts'
import { formatBindAddress } from '../server/address.ts'
import { ControlSocket } from './control-socket.ts'
import type { Command, MetricsFormat } from './control-protocol.ts'
import { Deferred } from '../loading/deferred.ts'
import type { Master } from './master.ts'
import type { MetricsSource } from './metrics-source.ts'
import { packageVersion } from './package-version.ts'
import type { CommandSource } from './supervise.ts'

export interface ControlOptions {
  readonly master: Pick<Master, 'size' | 'pool' | 'addresses' | 'options' | 'setLogLevel'> & {
    readonly workers: readonly Omit<Master['workers'][number], 'report'>[]
  }
  readonly metrics: MetricsSource
  readonly log: Logger
  /** As the setting has it: a path, a directory, `off`, or undefined for the place where `tsgi ctl` looks. */
  readonly path: string | undefined
  /** This master takes the place of one that still lives. */
  readonly takeOver?: boolean
  /** Changes what this process logs; the workers are told by the master. */
  readonly setLogLevel: (level: LogLevel) => void
  /** What the status says first, such as the command and the public URL. */
  readonly about: Readonly<Record<string, string>>
}

/** What a running server can be asked and told over its control socket. Supervision decides, as it does for signals. */
export class Control implements CommandSource {
  readonly #options: ControlOptions
  readonly #socket: ControlSocket | undefined
  readonly #startedAt = Date.now() - Math.round(performance.now())
  readonly #attached = new Deferred<(command: Command) => Promise<object>>()

  constructor(options: ControlOptions) {
    this.#options = options
    const { path, takeOver = false, log } = options
    if (path === 'off') return
    this.#socket = new ControlSocket({ path, takeOver, log, run: (command) => this.run(command) })
  }

  /** What a client's command does. Rejects with what the client would be told. */
  async run(command: Command): Promise<object> {
    return (await this.#attached.promise)(command)
  }

  /** Never fails, see `ControlSocket.listen`. */
  async listen(): Promise<void> {
    await this.#socket?.listen()
  }

  attach(run: (command: Command) => Promise<object>): void {
    this.#attached.resolve(run)
  }

  async close(): Promise<void> {
    await this.#socket?.close()
  }

  status(): object {
    const { master, about } = this.#options
    const { options } = master
    return {
      pid: process.pid,
      ...about,
      app: options.app,
      directory: process.cwd(),
      version: packageVersion(),
      node: process.version,
      startedAt: new Date(this.#startedAt).toISOString(),
      uptimeMs: Math.round(performance.now()),
      addresses: master.addresses.map(formatBindAddress),
      controlSocket: this.#socket?.path ?? null,
      generation: master.pool.generation,
      requests: master.pool.requests,
      reloading: master.pool.reloading,
      workers: { wanted: master.size, ready: master.workers.filter(({ state }) => state === 'ready').length },
      settings: {
        interface: options.interface,
        mountPoint: options.mountPoint === '' ? '/' : options.mountPoint,
        workers: options.workers,
        minWorkers: options.minWorkers ?? null,
        startupTimeoutMs: options.startupTimeoutMs,
        gracefulTimeoutMs: options.gracefulTimeoutMs,
        maxRequests: options.maxRequests ?? 0,
        maxRequestsJitter: options.maxRequestsJitter ?? 0,
        workerLifetimeMs: options.workerLifetimeMs ?? 0,
        workerMaxRssBytes: options.workerMaxRssBytes ?? 0,
        ...options.clocks,
        limitRequestBodyBytes: options.limitRequestBodyBytes ?? 0,
        logLevel: options.logLevel ?? 'info',
      },
    }
  }

  /** One that has told nothing of itself yet has null for what it would tell. */
  workers(): object {
    const workers = this.#options.master.workers.map(({ id, pid, state, generation, ageMs, stats }) => ({
      id,
      pid,
      state,
      generation,
      ageMs: Math.round(ageMs),
      requests: stats?.requests ?? null,
      inFlight: stats?.inFlight ?? null,
      rssBytes: stats?.rssBytes ?? null,
      loopUtilization: stats === undefined ? null : Math.round(stats.loopUtilization * 1000) / 1000,
    }))
    return { workers: workers.toSorted((a, b) => a.id - b.id) }
  }

  /** Rejects with `TSGI_ERR_CONTROL` where nothing is counted. */
  async metrics(format: MetricsFormat): Promise<object> {
    const { metrics } = this.#options
    if (!metrics.counts) throw new TsgiError('TSGI_ERR_CONTROL', 'this server counts nothing: it was started with --no-metrics')
    const snapshot = await metrics.fresh()
    if (format === 'json') return snapshot
    return { text: format === 'openmetrics' ? openMetricsText(snapshot) : prometheusText(snapshot) }
  }

  setLogLevel(level: LogLevel): void {
    this.#options.setLogLevel(level)
    this.#options.master.setLogLevel(level)
  }
}
