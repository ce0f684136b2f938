import { TsgiError } from '../interface/errors.ts'
import { bindAddress } from './setting-kinds.ts'
import { BOTH, setting } from './setting.ts'
import { boolean, duration } from './settings-values.ts'
import type { ValueKind } from './settings-values.ts'

/** Where a statsd listens. */
export interface StatsdAddress {
  readonly host: string
  readonly port: number
}

/** As it would be written. */
export function formatStatsdAddress({ host, port }: StatsdAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

const statsdAddress: ValueKind<StatsdAddress> = {
  placeholder: 'HOST:PORT',
  accepted: 'host:port or [ipv6]:port, such as 127.0.0.1:8125',
  arity: 'one',
  show: formatStatsdAddress,
  parse(value) {
    if (value.startsWith('unix:')) {
      const text =
        '--statsd-host takes no socket of the file system: Node has none for datagrams. Let statsd listen on 127.0.0.1:8125'
      throw new TsgiError('TSGI_ERR_OPTION', text)
    }
    const [, ipv6, name, digits] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(value) ?? []
    const [host, port] = [ipv6 ?? name, Number(digits)]
    return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined
  },
}

const statsdPrefix: ValueKind<string> = {
  placeholder: 'PREFIX',
  accepted: 'up to 200 letters, digits, points, - and _',
  arity: 'one',
  parse: (value) => (/^[\w.-]{0,200}$/.test(value) ? value.replace(/[^.]$/, '$&.') : undefined),
}

const dogstatsdTags: ValueKind<readonly string[]> = {
  placeholder: 'TAGS',
  accepted: 'tags with commas between them, such as env:live,service:shop, up to 500 characters',
  arity: 'one',
  show: (tags) => tags.join(','),
  parse(value) {
    if (value === '') return []
    return value.length <= 500 && /^[^,|#@\s\0-\x1f\x7f]+(?:,[^,|#@\s\0-\x1f\x7f]+)*$/.test(value) ? value.split(',') : undefined
  },
}

/** As often as statsd itself tells what it has got. Milliseconds. */
const STATSD_INTERVAL_MS = 10_000

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
  statsdHost: setting({
    kind: statsdAddress,
    default: undefined,
    help: 'Where the master sends what is counted by UDP, to a statsd: host:port',
    theme: 'Metrics',
    commands: BOTH,
  }),
  statsdPrefix: setting({
    kind: statsdPrefix,
    default: '',
    help: 'Stands before the names of what is sent to statsd; a point is added behind it',
    theme: 'Metrics',
    commands: BOTH,
  }),
  statsdInterval: setting({
    kind: duration('TIME', 100),
    default: STATSD_INTERVAL_MS,
    help: 'How often it is sent',
    theme: 'Metrics',
    commands: BOTH,
  }),
  dogstatsdTags: setting({
    kind: dogstatsdTags,
    default: [] satisfies readonly string[],
    defaultText: 'none',
    help: 'Tags of all that is sent to statsd, with commas between them; mount, status and the like become tags, too (DogStatsD)',
    theme: 'Metrics',
    commands: BOTH,
  }),
}
