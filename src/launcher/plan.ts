import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { workerRights } from '../process/worker-rights.ts'
import { writePidFile } from '../process/pid-file.ts'
import type { SettingsFile } from '../settings/settings-file.ts'
import type { Settings } from '../settings/settings.ts'
import { nginxConfiguration } from '../proxy/nginx/configuration.ts'
import type { ListenAddress } from '../proxy/site.ts'
import { readCertificate } from './certificate.ts'
import type { ServerCertificate } from './certificate.ts'
import { checkOptions, doubts } from './check-options.ts'
import { findProxy } from './find-proxy.ts'
import type { NginxProxy } from './find-proxy.ts'
import type { Logs } from './log-files.ts'
import { openLogs } from './log-plan.ts'
import { checkPort } from './port-check.ts'
import { proxyAccount } from './proxy-account.ts'
import type { Account } from './proxy-account.ts'
import { prepareServerRoot } from './server-root.ts'
import type { ServerRoot } from './server-root.ts'
import { siteOf } from './site.ts'
import type { SiteSources } from './site.ts'

/** Ports from here on are for every user. */
const FIRST_FREE_PORT = 1024

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
  /** Empty without HTTPS. */
  readonly httpsAddresses: readonly ListenAddress[]
  /** What the operator should know though it stops nothing. */
  readonly warnings: readonly string[]
  readonly root: ServerRoot
  readonly logs: Logs
  readonly token: string
}

/** Everything that can be found out and written before a process is started. */
export async function prepare({ app, settings, file }: StartOptions, undo: Undo[]): Promise<Plan> {
  locateApp(app, process.cwd())
  for (const [, mounted] of settings.mount) locateApp(mounted, process.cwd())
  const proxy = await findProxy(settings.serverType, settings.proxyExecutable)
  checkOptions(settings, proxy !== undefined)
  checkRoot(settings)
  const certificate = certificateOf(settings)
  const addresses = await checkPort(settings.host, settings.port)
  const httpsAddresses = settings.httpsPort === undefined ? [] : await checkPort(settings.host, settings.httpsPort, 'https-port')
  const account = proxy === undefined ? undefined : proxyAccount(workerRights(settings).account)
  const mounts = settings.mount.length
  const root = await prepareServerRoot({ directory: settings.serverRoot, proxied: proxy !== undefined, account, mounts })
  undo.push(() => {
    root.remove()
  })
  const logs = openLogs(root, settings, proxy !== undefined)
  undo.push(() => {
    logs.close()
  })
  const warnings = [...(certificate?.warnings ?? []), ...doubts(settings)]
  const plan: Plan = { app, settings, file, proxy, account, addresses, httpsAddresses, warnings, root, logs, token: randomUUID() }
  if (proxy !== undefined) {
    writeCertificate(plan, certificate)
    writeFile(root.configurationPath, configurationOf(plan, proxy))
  }
  if (settings.pidFile !== undefined) undo.push(writePidFile(settings.pidFile))
  return plan
}

/** Ports that only root can have are for everyone: whoever answers there must not be root. */
function checkRoot({ port, httpsPort = 0, user }: Settings<'start-server'>): void {
  const low = [port, httpsPort].find((each) => each > 0 && each < FIRST_FREE_PORT)
  if (process.getuid?.() !== 0 || user !== undefined || low === undefined) return
  throw new TsgiError(
    'TSGI_ERR_OPTION',
    `on port ${low} as root, the application needs a user of its own: add \`--user www-data\` (or \`--user root\`, if it must be)`,
  )
}

/** The text of the proxy's configuration. */
export function configurationOf(plan: SiteSources, proxy: NginxProxy): string {
  return nginxConfiguration(siteOf(plan), proxy)
}

/** A certificate in two files becomes one, which is how proxies want it. */
export function writeCertificate({ settings, root }: SiteSources, certificate: ServerCertificate | undefined): void {
  if (certificate !== undefined && settings.sslCertificateChainFile !== undefined)
    writeFile(root.certificatePath, certificate.chain)
}

/** What is in the files of the certificate, and what is wrong with it. Throws `TSGI_ERR_OPTION`. */
export function certificateOf(settings: Settings<'start-server'>): ServerCertificate | undefined {
  const { sslCertificateFile, sslCertificateKeyFile, serverName, serverAlias } = settings
  if (sslCertificateFile === undefined || sslCertificateKeyFile === undefined) return undefined
  return readCertificate({
    certificateFile: sslCertificateFile,
    keyFile: sslCertificateKeyFile,
    chainFile: settings.sslCertificateChainFile,
    caFile: settings.sslCaCertificateFile,
    names: serverName === undefined ? [] : [serverName, ...serverAlias],
  })
}

/** Writes a file of the server root. Throws `TSGI_ERR_SERVER_ROOT`. */
export function writeFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o640 })
  } catch (error) {
    throw new TsgiError('TSGI_ERR_SERVER_ROOT', `${quote(path)}: ${quote(error)}`, { cause: error })
  }
}
