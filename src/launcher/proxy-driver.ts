import type { ConfigurationLine } from '../proxy/configuration-line.ts'
import type { ApacheBuild } from '../proxy/apache/build.ts'
import type { TrialPlace } from '../proxy/apache/trial.ts'
import type { NginxBuild } from '../proxy/nginx/build.ts'
import type { Site } from '../proxy/site.ts'

/** What is run with a proxy's configuration. */
export interface ProxyFiles {
  readonly root: string
  readonly configuration: string
  /** Where it writes until it has read where its error log is: a path, or `stderr`. */
  readonly errorLog: string
}

/** What a proxy reads: as text for its file, and line by line with the option behind each. */
export interface Configuration {
  readonly text: string
  readonly lines: readonly ConfigurationLine[]
}

/** A proxy that is installed here. */
export type ProxyDriver = NginxDriver | ApacheDriver

export interface NginxDriver extends Driver {
  readonly type: 'nginx'
  readonly build: NginxBuild
}

export interface ApacheDriver extends Driver {
  readonly type: 'apache'
  readonly build: ApacheBuild
  /** The same site for a trial beside the running one. Throws as `configuration` does. */
  trial(site: Site, place: TrialPlace): string
}

/** How a proxy is configured, tested, run and stopped. */
interface Driver {
  /** As sentences name it. */
  readonly name: 'nginx' | 'Apache'
  readonly executable: string
  /** `1.22.1` */
  readonly version: string
  /** In the server root. */
  readonly configurationName: string
  readonly pidName: string
  /** Its configuration for a site. Throws `TSGI_ERR_OPTION`, `TSGI_ERR_PROXY_CONFIG`. */
  configuration(site: Site): Configuration
  /** The arguments that make it test the configuration, and nothing else. */
  testArguments(files: ProxyFiles): string[]
  /** The arguments that make it run in the foreground. */
  runArguments(files: ProxyFiles): string[]
  /** What it is to have in its environment, beside ours. */
  readonly environment: Readonly<Record<string, string>>
  /** It accepts no more, and ends when no request is left or its own limit is over. TERM ends it at once, USR1 makes it open its logs anew. */
  readonly gracefulSignal: NodeJS.Signals
  /** It reads its whole configuration again whenever it opens its logs anew, and ends where it does not like it: its logs are pipes. */
  readonly readsAgain: boolean
  /** It reads its configuration anew; requests in flight end as they began. */
  readonly reloadSignal: NodeJS.Signals
  /** How a line of its error log begins. */
  readonly ownLine: RegExp
}
