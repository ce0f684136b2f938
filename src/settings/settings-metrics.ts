import { bindAddress } from './setting-kinds.ts'
import { BOTH, setting } from './setting.ts'
import { boolean } from './settings-values.ts'

/** The rows of the table that are about what a server tells of itself. */
export const METRICS_SETTINGS = {
  metrics: setting({
    kind: boolean(),
    default: true,
    help: 'Counts requests, connections and what workers need, for tsgi ctl metrics and --metrics-bind; --no-metrics: nothing',
    theme: 'Metrics',
    commands: BOTH,
  }),
  metricsBind: setting({
    kind: bindAddress,
    default: undefined,
    help: 'Address on which the master gives metrics by HTTP, at /metrics, for Prometheus: host:port, [::1]:port or unix:/path',
    theme: 'Metrics',
    commands: BOTH,
  }),
}
