import { TsgiError } from '../interface/errors.ts'
import { whyNotHere } from '../server/platform.ts'
import { isHopCount } from '../server/trusted-proxies.ts'
import { flagName } from '../settings/setting-names.ts'
import type { Settings } from '../settings/settings.ts'
import { SETTINGS } from '../settings/settings-table.ts'

type LauncherSettings = Settings<'start-server'>
type Key = keyof LauncherSettings

/** Settings that do nothing without another one: each needs one of those behind it. */
const SIBLINGS: Partial<Record<Key, readonly [Key, ...Key[]]>> = {
  serverAlias: ['serverName'],
  allowLocalhost: ['serverName'],
  httpsPort: ['sslCertificateFile'],
  sslCertificateFile: ['httpsPort'],
  sslCertificateKeyFile: ['sslCertificateFile'],
  sslCertificateChainFile: ['sslCertificateFile'],
  httpsOnly: ['httpsPort'],
  hstsPolicy: ['httpsPort'],
  sslCaCertificateFile: ['httpsPort'],
  sslVerifyClient: ['sslCaCertificateFile'],
  sslEnvironment: ['httpsPort'],
  directoryIndex: ['documentRoot', 'urlAlias'],
  directoryListing: ['documentRoot', 'urlAlias'],
  errorOverride: ['errorDocument'],
  authExempt: ['authUrl'],
  trustProxyHeader: ['trustProxy'],
  proxyTimeout: ['proxyMountPoint', 'proxyVirtualHost'],
  http2: ['httpsPort'],
}

/** What only a proxy can do: the workers, which answer by themselves without one, have none of it. */
const NEEDS_PROXY: readonly Key[] = [
  'serverName',
  'httpsPort',
  'mount',
  'documentRoot',
  'urlAlias',
  'errorDocument',
  'maintenance',
  'proxyMountPoint',
  'proxyVirtualHost',
  'authUrl',
  'headerMaxTimeout',
  'headerMinRate',
  'bodyMinRate',
  'maxClients',
  'compressResponses',
  'includeFile',
]

/**
 * Refuses what would be without effect, or at odds with something else. `proxied`: there will be a proxy.
 *
 * Throws `TSGI_ERR_OPTION`, with what to write instead.
 */
export function checkOptions(settings: LauncherSettings, proxied: boolean): void {
  checkSiblings(settings)
  checkLogs(settings, proxied)
  if (proxied) checkProxied(settings)
  else checkEmbedded(settings)
  checkPorts(settings)
  checkMounts(settings)
  checkTimes(settings)
}

/** What is not wrong, but hardly meant. */
export interface Doubt {
  /** One sentence. */
  readonly seen: string
  /** The option that ends it. */
  readonly fix: string
}

export function doubts(settings: LauncherSettings): Doubt[] {
  const found: Doubt[] = []
  const { requestTimeout, gracefulTimeout, hstsPolicy, httpsOnly } = settings
  if (requestTimeout > 0 && gracefulTimeout > 0 && gracefulTimeout < requestTimeout && isGiven(settings, 'gracefulTimeout')) {
    found.push({
      seen: `--graceful-timeout is shorter than --request-timeout (${gracefulTimeout / 1000} s, ${requestTimeout / 1000} s): a reload or a stop may cut off a request that is in time`,
      fix: `--graceful-timeout ${requestTimeout / 1000}s`,
    })
  }
  if (hstsPolicy !== undefined && !httpsOnly) {
    found.push({
      seen: '--hsts-policy without --https-only: who has never been here by HTTPS stays with HTTP',
      fix: '--https-only',
    })
  }
  return found
}

function checkSiblings(settings: LauncherSettings): void {
  for (const [key, needed] of Object.entries(SIBLINGS) as [Key, readonly Key[]][]) {
    if (!isGiven(settings, key) || needed.some((other) => isGiven(settings, other))) continue
    throw refuse(
      `${settings[key] === false ? `--no-${flagName(key)}` : flag(key)} does nothing without ${needed.map(flag).join(' or ')}`,
    )
  }
  if (settings.sslCertificateFile !== undefined && settings.sslCertificateKeyFile === undefined) {
    throw refuse('--ssl-certificate-file does nothing without --ssl-certificate-key-file')
  }
}

const SYSLOG: readonly Key[] = ['logSyslogTo', 'logSyslogFacility', 'logSyslogPrefix']

/** Behind a proxy there is an access log unless it is off; without one there is none unless it is asked for. */
function checkLogs(settings: LauncherSettings, proxied: boolean): void {
  const { accessLog, errorLog } = settings
  const isOff = accessLog === undefined ? !proxied : accessLog.type === 'off'
  if (isOff && isGiven(settings, 'accessLogFormat')) {
    throw refuse(
      accessLog === undefined
        ? '--access-log-format does nothing without --access-log: without a proxy there is no access log unless it is asked for'
        : '--access-log-format does nothing with --access-log off',
    )
  }
  if ([accessLog, errorLog].some((log) => log?.type === 'syslog')) return
  const inert = SYSLOG.find((key) => isGiven(settings, key))
  if (inert !== undefined) throw refuse(`${flag(inert)} does nothing without --access-log syslog`)
}

function checkProxied({ trustProxy, trustProxyHeader }: LauncherSettings): void {
  if (trustProxy.some(isHopCount))
    throw refuse('--trust-proxy: nginx and Apache take addresses and networks, no number of proxies')
  if (trustProxyHeader.toLowerCase() === 'forwarded') throw refuse('--trust-proxy-header: nginx and Apache do not read Forwarded')
}

function checkEmbedded(settings: LauncherSettings): void {
  const found = NEEDS_PROXY.find((key) => isGiven(settings, key))
  if (found === undefined) return
  const reason =
    settings.serverType === 'embedded'
      ? '--server-type embedded has none'
      : (whyNotHere('proxy') ?? 'none is installed (apt-get install nginx, or apache2)')
  throw refuse(`${flag(found)} is done by a proxy, and ${reason}`)
}

function checkPorts({ port, httpsPort }: LauncherSettings): void {
  if (port !== 0 && port === httpsPort) throw refuse(`--port and --https-port are both ${port}; HTTP and HTTPS need one each`)
}

/** No URL path may mean two things; `/` in front of everything else does not. */
function checkMounts(settings: LauncherSettings): void {
  const taken = new Map<string, string>([[withoutSlash(settings.mountPoint), '--mount-point']])
  for (const key of ['mount', 'urlAlias', 'proxyMountPoint'] as const) {
    for (const [url] of settings[key]) {
      const earlier = taken.get(withoutSlash(url))
      if (earlier !== undefined) throw refuse(`${earlier} and ${flag(key)} both take ${url}`)
      taken.set(withoutSlash(url), flag(key))
    }
  }
  const names = new Set<string>([settings.serverName ?? '', ...settings.serverAlias].map((name) => name.toLowerCase()))
  for (const [host] of settings.proxyVirtualHost) {
    if (names.has(host.toLowerCase()))
      throw refuse(`--proxy-virtual-host takes ${host}, which is a name of this server or given twice`)
    names.add(host.toLowerCase())
  }
  const codes = settings.errorDocument.map(([code]) => code)
  const twice = codes.find((code, index) => codes.indexOf(code) !== index)
  if (twice !== undefined) throw refuse(`--error-document is given twice for ${twice}`)
}

/** A longest time that is shorter than the usual one would end what the other allows. */
function checkTimes(settings: LauncherSettings): void {
  for (const [longest, usual] of [
    ['headerMaxTimeout', 'headerTimeout'],
    ['bodyMaxTimeout', 'bodyTimeout'],
  ] as const) {
    const most = settings[longest]
    if (most !== undefined && most < settings[usual]) {
      throw refuse(`${flag(longest)} (${most / 1000} s) is shorter than ${flag(usual)} (${settings[usual] / 1000} s)`)
    }
  }
}

/** Whether a setting says something else than its default. */
function isGiven(settings: LauncherSettings, key: Key): boolean {
  const value: unknown = settings[key]
  return Array.isArray(value) ? value.length > 0 : value !== SETTINGS[key].default
}

function flag(key: Key): string {
  return `--${flagName(key)}`
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '')
}

function refuse(detail: string): TsgiError {
  return new TsgiError('TSGI_ERR_OPTION', detail)
}
