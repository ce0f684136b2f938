import { quote, TsgiError } from '../interface/errors.ts'
import { nearestName } from '../loading/nearest-name.ts'

/** The server, as a hook sees it. */
export interface ServerInfo {
  /** Of the master. */
  readonly pid: number
  /** What the command line calls APP. */
  readonly app: string
}

/** One worker, as a hook sees it. */
export interface WorkerInfo {
  readonly pid: number
  /** Counts the workers of this server, from 1. */
  readonly id: number
  /** Counts the reloads, from 0: which code it has. */
  readonly generation: number
}

/** How a worker process ended, as `child_process` tells it. */
export interface WorkerEnd extends WorkerInfo {
  readonly code: number | null
  readonly signal: string | null
}

/**
 * What a server calls when something has happened, by Gunicorn's names. Each may return a promise.
 *
 * In the master: `onStarting` before anything is started, and what it throws fails the start; `whenReady` when every worker
 * serves; `onReload` before a reload replaces the workers; `nworkersChanged` when their number has been changed; `childExit` when
 * a worker process has ended; `onExit` at the end, when every worker has ended.
 *
 * In each worker: `postWorkerInit` when the application is loaded, before the first request, and what it throws is a worker that
 * does not start; `workerExit` behind the last request, within the time that an application has to end.
 */
export interface Hooks {
  readonly onStarting?: ((server: ServerInfo) => unknown) | undefined
  readonly whenReady?: ((server: ServerInfo) => unknown) | undefined
  readonly onReload?: ((server: ServerInfo) => unknown) | undefined
  readonly nworkersChanged?: ((change: { readonly workers: number; readonly before: number }) => unknown) | undefined
  readonly childExit?: ((worker: WorkerEnd) => unknown) | undefined
  readonly onExit?: ((server: ServerInfo) => unknown) | undefined
  readonly postWorkerInit?: ((worker: WorkerInfo) => unknown) | undefined
  readonly workerExit?: ((worker: WorkerInfo) => unknown) | undefined
}

/** Every hook, and where it runs. */
const PLACES = {
  onStarting: 'master',
  whenReady: 'master',
  onReload: 'master',
  nworkersChanged: 'master',
  childExit: 'master',
  onExit: 'master',
  postWorkerInit: 'worker',
  workerExit: 'worker',
} as const satisfies Record<keyof Hooks, 'master' | 'worker'>

/** Gunicorn's other hooks, and what is there instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  preFork: 'workers are started, not forked; postWorkerInit is called in each',
  postFork: 'workers are started, not forked; postWorkerInit is called in each',
  preRequest: 'a middleware sees every request, and its access log',
  postRequest: 'a middleware sees every request, and its access log',
  workerInt: 'the application hears SIGTERM and SIGINT by itself, behind its last request',
  workerAbort: 'a worker that is stuck can call nothing; childExit tells of its end',
}

/** Whether any of them runs in workers, which then read the file, too. */
export function hasWorkerHooks(hooks: Hooks): boolean {
  return Object.entries(PLACES).some(([name, place]) => place === 'worker' && Reflect.get(hooks, name) !== undefined)
}

/** The `hooks` of a configuration file. Throws `TSGI_ERR_CONFIG` for names that are none and values that are no functions. */
export function checkHooks(value: unknown, file: string): Hooks {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TsgiError('TSGI_ERR_CONFIG', `hooks in ${file} is ${quote(value)}, but takes an object of functions`)
  }
  for (const [name, hook] of Object.entries(value)) {
    if (!Object.hasOwn(PLACES, name)) {
      const meant = nearestName(name, Object.keys(PLACES))
      const instead = Object.hasOwn(ELSEWHERE, name)
        ? `: ${ELSEWHERE[name]}`
        : meant === undefined
          ? ''
          : `; did you mean "${meant}"?`
      throw new TsgiError('TSGI_ERR_CONFIG', `there is no hook ${quote(name)} in ${file}${instead}`)
    }
    if (hook !== undefined && typeof hook !== 'function') {
      throw new TsgiError('TSGI_ERR_CONFIG', `the hook ${name} in ${file} is ${quote(hook)}, but takes a function`)
    }
  }
  // Every member has been looked at.
  return value
}
