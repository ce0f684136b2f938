import type { Configuration, ProxyDriver } from './proxy-driver.ts'
import { siteOf } from './site.ts'
import type { SiteSources } from './site.ts'

/** What the proxy reads that the launcher runs. Throws `TSGI_ERR_OPTION` and `TSGI_ERR_PROXY_CONFIG`. */
export function configurationOf(sources: SiteSources, proxy: ProxyDriver): Configuration {
  const site = siteOf(sources)
  const { failuresPath } = sources.root
  // nginx has no way to write a "$" in the name of such a log: then nobody explains.
  const failures = proxy.type === 'nginx' && failuresPath.includes('$') ? {} : { failures: failuresPath }
  return proxy.configuration({ ...site, logs: { ...site.logs, ...failures } })
}
