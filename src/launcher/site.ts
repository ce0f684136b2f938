import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import { clocksOf } from '../process/clock-settings.ts'
import { readTimeoutMs, UPGRADE_READ_MS } from '../proxy/site.ts'
import type { Hosts, ListenAddress, MountedApplication, Site, StaticFiles, Tls } from '../proxy/site.ts'
import type { Settings } from '../settings/settings.ts'
import type { Logs } from './log-files.ts'
import type { Account } from './proxy-account.ts'
import type { ServerRoot } from './server-root.ts'

/** More worker processes of the proxy serve no purpose in front of ours. */
const MAX_PROXY_WORKERS = 8

/** What clients are told to wait while there is maintenance, seconds: about as long as a deployment takes. */
const RETRY_AFTER_S = 30

/** What the proxy waits beyond the graceful timeout when it stops, so that it can tell clients what the workers have given up, milliseconds. */
export const PROXY_MARGIN_MS = 2000

/** What the site is made from. */
export interface SiteSources {
  readonly settings: Settings<'start-server'>
  readonly addresses: readonly ListenAddress[]
  readonly httpsAddresses: readonly ListenAddress[]
  readonly root: ServerRoot
  readonly logs: Pick<Logs, 'access' | 'error'>
  readonly account: Account | undefined
  readonly proxy: { readonly type: string } | undefined
  /** The secret of this start; absent where nothing is started. */
  readonly token?: string
}

/**
 * The site that the settings describe, in words of no proxy.
 *
 * Throws `TSGI_ERR_OPTION` for a file or a directory that is not there.
 */
export function siteOf({ settings, addresses, httpsAddresses, root, logs, account, proxy, token }: SiteSources): Site {
  const tls = tlsOf(settings, httpsAddresses, root)
  const hosts = hostsOf(settings)
  return {
    listen: addresses,
    ...(tls === undefined ? {} : { tls }),
    serverName: settings.serverName ?? serverNameOf(settings.host),
    ...(hosts === undefined ? {} : { hosts }),
    ...(settings.serverBacklog === undefined ? {} : { backlog: settings.serverBacklog }),
    wire: settings.wire,
    applications: applicationsOf(settings, root),
    files: filesOf(settings),
    proxyMounts: settings.proxyMountPoint.map(([url, backend]) => ({ url, backend })),
    proxyHosts: settings.proxyVirtualHost.map(([host, backend]) => ({ host, backend })),
    ...(settings.trustProxy.length === 0 ? {} : { trust: { networks: settings.trustProxy, header: settings.trustProxyHeader } }),
    ...(settings.authUrl === undefined ? {} : { authentication: { url: settings.authUrl, exempt: settings.authExempt } }),
    ...(settings.maintenance === undefined
      ? {}
      : {
          maintenance: {
            page: existing('maintenance', settings.maintenance, 'file'),
            flag: root.maintenancePath,
            retryAfterS: RETRY_AFTER_S,
            ...(token === undefined ? {} : { probeToken: token }),
          },
        }),
    errorDocuments: settings.errorDocument.map(([code, url]) => ({ code: Number(code), url })),
    errorOverride: settings.errorOverride,
    compress: settings.compressResponses,
    limits: {
      requestBodyBytes: settings.limitRequestBody,
      ...(settings.maxClients === undefined ? {} : { clients: settings.maxClients }),
    },
    timeouts: {
      headerMs: settings.headerTimeout,
      bodyMs: settings.bodyTimeout,
      sendMs: settings.socketTimeout,
      keepAliveMs: settings.keepAliveTimeout,
      connectMs: settings.connectTimeout,
      readMs: readTimeoutMs(clocksOf(settings)),
      upgradeReadMs: UPGRADE_READ_MS,
      otherReadMs: settings.proxyTimeout,
      shutdownMs: settings.gracefulTimeout + PROXY_MARGIN_MS,
    },
    slowClients: slowClientsOf(settings),
    logs: { access: logs.access, accessFormat: settings.accessLogFormat, error: logs.error, level: settings.logLevel },
    includeFiles: [
      ...settings.includeFile.map((file) => existing('include-file', file, 'file')),
      ...(proxy === undefined ? [] : rulesOf(root, proxy.type)),
    ],
    serverRoot: root.path,
    pidPath: root.pidPath,
    ...(account === undefined ? {} : { runAs: { user: account.user, group: account.group } }),
    proxyWorkers: Math.min(availableParallelism(), Math.max(2, settings.processes), MAX_PROXY_WORKERS),
  }
}

function tlsOf(settings: Settings<'start-server'>, listen: readonly ListenAddress[], root: ServerRoot): Tls | undefined {
  const { sslCertificateFile, sslCertificateKeyFile, sslCaCertificateFile, hstsPolicy } = settings
  if (sslCertificateFile === undefined || sslCertificateKeyFile === undefined || listen.length === 0) return undefined
  return {
    listen,
    certificateFile: settings.sslCertificateChainFile === undefined ? resolve(sslCertificateFile) : root.certificatePath,
    keyFile: resolve(sslCertificateKeyFile),
    http2: settings.http2,
    only: settings.httpsOnly,
    ...(hstsPolicy === undefined ? {} : { hstsPolicy }),
    ...(sslCaCertificateFile === undefined
      ? {}
      : { clients: { caFile: resolve(sslCaCertificateFile), urls: settings.sslVerifyClient } }),
    environment: settings.sslEnvironment,
  }
}

/** `www.` also answers for the name without it, with a redirect, unless that is a name of its own. */
function hostsOf({ serverName, serverAlias, allowLocalhost }: Settings<'start-server'>): Hosts | undefined {
  if (serverName === undefined) return undefined
  const names = [serverName.toLowerCase(), ...serverAlias]
  const bare = /^www\.(.+\..+)$/.exec(names[0] ?? '')?.[1]
  return {
    names,
    ...(bare === undefined || names.includes(bare) ? {} : { redirected: bare }),
    localhost: allowLocalhost,
  }
}

function applicationsOf(settings: Settings<'start-server'>, root: ServerRoot): Site['applications'] {
  const others = settings.mount.map(([url], index): MountedApplication => ({
    mountPoint: mountPointOf(url),
    socketPath: root.mountSocketPath(index),
    option: 'mount',
  }))
  return [{ mountPoint: settings.mountPoint, socketPath: root.socketPath, option: 'mount-point' }, ...others]
}

/** `/x/` is `/x`, and `/` nothing. */
export function mountPointOf(url: string): string {
  return url.replace(/\/$/, '')
}

function filesOf(settings: Settings<'start-server'>): StaticFiles {
  const { documentRoot, directoryIndex } = settings
  return {
    ...(documentRoot === undefined ? {} : { documentRoot: existing('document-root', documentRoot, 'directory') }),
    aliases: settings.urlAlias.map(([url, path]) => {
      const kind = isDirectory(path) ? 'directory' : 'file'
      return { url, path: existing('url-alias', path, kind), kind }
    }),
    ...(directoryIndex === undefined ? {} : { directoryIndex }),
    directoryListing: settings.directoryListing,
  }
}

/** The operator's own rules, where there are some. */
export function rulesOf(root: ServerRoot, proxyType: string): string[] {
  const path = root.rulesPath(proxyType)
  return !root.fresh && statSync(path, { throwIfNoEntry: false })?.isFile() === true ? [path] : []
}

function slowClientsOf(settings: Settings<'start-server'>): Site['slowClients'] {
  const { headerMaxTimeout, headerMinRate, bodyMaxTimeout, bodyMinRate } = settings
  return {
    ...(headerMaxTimeout === undefined ? {} : { headerMaxMs: headerMaxTimeout }),
    ...(headerMinRate === undefined ? {} : { headerMinRate }),
    ...(bodyMaxTimeout === undefined ? {} : { bodyMaxMs: bodyMaxTimeout }),
    ...(bodyMinRate === undefined ? {} : { bodyMinRate }),
  }
}

/** The absolute path of what an option names, if it is there. */
function existing(option: string, path: string, kind: 'file' | 'directory'): string {
  const absolute = resolve(path)
  const stats = statSync(absolute, { throwIfNoEntry: false })
  const right = kind === 'file' ? stats?.isFile() : stats?.isDirectory()
  if (right === true) return absolute
  const found = stats === undefined ? 'is not there' : `is no ${kind}`
  throw new TsgiError('TSGI_ERR_OPTION', `--${option}: ${quote(absolute)} ${found}`)
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** An address that means every address is nobody's name. */
function serverNameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
