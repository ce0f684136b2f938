import { spawnSync } from 'node:child_process'
import { parseApacheBuild } from '../../src/launcher/apache-driver.ts'
import type { ApacheBuild } from '../../src/proxy/apache/build.ts'
import { findExecutable } from './requirements.ts'

let known: { version: string; modules: string } | undefined

/** What the installed httpd answers to -V and -l. */
export function apacheAnswers(): { version: string; modules: string } {
  const ask = (question: string): string =>
    spawnSync(findExecutable('apache2') ?? 'apache2', [question], { encoding: 'utf8' }).stdout
  known ??= { version: ask('-V'), modules: ask('-l') }
  return known
}

/** Debian 12's, whatever is installed: configurations are the same everywhere. */
export const APACHE_BUILD: ApacheBuild = {
  version: '2.4.62',
  modulesDirectory: '/usr/lib/apache2/modules',
  modules: new Set(
    [
      'mpm_event authz_core unique_id remoteip setenvif headers reqtimeout rewrite mime alias dir autoindex filter deflate',
      'socache_shmcb ssl http2 proxy proxy_http proxy_fcgi proxy_uwsgi proxy_scgi',
    ].flatMap((names) => names.split(' ')),
  ),
  builtin: new Set(['core', 'so', 'watchdog', 'http_core', 'log_config', 'logio', 'version', 'unixd']),
  mapsIpv4: true,
}

/** The installed one. */
export function installedApache(): Pick<ApacheBuild, 'version' | 'builtin'> {
  const { version, modules } = apacheAnswers()
  return parseApacheBuild(version, modules, 'apache2')
}
