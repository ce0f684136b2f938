import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { relative, resolve } from 'node:path'

import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { readCertificate } from '../launcher/certificate.ts'
import type { MasterOptions } from '../process/master-options.ts'
import { workerRights } from '../process/worker-rights.ts'
import type { BindAddress } from '../server/address.ts'
import { workerVariables } from '../settings/env-file.ts'
import { hasWorkerHooks } from '../settings/hooks.ts'
import { packageDirectory } from '../settings/settings-file.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import { isLoopback } from './dev-urls.ts'
import { keptCertificate } from './kept-certificate.ts'
import { StaticFiles } from './static-files.ts'
import { TrustedHosts } from './trusted-hosts.ts'

export type DevSettings = ReadSettings<'dev'>

/** What the workers of a development server are told. Throws `TSGI_ERR_OPTION`. */
export function workerOptionsOf({ app, settings, file }: DevSettings, log: Logger): MasterOptions {
  return {
    app,
    interface: settings.interface,
    // The address of each worker is its own, and known to nobody else.
    binds: [{ address: { type: 'tcp', host: '127.0.0.1', port: 0 }, protocol: 'http' }],
    workers: 1,
    mountPoint: settings.mountPoint,
    startupTimeoutMs: settings.startupTimeout,
    gracefulTimeoutMs: 0,
    rights: workerRights({ user: undefined, group: undefined, umask: undefined, nice: undefined, chdir: settings.chdir }),
    env: workerVariables(settings, process.env),
    hooksFile: file !== undefined && hasWorkerHooks(file.hooks) ? file.path : undefined,
    limitRequestBodyBytes: settings.limitRequestBody,
    clocks: {
      requestTimeoutMs: settings.requestTimeout,
      heartbeatTimeoutMs: settings.heartbeatTimeout,
      slowRequestMs: 0,
      workerConcurrency: 0,
      queueTimeoutMs: 0,
    },
    log,
    logLevel: settings.logLevel,
    development: true,
  }
}

/** Whether somebody has given it for this run: a configuration file is for production, too. */
function isTyped({ resolved, file }: DevSettings, key: string): boolean {
  const source = resolved.find((each) => each.key === key)?.source ?? 'default'
  return source !== 'default' && source !== file?.name
}

/** What to listen on. Throws `TSGI_ERR_OPTION` where two settings contradict each other. */
export function addressesOf(read: DevSettings): readonly BindAddress[] {
  const { host, port, bind } = read.settings
  const other = isTyped(read, 'port') ? '--port' : isTyped(read, 'host') ? '--host' : undefined
  if (isTyped(read, 'bind')) {
    if (other !== undefined)
      throw new TsgiError('TSGI_ERR_OPTION', `--bind and ${other} both say where to listen; give one of them`)
    return bind
  }
  const isInFile = read.resolved.some(({ key, source }) => key === 'bind' && source !== 'default')
  return isInFile && other === undefined ? bind : [{ type: 'tcp', host, port }]
}

/** The key and the certificate for clients that speak TLS, and what to tell of them. */
export interface SecureOptions {
  readonly key: string
  readonly cert: string
  readonly note: string
}

/**
 * Undefined where clients speak plain HTTP. Files that are only in the configuration are the proxy's, unless `https` says that they are
 * meant. Throws `TSGI_ERR_OPTION`.
 */
export function secureOptions(read: DevSettings): SecureOptions | undefined {
  const { https, sslCertificateFile: certificateFile, sslCertificateKeyFile: keyFile, trustedHost } = read.settings
  if (!https && !isTyped(read, 'sslCertificateFile') && !isTyped(read, 'sslCertificateKeyFile')) return undefined
  if (certificateFile !== undefined && keyFile !== undefined) {
    const { chain } = readCertificate({ certificateFile, keyFile, names: [] })
    return { key: readFileSync(keyFile, 'latin1'), cert: chain, note: certificateFile }
  }
  if (certificateFile !== undefined || keyFile !== undefined) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      '--ssl-certificate-file and --ssl-certificate-key-file belong together; give both, or neither',
    )
  }
  const hosts = addressesOf(read).flatMap((address) => (address.type === 'tcp' && isExact(address.host) ? [address.host] : []))
  const { key, cert, file, made } = keptCertificate([...trustedHost, ...hosts])
  return { key, cert, note: `${file} (${made ? 'made just now; ' : ''}self-made: the browser asks once)` }
}

/** Whether clients can write it in a URL. */
function isExact(host: string): boolean {
  return host !== '0.0.0.0' && host !== '::' && host !== ''
}

/** Throws `TSGI_ERR_OPTION` where a directory is not there. */
export function staticFilesOf({ settings }: DevSettings): StaticFiles {
  const { documentRoot, urlAlias, directoryIndex = 'index.html' } = settings
  return new StaticFiles({ documentRoot, urlAlias, directoryIndex })
}

/** Which hosts an address answers for; undefined: all, as no browser of another machine or site gets there. */
export function hostsOf({ settings }: DevSettings, address: BindAddress): TrustedHosts | undefined {
  if (address.type === 'unix') return undefined
  const own = address.type === 'tcp' && isExact(address.host) ? [address.host.toLowerCase()] : []
  return new TrustedHosts({
    names: [...settings.trustedHost, ...own.map((host) => (isIP(host) === 6 ? `[${host}]` : host))],
    addresses: !isLoopback(address),
  })
}

/** What `watchSources` is to look at. */
export function watchedPaths({ app, settings, file }: DevSettings): {
  directories: string[]
  files: string[]
  exclude: readonly string[]
} {
  return {
    directories: [packageDirectory(app, process.cwd()) ?? process.cwd()],
    // Whatever they are called.
    files: [...settings.reloadExtraFile, ...settings.envFile, ...(file === undefined ? [] : [file.path])],
    exclude: settings.reloadExclude,
  }
}

/** The same for a person: what is in a directory that is named is not named again. */
export function watchedNames(read: DevSettings): string {
  const { directories, files } = watchedPaths(read)
  const isInside = (path: string): boolean => directories.some((each) => !relative(each, resolve(path)).startsWith('..'))
  return [...directories, ...files.filter((path) => !isInside(path))].map((path) => relative('', path) || '.').join(', ')
}

/** Settings that only a start looks at, and that are others now. */
export function changedInVain(before: DevSettings, now: DevSettings): string[] {
  const ofWorkers = new Set(Object.keys(WORKER_SETTINGS))
  return Object.entries(now.settings).flatMap(([key, value]) =>
    ofWorkers.has(key) || JSON.stringify(value) === JSON.stringify(Reflect.get(before.settings, key)) ? [] : [key],
  )
}

/** Those that each new worker is told. */
const WORKER_SETTINGS = {
  interface: true,
  mountPoint: true,
  startupTimeout: true,
  chdir: true,
  setenv: true,
  envFile: true,
  limitRequestBody: true,
  requestTimeout: true,
  heartbeatTimeout: true,
  logLevel: true,
} satisfies Partial<Record<keyof DevSettings['settings'], true>>
