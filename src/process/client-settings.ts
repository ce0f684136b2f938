import { TsgiError } from '../interface/errors.ts'
import type { ClientLimits } from '../server/client-limits.ts'
import { isHopCount } from '../server/trusted-proxies.ts'
import { SETTINGS } from '../settings/settings-table.ts'
import type { Settings } from '../settings/settings.ts'

/** What only `serve` takes; the launcher has a proxy for it, or the defaults. */
const LIMITS = ['connectionLimit', 'limitRequestLine', 'limitRequestFields', 'limitRequestHeaderSize'] as const

/**
 * What workers are told about clients that reach them without a proxy.
 * Throws `TSGI_ERR_OPTION` where proxies are both counted and named.
 */
export function clientLimitsOf(settings: Settings<'serve'> | Settings<'start-server'>): ClientLimits {
  const counts = settings.trustProxy.filter(isHopCount)
  if (counts.length > 0 && settings.trustProxy.length > 1) {
    throw new TsgiError('TSGI_ERR_OPTION', '--trust-proxy takes one number of proxies, or addresses and networks, not both')
  }
  const [connectionLimit = 0, maxTargetBytes = 0, maxFields = 0, maxHeadBytes = 0] = LIMITS.map((key) =>
    'connectionLimit' in settings ? settings[key] : SETTINGS[key].default,
  )
  return {
    connectionLimit,
    maxTargetBytes,
    maxHeadBytes,
    maxFields,
    headerTimeoutMs: settings.headerTimeout,
    bodyTimeoutMs: settings.bodyTimeout,
    bodyMaxTimeoutMs: settings.bodyMaxTimeout,
    sendTimeoutMs: settings.socketTimeout,
    keepAliveTimeoutMs: settings.keepAliveTimeout,
    trustProxy: settings.trustProxy,
    trustProxyHeader: settings.trustProxyHeader,
  }
}
