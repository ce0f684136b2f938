import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { clientLimitsOf } from './client-settings.ts'
import { clocksOf } from './clock-settings.ts'
import { workerVariables } from '../settings/env-file.ts'
import type { MasterOptions } from './master-options.ts'
import { hasWorkerHooks } from '../settings/hooks.ts'
import type { SettingsFile } from '../settings/settings-file.ts'
import type { Settings } from '../settings/settings.ts'
import { recordOptions } from './record-settings.ts'
import { workerRights } from './worker-rights.ts'

/** What the settings that every command has say about workers. Throws `TSGI_ERR_OPTION` where two of them contradict each other. */
export function workerOptions(
  settings: Settings<'serve'> | Settings<'start-server'>,
  app: string,
  log: Logger,
  file: SettingsFile | undefined,
): Omit<MasterOptions, 'binds'> {
  checkCounts(settings)
  return {
    app,
    interface: settings.interface,
    workers: settings.processes,
    minWorkers: settings.minProcesses,
    mountPoint: settings.mountPoint,
    startupTimeoutMs: settings.startupTimeout,
    gracefulTimeoutMs: settings.gracefulTimeout,
    maxRequests: settings.maxRequests,
    maxRequestsJitter: settings.maxRequestsJitter,
    workerLifetimeMs: settings.workerLifetime,
    workerMaxRssBytes: settings.workerMaxRss,
    rights: workerRights(settings),
    env: workerVariables(settings, process.env),
    hooks: file?.hooks,
    hooksFile: file !== undefined && hasWorkerHooks(file.hooks) ? file.path : undefined,
    limitRequestBodyBytes: settings.limitRequestBody,
    clocks: clocksOf(settings),
    clients: clientLimitsOf(settings),
    log,
    logLevel: settings.logLevel,
    metrics: settings.metrics,
    record: recordOptions(settings),
  }
}

/** Throws `TSGI_ERR_OPTION` where numbers of workers or requests make no sense together. */
export function checkCounts({
  processes,
  minProcesses,
  maxRequests,
  maxRequestsJitter,
}: Pick<Settings<'serve'>, CountKey>): void {
  if (minProcesses !== undefined && minProcesses > processes) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--min-processes is ${minProcesses}, more than the ${processes} of --processes (--workers)`,
    )
  }
  if (maxRequestsJitter > 0 && maxRequests === 0) {
    throw new TsgiError('TSGI_ERR_OPTION', '--max-requests-jitter does nothing without --max-requests')
  }
}

type CountKey = 'processes' | 'minProcesses' | 'maxRequests' | 'maxRequestsJitter'
