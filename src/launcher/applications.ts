import type { Logger } from '../interface/logger.ts'
import type { LogOptions } from '../logging/log-options.ts'
import { logOptions } from '../process/log-settings.ts'
import type { WorkerOutput } from '../process/master-options.ts'
import type { MasterOptions } from '../process/master.ts'
import { checkAccessLog } from '../process/server-logs.ts'
import { workerOptions } from '../process/worker-options.ts'
import { workerRights } from '../process/worker-rights.ts'
import type { Logs } from './log-files.ts'
import type { Plan } from './plan.ts'
import { mountPointOf } from './site.ts'

/** What the masters of the applications are told: the first one everything, the others what is their own. */
export function applicationsOf(
  plan: Plan,
  log: Logger,
): { first: MasterOptions; others: Pick<MasterOptions, 'app' | 'interface' | 'mountPoint' | 'binds' | 'log'>[] } {
  const { app, settings, file, addresses, root, proxy, logs, token } = plan
  const first: MasterOptions = {
    ...workerOptions(settings, app, log, file),
    logs: workerLogs(settings, logs, proxy !== undefined),
    // A public port speaks HTTP only: the other protocols believe whatever they are told.
    binds:
      proxy === undefined
        ? addresses.map((address) => ({ address: { type: 'tcp', ...address }, protocol: 'http' }))
        : [socketOf(plan, root.socketPath)],
    probeToken: token,
    ...(logs.output === undefined ? {} : { output: workerOutput(logs, proxy !== undefined) }),
  }
  const others = settings.mount.map(([url, mounted], index) => ({
    app: mounted,
    interface: 'auto' as const,
    mountPoint: mountPointOf(url),
    binds: [socketOf(plan, root.mountSocketPath(index))],
    log,
  }))
  return { first, others }
}

/** A socket that the proxy's workers may open, and nobody else. */
function socketOf({ account }: Plan, path: string): MasterOptions['binds'][number] {
  return {
    address: { type: 'unix', path },
    protocol: 'auto',
    mode: 0o660,
    ...(account === undefined ? {} : { group: account.gid }),
  }
}

/** The application's standard output goes to the error log, too, unless the workers write their access log there. */
function workerOutput({ access, output }: Logs, proxied: boolean): () => WorkerOutput {
  return () => {
    const { stdout, stderr } = output?.() ?? {}
    if (stderr === undefined) return {}
    return stdout === undefined || (!proxied && access === 'terminal') ? { stderr } : { stdout, stderr }
  }
}

/** The workers share the error log; what they have on their standard output and error goes there. */
function workerLogs(settings: Plan['settings'], { error }: Logs, proxied: boolean): LogOptions {
  const options = logOptions(settings, proxied)
  checkAccessLog(options, workerRights(settings).account)
  return error === 'terminal'
    ? { ...options, error: { type: 'stream' } }
    : { ...options, error: { type: 'file', path: error.file }, captureOutput: proxied || options.access.type !== 'stream' }
}
