import { statSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { workerRights } from '../process/worker-rights.ts'
import type { Settings } from '../settings/settings.ts'
import { readCertificate } from './certificate.ts'
import type { ServerCertificate } from './certificate.ts'
import { closedPaths, closedWarning } from './closed-paths.ts'
import { givenAway } from './private-files.ts'
import { checkOptions, doubts } from './check-options.ts'
import { findProxy } from './find-proxy.ts'
import { logTargets } from './log-plan.ts'
import type { StartOptions } from './plan.ts'
import { checkPort } from './port-check.ts'
import type { ProxyDriver } from './proxy-driver.ts'
import { proxyAccount } from './proxy-account.ts'
import type { Account } from './proxy-account.ts'
import { describeServerRoot } from './server-root.ts'
import type { ServerRoot } from './server-root.ts'
import type { SiteSources } from './site.ts'
import { withEnviron } from './user-files.ts'

/** Ports from here on are for every user. */
export const FIRST_FREE_PORT = 1024

/** What can be found out about a start without taking a port and without writing a file. */
export interface Survey {
  readonly proxy: ProxyDriver | undefined
  readonly account: Account | undefined
  readonly certificate: ServerCertificate | undefined
  /** What the operator should know though it stops nothing. */
  readonly warnings: readonly string[]
}

/** Looks, and writes nothing. Rejects with what a start would say. */
export async function survey({ app, settings }: StartOptions): Promise<Survey> {
  locateApp(app, process.cwd())
  for (const [, mounted] of settings.mount) locateApp(mounted, process.cwd())
  for (const [name, file] of settings.serviceScript) {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
      throw new TsgiError('TSGI_ERR_OPTION', `--service-script ${name}: there is no file ${quote(file)}`)
  }
  const proxy = await findProxy(settings.serverType, settings.proxyExecutable)
  checkOptions(settings, proxy !== undefined)
  checkRoot(settings)
  const open = givenAway(settings, [app, ...settings.mount.map(([, mounted]) => mounted)])
  const refused = open.find(({ key }) => key === 'documentRoot')
  if (refused !== undefined) throw new TsgiError('TSGI_ERR_OPTION', refused.seen)
  const certificate = certificateOf(settings)
  const account = proxy === undefined ? undefined : proxyAccount(workerRights(settings).account)
  const closed = account === undefined ? [] : closedPaths(settings, account).map((each) => closedWarning(each, account))
  const warnings = [...(certificate?.warnings ?? []), ...[...doubts(settings), ...open].map(({ seen }) => seen), ...closed]
  return { proxy, account, certificate, warnings }
}

/** What a configuration is written from, without a start. */
export interface Blueprint extends Survey, SiteSources {
  readonly proxy: ProxyDriver | undefined
  readonly root: ServerRoot
}

/** The same as a plan, but that no port need be free and nothing is written. Port 0 becomes a free one, as at a start. */
export async function blueprint(options: StartOptions): Promise<Blueprint> {
  const found = await survey(options)
  const settings = withEnviron(options.settings)
  const { host, port, httpsPort, mount, serverRoot } = settings
  const root = describeServerRoot(serverRoot, mount.length, found.proxy)
  return {
    ...found,
    settings,
    root,
    addresses: await addressesWith(host, port),
    httpsAddresses: httpsPort === undefined ? [] : await addressesWith(host, httpsPort),
    logs: logTargets(root, settings, found.proxy),
  }
}

/**
 * The same for a proxy that somebody else runs, perhaps elsewhere: who it runs as and which ports it may have is not asked.
 * `root`: the directory with the sockets.
 */
export async function blueprintForElsewhere(
  { app, settings }: StartOptions,
  proxyType: ProxyDriver['type'],
  serverRoot: string,
): Promise<SiteSources & { readonly root: ServerRoot }> {
  locateApp(app, process.cwd())
  for (const [, mounted] of settings.mount) locateApp(mounted, process.cwd())
  checkOptions(settings, true)
  certificateOf(settings)
  const { host, port, httpsPort, mount } = settings
  const root = describeServerRoot(serverRoot, mount.length)
  return {
    settings: { ...settings, serverRoot },
    proxy: { type: proxyType },
    account: undefined,
    root,
    addresses: await addressesWith(host, port),
    httpsAddresses: httpsPort === undefined ? [] : await addressesWith(host, httpsPort),
    logs: logTargets(root, settings, proxyNames(proxyType)),
  }
}

function proxyNames(type: ProxyDriver['type']): Pick<ProxyDriver, 'type' | 'name'> {
  return { type, name: type === 'nginx' ? 'nginx' : 'Apache' }
}

/** Every address of the host. Any free port tells which there are, and 0 becomes one. */
async function addressesWith(host: string, port: number): Promise<SiteSources['addresses']> {
  return (await checkPort(host, 0)).map((free) => (port === 0 ? free : { host: free.host, port }))
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

/** The certificate that the settings name. Throws `TSGI_ERR_OPTION`. */
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
