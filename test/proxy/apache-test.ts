import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { apacheConfiguration } from '../../src/proxy/apache/configuration.ts'
import type { ApacheBuild } from '../../src/proxy/apache/build.ts'
import type { Site } from '../../src/proxy/site.ts'
import { APACHE_BUILD, installedApache } from '../support/apache-answers.ts'
import { findExecutable } from '../support/requirements.ts'

/** The configuration for httpd; Debian 12's where no other is named. */
export function apacheText(site: Site, build: ApacheBuild = APACHE_BUILD): string {
  return apacheConfiguration(site, build)
}

/** The same for the httpd that is installed. */
export function installedApacheText(site: Site): string {
  return apacheConfiguration(site, { ...APACHE_BUILD, ...installedApache() })
}

/** Runs the real `apache2 -t` on a configuration in a directory; `more`: further arguments. */
export function apacheTest(directory: string, configuration: string, ...more: string[]): { ok: boolean; output: string } {
  const file = join(directory, 'httpd.conf')
  writeFileSync(file, configuration)
  const { status, stdout, stderr } = spawnSync(findExecutable('apache2') ?? 'apache2', ['-t', '-f', file, ...more], {
    encoding: 'utf8',
    cwd: '/',
  })
  return { ok: status === 0, output: `${stdout}${stderr}` }
}
