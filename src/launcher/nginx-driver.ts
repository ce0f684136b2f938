import { quote, TsgiError } from '../interface/errors.ts'
import type { NginxBuild } from '../proxy/nginx/build.ts'
import { nginxDirectives } from '../proxy/nginx/configuration.ts'
import { render, renderLines } from '../proxy/nginx/directive.ts'
import { isAtLeast } from '../proxy/version.ts'
import type { NginxDriver, ProxyFiles } from './proxy-driver.ts'

/** Reads the output of `nginx -V`. Throws `TSGI_ERR_PROXY_NOT_FOUND` where it is not nginx that answers. */
export function parseNginxBuild(answer: string, executable: string): NginxBuild {
  const version = /^nginx version: [\w-]+\/(\d+(?:\.\d+)+)/m.exec(answer)?.[1]
  if (version === undefined)
    throw new TsgiError('TSGI_ERR_PROXY_NOT_FOUND', `${quote(executable)} is not nginx: -V answers ${quote(answer)}`)
  const modules = (kind: string): Set<string> =>
    new Set([...answer.matchAll(new RegExp(`--${kind}-(\\w+)(?!\\S)`, 'g'))].flatMap((match) => match[1] ?? []))
  return { version, without: modules('without'), with: modules('with') }
}

/** An nginx of this build. */
export function nginxDriver(executable: string, build: NginxBuild): NginxDriver {
  // It opens its compiled-in error log before it reads the configuration, and warns where that is not ours: `-e`, since 1.19.5.
  const early = isAtLeast(build.version, '1.19.5')
  const files = ({ root, configuration, errorLog }: ProxyFiles): string[] => [
    ...(early ? ['-e', errorLog] : []),
    '-p',
    root,
    '-c',
    configuration,
  ]
  return {
    type: 'nginx',
    name: 'nginx',
    executable,
    version: build.version,
    build,
    configurationName: 'nginx.conf',
    pidName: 'nginx.pid',
    configuration(site) {
      const nodes = nginxDirectives(site, build)
      return { text: render(nodes), lines: renderLines(nodes) }
    },
    testArguments: (each) => ['-t', '-q', ...files(each)],
    runArguments: files,
    environment: {},
    readsAgain: false,
    gracefulSignal: 'SIGQUIT',
    reloadSignal: 'SIGHUP',
    // `2026/11/22 16:25:01 [emerg] `
    ownLine: /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[/,
  }
}
