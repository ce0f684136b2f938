import { spawnSync } from 'node:child_process'

import { parseNginxBuild } from '../../src/launcher/nginx-driver.ts'
import type { NginxBuild } from '../../src/proxy/nginx/build.ts'
import { findExecutable } from '../support/requirements.ts'
import { NGINX_BUILD } from './sites.ts'

/** The nginx that tests run. */
export function testedNginx(): string {
  return findExecutable('nginx') ?? 'nginx'
}

let build: NginxBuild | undefined

/** What is in it; Debian 12's where there is none. */
export function testedBuild(): NginxBuild {
  if (build !== undefined) return build
  const { status, stderr } = spawnSync(testedNginx(), ['-V'], { encoding: 'utf8' })
  build = status === 0 ? parseNginxBuild(stderr, testedNginx()) : NGINX_BUILD
  return build
}
