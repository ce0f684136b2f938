import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'

import { writePidFile } from '../process/pid-file.ts'
import type { SettingsFile } from '../settings/settings-file.ts'
import type { Settings } from '../settings/settings.ts'
import type { ListenAddress } from '../proxy/site.ts'
import type { ServerCertificate } from './certificate.ts'
import { configurationOf } from './configuration.ts'
import { OUR_MARK } from './foreign-files.ts'
import type { Logs } from './log-files.ts'
import { openLogs } from './log-plan.ts'
import { checkPort } from './port-check.ts'
import type { ProxyDriver } from './proxy-driver.ts'
import type { Account } from './proxy-account.ts'
import { prepareServerRoot } from './server-root.ts'
import type { ServerRoot } from './server-root.ts'
import type { SiteSources } from './site.ts'
import { survey } from './survey.ts'
import { unusableRoot } from './unusable-root.ts'
import { makeUserFiles, withEnviron } from './user-files.ts'

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
  /** Say that it is ready in JSON, for programs, in place of the banner. */
  readonly json?: boolean
}

/** What is known before anything is started. */
export interface Plan extends StartOptions {
  readonly proxy: ProxyDriver | undefined
  readonly account: Account | undefined
  readonly addresses: readonly ListenAddress[]
  /** Empty without HTTPS. */
  readonly httpsAddresses: readonly ListenAddress[]
  /** What the operator should know though it stops nothing. */
  readonly warnings: readonly string[]
  readonly root: ServerRoot
  readonly logs: Logs
  readonly token: string
}

/** Everything that can be found out and written before a process is started. */
export async function prepare(options: StartOptions, undo: Undo[]): Promise<Plan> {
  const { proxy, account, certificate, warnings } = await survey(options)
  const { app, settings: given, file } = options
  const addresses = await checkPort(given.host, given.port)
  const httpsAddresses = given.httpsPort === undefined ? [] : await checkPort(given.host, given.httpsPort, 'https-port')
  const mounts = given.mount.length
  const chain = given.sslCertificateChainFile !== undefined
  const root = await prepareServerRoot({ directory: given.serverRoot, proxy, account, mounts, chain })
  undo.push(() => {
    root.remove()
  })
  makeUserFiles(root, proxy?.type)
  const settings = withEnviron(given)
  const logs = openLogs(root, settings, proxy)
  undo.push(() => {
    logs.close()
  })
  const plan: Plan = { app, settings, file, proxy, account, addresses, httpsAddresses, warnings, root, logs, token: randomUUID() }
  if (proxy !== undefined) writeConfiguration(plan, proxy, certificate)
  if (settings.pidFile !== undefined) undo.push(writePidFile(settings.pidFile))
  return plan
}

/** Writes what the proxy reads. */
export function writeConfiguration(
  sources: SiteSources,
  proxy: ProxyDriver,
  certificate: ServerCertificate | undefined,
  path = sources.root.configurationPath,
): void {
  const { text } = configurationOf(sources, proxy)
  const { root, settings } = sources
  // A certificate in two files becomes one, which is how proxies want it.
  if (certificate !== undefined && settings.sslCertificateChainFile !== undefined)
    write(root.certificatePath, `${OUR_MARK} from two files at every start.\n${certificate.chain}`)
  write(path, text)
}

/** Throws `TSGI_ERR_SERVER_ROOT`. */
function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o640 })
  } catch (error) {
    throw unusableRoot(path, error)
  }
}
