import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

import { quote, TsgiError } from '../interface/errors.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { clocksOf } from '../process/clock-settings.ts'
import { writePidFile } from '../process/pid-file.ts'
import type { SettingsFile } from '../settings/settings-file.ts'
import type { Settings } from '../settings/settings.ts'
import { nginxConfiguration } from '../proxy/nginx/configuration.ts'
import { DEFAULT_TIMEOUTS, readTimeoutMs } from '../proxy/site.ts'
import type { ListenAddress, Site } from '../proxy/site.ts'
import { findProxy } from './find-proxy.ts'
import type { NginxProxy } from './find-proxy.ts'
import type { Logs } from './log-files.ts'
import { openLogs } from './log-plan.ts'
import { checkPort } from './port-check.ts'
import { proxyAccount } from './proxy-account.ts'
import type { Account } from './proxy-account.ts'
import { prepareServerRoot } from './server-root.ts'
import type { ServerRoot } from './server-root.ts'

/** More worker processes of nginx serve no purpose in front of ours. */
const MAX_PROXY_WORKERS = 8

/** Takes one step of the start back. */
export type Undo = () => void | Promise<void>

export interface StartOptions {
  /** `path[:export]` */
  readonly app: string
  readonly settings: Settings<'start-server'>
  /** What holds now, for a reload. Default: a reload changes no setting. */
  readonly reread?: () => Promise<Pick<StartOptions, 'app' | 'settings' | 'file'>>
  /** The configuration file. */
  readonly file?: SettingsFile | undefined
}

/** What is known before anything is started. */
export interface Plan extends StartOptions {
  readonly proxy: NginxProxy | undefined
  readonly account: Account | undefined
  readonly addresses: readonly ListenAddress[]
  readonly root: ServerRoot
  readonly logs: Logs
  readonly token: string
}

/** Everything that can be found out and written before a process is started. */
export async function prepare({ app, settings, file }: StartOptions, undo: Undo[]): Promise<Plan> {
  locateApp(app, process.cwd())
  const proxy = await findProxy(settings.serverType, settings.proxyExecutable)
  const addresses = await checkPort(settings.host, settings.port)
  const account = proxy === undefined ? undefined : proxyAccount()
  const root = await prepareServerRoot({ directory: settings.serverRoot, proxied: proxy !== undefined, account })
  undo.push(() => {
    root.remove()
  })
  const logs = openLogs(root, settings, proxy !== undefined)
  undo.push(() => {
    logs.close()
  })
  const plan: Plan = { app, settings, file, proxy, account, addresses, root, logs, token: randomUUID() }
  if (proxy !== undefined) writeConfiguration(root, nginxConfiguration(siteOf(plan), proxy))
  if (settings.pidFile !== undefined) undo.push(writePidFile(settings.pidFile))
  return plan
}

function writeConfiguration(root: ServerRoot, text: string): void {
  try {
    writeFileSync(root.configurationPath, text, { mode: 0o640 })
  } catch (error) {
    throw new TsgiError('TSGI_ERR_SERVER_ROOT', `${quote(root.configurationPath)}: ${quote(error)}`, { cause: error })
  }
}

function siteOf({ settings, addresses, root, logs, account }: Plan): Site {
  return {
    listen: addresses,
    serverName: serverNameOf(settings.host),
    wire: settings.wire,
    applications: [{ mountPoint: settings.mountPoint, socketPath: root.socketPath, option: 'mount-point' }],
    files: { aliases: [], directoryListing: false },
    proxyMounts: [],
    proxyHosts: [],
    errorDocuments: [],
    errorOverride: false,
    compress: false,
    slowClients: {},
    includeFiles: [],
    limits: { requestBodyBytes: settings.limitRequestBody },
    timeouts: { ...DEFAULT_TIMEOUTS, readMs: readTimeoutMs(clocksOf(settings)), shutdownMs: settings.gracefulTimeout },
    logs: { access: logs.access, accessFormat: settings.accessLogFormat, error: logs.error, level: settings.logLevel },
    serverRoot: root.path,
    pidPath: root.pidPath,
    ...(account === undefined ? {} : { runAs: { user: account.user, group: account.group } }),
    proxyWorkers: Math.min(availableParallelism(), Math.max(2, settings.processes), MAX_PROXY_WORKERS),
  }
}

/** An address that means every address is nobody's name. */
function serverNameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
