import type { Configuration, ProxyDriver } from './proxy-driver.ts'
import { siteOf } from './site.ts'
import type { SiteSources } from './site.ts'

/** What the proxy reads that the launcher runs. Throws `TSGI_ERR_OPTION` and `TSGI_ERR_PROXY_CONFIG`. */
export function configurationOf(sources: SiteSources, proxy: ProxyDriver): Configuration {
  const site = siteOf(sources)
  return proxy.configuration({ ...site, logs: { ...site.logs, failures: sources.root.failuresPath } })
}
