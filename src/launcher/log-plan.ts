import { isIPv6 } from 'node:net'

import { TsgiError } from '../interface/errors.ts'
import type { Settings } from '../settings/settings.ts'
import type { AccessTarget, LogTarget } from '../proxy/site.ts'
import { fileLogs, terminalAccess, terminalLogs } from './log-files.ts'
import type { AccessPlan, Logs } from './log-files.ts'
import type { ProxyDriver } from './proxy-driver.ts'

/** The proxy, which writes the access log; undefined: the workers do. */
type Proxy = Pick<ProxyDriver, 'type' | 'name'> | undefined

/** The files of a server root that logs go to where no option says otherwise. */
interface LogPaths {
  readonly accessLogPath: string
  readonly errorLogPath: string
}

/**
 * Opens the logs of a launched server.
 *
 * Throws `TSGI_ERR_LOG`, `TSGI_ERR_OPTION`.
 */
export function openLogs(paths: LogPaths, settings: Settings<'start-server'>, proxy: Proxy): Logs {
  const access = accessPlan(paths, settings, proxy)
  const error = errorTarget(paths, settings)
  return error === 'terminal' ? terminalLogs(access) : fileLogs(access, error.file)
}

/** Where they would go, without opening any. Throws `TSGI_ERR_OPTION`. */
export function logTargets(paths: LogPaths, settings: Settings<'start-server'>, proxy: Proxy): Pick<Logs, 'access' | 'error'> {
  return { access: accessPlan(paths, settings, proxy).access, error: errorTarget(paths, settings) }
}

function errorTarget(paths: LogPaths, { errorLog, logToTerminal }: Settings<'start-server'>): LogTarget {
  switch (errorLog?.type) {
    case 'file':
      return { file: errorLog.path }
    case 'syslog':
      throw new TsgiError('TSGI_ERR_OPTION', '--error-log syslog is for tsgi serve; start-server takes a file or -')
    case 'stream':
      return 'terminal'
    case 'off':
    case undefined:
      return logToTerminal ? 'terminal' : { file: paths.errorLogPath }
  }
}

function accessPlan({ accessLogPath }: LogPaths, settings: Settings<'start-server'>, proxy: Proxy): AccessPlan {
  const { accessLog: target, logToTerminal } = settings
  if (target?.type === 'file') return { access: { file: target.path }, notice: undefined }
  if (target?.type === 'syslog') return { access: proxySyslog(settings, proxy), notice: undefined }
  if (target?.type === 'off' || (target === undefined && proxy === undefined)) return { access: 'off', notice: undefined }
  if (proxy === undefined) return { access: 'terminal', notice: undefined }
  return target?.type === 'stream' || logToTerminal
    ? terminalAccess(accessLogPath, proxy.name)
    : { access: { file: accessLogPath }, notice: undefined }
}

/** nginx sends datagrams, over UDP or a unix socket, and knows no streams. The workers need no words of nginx. */
function proxySyslog(settings: Settings<'start-server'>, proxy: Proxy): AccessTarget {
  const { logSyslogTo: address, logSyslogFacility, logSyslogPrefix } = settings
  if (proxy === undefined) return { syslog: '' }
  if (proxy.type === 'apache') {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      '--access-log syslog: Apache, which writes the access log, sends none to syslog; take a file, or --server-type nginx or embedded',
    )
  }
  if (address.type === 'tcp' || address.type === 'stream') {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      '--log-syslog-to: nginx, which writes the access log, sends to udp:// or unix://...#dgram',
    )
  }
  const server =
    address.type === 'dgram'
      ? `unix:${address.path}`
      : `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`
  // Its tags have no other characters.
  const tag = logSyslogPrefix.replace(/\W/g, '_').slice(0, 32)
  return { syslog: `server=${server},facility=${logSyslogFacility},tag=${tag}` }
}

/** The files among the logs, which may be moved away. */
export function logFilesOf({ access, error }: Pick<Logs, 'access' | 'error'>): string[] {
  return [...new Set([access, error].flatMap((target) => (typeof target === 'object' && 'file' in target ? [target.file] : [])))]
}
