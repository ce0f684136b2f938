import { apacheDirectives } from '../../../src/proxy/apache/configuration.ts'
import { render } from '../../../src/proxy/apache/directive.ts'
import type { ApacheBuild } from '../../../src/proxy/apache/build.ts'
import type { Site } from '../../../src/proxy/site.ts'
import { DEFAULT_TIMEOUTS } from '../../proxy/sites.ts'
import type { SiteChanges } from '../../proxy/sites.ts'
import { startApacheAt } from '../../support/apache.ts'
import type { RunningApache } from '../../support/apache.ts'
import type { ProxyAddresses, Upstreams } from './bench.ts'
import type { Stoppable } from './running.ts'

/** httpd closes the connection of a response that was lost half-way only when it has been idle for so long, over FastCGI and uwsgi. */
const KEEP_ALIVE_MS = 1000

const WIRES = ['fastcgi', 'uwsgi', 'http'] as const

/** An httpd before tsgi for each wire, with the launcher's own configuration, and one before `node:http`. */
export async function startApaches(
  _directory: string,
  upstreams: Upstreams,
  { hosts, port }: ProxyAddresses,
  started: (running: Stoppable) => void,
): Promise<void> {
  const changes: SiteChanges = {
    serverName: 'tsgi.test',
    limits: { requestBodyBytes: 0 },
    socketPath: upstreams.tsgi,
    timeouts: { ...DEFAULT_TIMEOUTS, keepAliveMs: KEEP_ALIVE_MS, shutdownMs: 1000 },
  }
  const keep = async (starting: Promise<RunningApache>): Promise<void> => {
    const apache = await starting
    started({ output: () => '', stop: () => apache.stop() })
  }
  const results = await Promise.allSettled([
    keep(
      startApacheAt({ host: hosts.proxied, port }, { ...changes, wire: 'http' }, (site, { build }) =>
        referenceConfiguration(site, build, upstreams.node),
      ),
    ),
    ...WIRES.map((wire) => keep(startApacheAt({ host: hosts[wire], port }, { ...changes, wire }))),
  ])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** What is said for all requests is what the launcher's own configuration for HTTP says; they are passed on as httpd's documentation has it. */
function referenceConfiguration(site: Site, build: ApacheBuild, node: string): string {
  const common = apacheDirectives(site, build).filter((one) => 'comment' in one || one.name !== 'VirtualHost')
  return `${render(common)}
<VirtualHost *:${site.listen[0]?.port ?? 0}>
  AllowEncodedSlashes NoDecode
  MergeSlashes Off
  ProxyPass / http://${node}/ nocanon flushpackets=on ttl=2 retry=0
</VirtualHost>
`
}
