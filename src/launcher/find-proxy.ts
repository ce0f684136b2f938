import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

import { quote, TsgiError } from '../interface/errors.ts'
import type { NginxBuild } from '../proxy/nginx/build.ts'
import { findExecutable, isExecutable } from './executable.ts'

/** Where packages put nginx, apart from the PATH, which often lacks these for a user who is not root. */
const USUAL_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/nginx/sbin', '/opt/homebrew/bin']

/** How long `nginx -V` may take, milliseconds. */
const VERSION_TIMEOUT_MS = 5000

const HOW_TO_GET_ONE =
  'type `apt-get install nginx` (or `apk add nginx`, `dnf install nginx`, `brew install nginx`), or leave nginx out with `--server-type embedded`'

export interface NginxProxy extends NginxBuild {
  readonly type: 'nginx'
  readonly executable: string
}

export type ServerType = 'auto' | 'nginx' | 'apache' | 'embedded'

/**
 * The proxy that stands in front; undefined for none (`embedded`), which is also what `auto` gives where nginx is not installed.
 * `folders` are searched after the PATH.
 *
 * Throws `TSGI_ERR_PROXY_NOT_FOUND`, and `TSGI_ERR_OPTION` for a server type that is not supported.
 */
export async function findProxy(
  serverType: ServerType,
  proxyExecutable: string | undefined,
  folders: readonly string[] = USUAL_FOLDERS,
): Promise<NginxProxy | undefined> {
  if (serverType === 'embedded') return undefined
  if (serverType === 'apache') {
    throw new TsgiError('TSGI_ERR_OPTION', '--server-type apache is not supported by this version; use nginx or embedded')
  }
  if (proxyExecutable !== undefined) {
    const executable = proxyExecutable.includes('/') ? resolve(proxyExecutable) : findExecutable(proxyExecutable, folders)
    if (executable === undefined || !isExecutable(executable)) {
      throw new TsgiError(
        'TSGI_ERR_PROXY_NOT_FOUND',
        `--proxy-executable ${quote(proxyExecutable)} is no file that can be executed; leave that option out where nginx is installed, else ${HOW_TO_GET_ONE}`,
      )
    }
    return inspectNginx(executable)
  }
  const executable = findExecutable('nginx', folders)
  if (executable !== undefined) return inspectNginx(executable)
  if (serverType === 'auto') return undefined
  throw new TsgiError('TSGI_ERR_PROXY_NOT_FOUND', `there is no nginx on the PATH; ${HOW_TO_GET_ONE}`)
}

/** Asks an nginx for its version and for what it was built without. Throws `TSGI_ERR_PROXY_NOT_FOUND`. */
async function inspectNginx(executable: string): Promise<NginxProxy> {
  let answer: string
  try {
    answer = (await promisify(execFile)(executable, ['-V'], { timeout: VERSION_TIMEOUT_MS })).stderr
  } catch (error) {
    throw new TsgiError('TSGI_ERR_PROXY_NOT_FOUND', `${quote(executable)} does not run (${quote(error)}); ${HOW_TO_GET_ONE}`, {
      cause: error,
    })
  }
  return { type: 'nginx', executable, ...parseNginxBuild(answer, executable) }
}

/** Reads the output of `nginx -V`. Throws `TSGI_ERR_PROXY_NOT_FOUND` where it is not nginx that answers. */
export function parseNginxBuild(answer: string, executable: string): NginxBuild {
  const version = /^nginx version: [\w-]+\/(\d+(?:\.\d+)+)/m.exec(answer)?.[1]
  if (version === undefined)
    throw new TsgiError('TSGI_ERR_PROXY_NOT_FOUND', `${quote(executable)} is not nginx: -V answers ${quote(answer)}`)
  const modules = (kind: string): Set<string> =>
    new Set([...answer.matchAll(new RegExp(`--${kind}-(\\w+)(?!\\S)`, 'g'))].flatMap((match) => match[1] ?? []))
  return { version, without: modules('without'), with: modules('with') }
}
