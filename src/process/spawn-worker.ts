import type { AppLocation } from '../loading/app-specifier.ts'
import type { SharedListener } from './listener-handover.ts'
import type { MasterOptions } from './master-options.ts'
import { WorkerProcess } from './worker-process.ts'
import type { WorkerEvents } from './worker-process.ts'
import { accountVariables } from './worker-rights.ts'

export interface SpawnOptions {
  readonly options: MasterOptions
  readonly location: AppLocation
  readonly loader: boolean
  /** The master's sockets, in the order of `options.binds`. */
  readonly listeners: readonly SharedListener[]
  readonly id: number
  readonly generation: number
  /** Of the place among the workers, from 0. */
  readonly index: number
  readonly events: WorkerEvents
}

/** Starts one worker process as the options of a master say. */
export function spawnWorker({
  options,
  location,
  loader,
  listeners,
  id,
  generation,
  index,
  events,
}: SpawnOptions): WorkerProcess {
  const { maxRequests = 0, maxRequestsJitter = 0, rights = {} } = options
  return new WorkerProcess({
    id,
    index,
    generation,
    // What frameworks look at to leave out stacks and development's checks, and the place among the workers under the name
    // that applications know; whoever sets them has the last word.
    env: {
      NODE_ENV: options.development === true ? 'development' : 'production',
      NODE_APP_INSTANCE: String(index),
      ...process.env,
      ...accountVariables(rights.account),
      ...options.env,
    },
    rights,
    listeners,
    output: options.output?.() ?? {},
    startupTimeoutMs: options.startupTimeoutMs,
    log: options.log,
    boot: {
      ...location,
      id,
      generation,
      hooksFile: options.hooksFile,
      interface: options.interface,
      loader,
      protocols: options.binds.map(({ protocol }) => protocol),
      mountPoint: options.mountPoint,
      multiprocess: options.workers > 1,
      gracefulTimeoutMs: options.gracefulTimeoutMs,
      logLevel: options.logLevel ?? 'info',
      // Each has a limit of its own, so that workers that started together do not end together.
      maxRequests: maxRequests === 0 ? 0 : maxRequests + Math.floor(Math.random() * (maxRequestsJitter + 1)),
      clocks: options.clocks,
      clients: options.clients,
      logs: options.logs,
      metrics: options.metrics ?? false,
      record: options.record,
      ...(options.development === true ? { development: true } : {}),
      ...(options.probeToken === undefined ? {} : { probeToken: options.probeToken }),
      ...(options.limitRequestBodyBytes === undefined ? {} : { maxRequestBodyBytes: options.limitRequestBodyBytes }),
    },
    events,
  })
}
