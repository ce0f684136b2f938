import type { ListenAddress, Site } from '../site.ts'
import type { ApacheBuild } from './build.ts'
import { apacheDirectives } from './configuration.ts'
import { render } from './directive.ts'

/** Where a trial listens and what it may write. */
export interface TrialPlace {
  /** Called for each address of the site: nobody else listens there. */
  readonly address: () => ListenAddress
  readonly errorLog: string
  /** In a directory that is not there: httpd ends by itself when it is about to serve, which is when it writes its pid. */
  readonly pidPath: string
}

/**
 * The same site for an httpd that is started beside the running one, and shares nothing with it. A test of the syntax reads no
 * certificate and no key. Throws as `apacheConfiguration` does.
 */
export function apacheTrial(site: Site, build: ApacheBuild, { address, errorLog, pidPath }: TrialPlace): string {
  const { tls } = site
  const { failures: _, ...logs } = site.logs
  const nodes = apacheDirectives(
    {
      ...site,
      listen: site.listen.map(address),
      ...(tls === undefined ? {} : { tls: { ...tls, listen: tls.listen.map(address) } }),
      logs: { ...logs, access: 'off', error: { file: errorLog } },
      pidPath,
    },
    build,
  )
  // Its memory has a name, by which httpd removes the one that is there.
  return render(nodes.filter((node) => !('name' in node && node.name === 'SSLSessionCache')))
}
