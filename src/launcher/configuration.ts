import type { ConfigurationLine } from '../proxy/configuration-line.ts'
import { nginxDirectives } from '../proxy/nginx/configuration.ts'
import { render, renderLines } from '../proxy/nginx/directive.ts'
import type { NginxProxy } from './find-proxy.ts'
import { siteOf } from './site.ts'
import type { SiteSources } from './site.ts'

/** What a proxy reads: as text for its file, and line by line with the option behind each. */
export interface Configuration {
  readonly text: string
  readonly lines: readonly ConfigurationLine[]
}

/**
 * The configuration of whichever proxy there is: the one place that chooses.
 * Throws `TSGI_ERR_OPTION` and `TSGI_ERR_PROXY_CONFIG`.
 */
export function configurationOf(sources: SiteSources, proxy: NginxProxy): Configuration {
  const site = siteOf(sources)
  switch (proxy.type) {
    case 'nginx': {
      const nodes = nginxDirectives(site, proxy)
      return { text: render(nodes), lines: renderLines(nodes) }
    }
  }
}
