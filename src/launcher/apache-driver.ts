import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import type { ApacheBuild } from '../proxy/apache/build.ts'
import { apacheDirectives } from '../proxy/apache/configuration.ts'
import { render, renderLines } from '../proxy/apache/directive.ts'
import { apacheTrial } from '../proxy/apache/trial.ts'
import type { ApacheDriver, ProxyFiles } from './proxy-driver.ts'

/** Where systems keep the modules: Debian and Alpine, Fedora and its kin, the image of the project, FreeBSD, Homebrew. */
const MODULE_FOLDERS = [
  '/usr/lib/apache2/modules',
  '/usr/lib64/httpd/modules',
  '/usr/lib/httpd/modules',
  '/usr/lib/apache2',
  '/usr/local/apache2/modules',
  '/usr/local/libexec/apache24',
  '/opt/homebrew/lib/httpd/modules',
]

/** It hands its PATH on to the workers with every request, over uwsgi; programs that it starts need no other one. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Reads the output of `httpd -V` and `httpd -l`. Throws `TSGI_ERR_PROXY_NOT_FOUND` where it is not httpd that answers. */
export function parseApacheBuild(
  answer: string,
  builtin: string,
  executable: string,
): Omit<ApacheBuild, 'modules' | 'modulesDirectory'> & { root: string | undefined } {
  const version = /^Server version: [\w-]+\/(\d+(?:\.\d+)+)/m.exec(answer)?.[1]
  if (version === undefined)
    throw new TsgiError('TSGI_ERR_PROXY_NOT_FOUND', `${quote(executable)} is not Apache httpd: -V answers ${quote(answer)}`)
  return {
    version,
    root: /-D HTTPD_ROOT="([^"]*)"/.exec(answer)?.[1],
    builtin: new Set([...builtin.matchAll(/^\s*(?:mod_)?(\w+)\.c$/gm)].flatMap((match) => match[1] ?? [])),
    mapsIpv4: /IPv4-mapped addresses enabled/.test(answer),
  }
}

/** An httpd with what is in its folder of modules: that of its root, else where systems have it. */
export function apacheDriver(
  executable: string,
  answer: string,
  builtin: string,
  folders: readonly string[] = MODULE_FOLDERS,
): ApacheDriver {
  const { root, ...build } = parseApacheBuild(answer, builtin, executable)
  const [found] = [...(root === undefined ? [] : [join(root, 'modules')]), ...folders]
    .map((folder) => ({ folder, modules: modulesIn(folder) }))
    .filter(({ modules }) => modules.size > 0)
  const complete: ApacheBuild = {
    ...build,
    modulesDirectory: found?.folder ?? folders[0] ?? '/',
    modules: found?.modules ?? new Set(),
  }
  const run = ({ configuration }: ProxyFiles): string[] => ['-f', configuration]
  return {
    type: 'apache',
    name: 'Apache',
    executable,
    version: build.version,
    build: complete,
    configurationName: 'httpd.conf',
    pidName: 'httpd.pid',
    configuration(site) {
      const nodes = apacheDirectives(site, complete)
      return { text: render(nodes), lines: renderLines(nodes) }
    },
    trial: (site, place) => apacheTrial(site, complete, place),
    testArguments: (files) => ['-t', ...run(files)],
    runArguments: (files) => ['-DFOREGROUND', ...run(files)],
    environment: { PATH },
    readsAgain: true,
    gracefulSignal: 'SIGWINCH',
    reloadSignal: 'SIGUSR1',
    // `[Sun Nov 22 16:25:01.123456 2026] [`
    ownLine: /^\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d\.\d+ \d{4}\] \[/,
  }
}

/** `proxy_fcgi` for `mod_proxy_fcgi.so`. */
function modulesIn(folder: string): Set<string> {
  try {
    return new Set(readdirSync(folder).flatMap((name) => /^mod_(\w+)\.so$/.exec(name)?.[1] ?? []))
  } catch {
    return new Set()
  }
}
