import { TsgiError } from '../interface/errors.ts'
import type { LogOptions } from '../logging/log-options.ts'
import { whyNotHere } from '../server/platform.ts'
import type { Settings } from '../settings/settings.ts'

/** mod_wsgi-express's size, and a week's worth where a log fills up daily. */
const DEFAULT_MAX_LOG_BYTES = 5 * 1024 * 1024
const DEFAULT_KEPT_LOGS = 7

/** Which logs the workers write, by the settings. `proxied`: the proxy writes the access log. Throws `TSGI_ERR_OPTION`. */
export function logOptions(settings: Settings<'serve'> | Settings<'start-server'>, proxied: boolean): LogOptions {
  const { accessLog, errorLog, logSyslogTo } = settings
  const local = logSyslogTo.type === 'dgram' || logSyslogTo.type === 'stream'
  const why = local && [accessLog, errorLog].some((log) => log?.type === 'syslog') ? whyNotHere('syslog') : undefined
  if (why !== undefined) throw new TsgiError('TSGI_ERR_OPTION', `--log-syslog-to: ${why}`)
  return {
    access: proxied ? { type: 'off' } : (settings.accessLog ?? { type: 'off' }),
    accessFormat: settings.accessLogFormat,
    error: settings.errorLog ?? { type: 'stream' },
    errorFormat: settings.logFormat,
    captureOutput: 'captureOutput' in settings && settings.captureOutput,
    syslog: { address: settings.logSyslogTo, facility: settings.logSyslogFacility, name: settings.logSyslogPrefix },
  }
}

/** When logs are moved away and how many are kept; undefined: never. One of the two settings is enough to ask for it. */
export function rotationOf({
  maxLogSize,
  rotateLogs,
}: Pick<Settings<'serve'>, 'maxLogSize' | 'rotateLogs'>): { maxBytes: number; keep: number } | undefined {
  const maxBytes = maxLogSize ?? (rotateLogs === undefined ? 0 : DEFAULT_MAX_LOG_BYTES)
  const keep = rotateLogs ?? DEFAULT_KEPT_LOGS
  return maxBytes === 0 || keep === 0 ? undefined : { maxBytes, keep }
}
