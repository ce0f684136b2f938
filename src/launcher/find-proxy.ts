import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

import { quote, TsgiError } from '../interface/errors.ts'
import { whyNotHere } from '../server/platform.ts'
import { apacheDriver } from './apache-driver.ts'
import { findExecutable, isExecutable } from './executable.ts'
import { nginxDriver, parseNginxBuild } from './nginx-driver.ts'
import type { ProxyDriver } from './proxy-driver.ts'

/** Where packages put proxies, apart from the PATH, which often lacks these for a user who is not root. */
const USUAL_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/nginx/sbin', '/usr/local/apache2/bin', '/opt/homebrew/bin']

/** What the executable of each is called: Debian's Apache is `apache2`. */
const NAMES = { nginx: ['nginx'], apache: ['apache2', 'httpd'] } as const

/** How long `-V` may take, milliseconds. */
const VERSION_TIMEOUT_MS = 5000

const HOW_TO_GET = {
  nginx:
    'type `apt-get install nginx` (or `apk add nginx`, `dnf install nginx`, `brew install nginx`), or leave nginx out with `--server-type embedded`',
  apache:
    'type `apt-get install apache2` (or `apk add apache2 apache2-proxy`, `dnf install httpd`, `brew install httpd`), or leave Apache out with `--server-type nginx` or `--server-type embedded`',
} as const

export type ServerType = 'auto' | 'nginx' | 'apache' | 'embedded'

type ProxyType = ProxyDriver['type']

/**
 * The proxy that stands in front; undefined for none (`embedded`), which is also what `auto` gives where neither nginx nor Apache is
 * installed, and on Windows. `folders` are searched after the PATH.
 *
 * Throws `TSGI_ERR_PROXY_NOT_FOUND`, and `TSGI_ERR_OPTION` where the executable is another proxy than the server type says.
 */
export async function findProxy(
  serverType: ServerType,
  proxyExecutable: string | undefined,
  folders: readonly string[] = USUAL_FOLDERS,
): Promise<ProxyDriver | undefined> {
  if (serverType === 'embedded') return undefined
  const why = whyNotHere('proxy')
  if (why !== undefined) {
    if (serverType === 'auto' && proxyExecutable === undefined) return undefined
    const option = proxyExecutable === undefined ? `--server-type ${serverType}` : '--proxy-executable'
    throw new TsgiError('TSGI_ERR_OPTION', `${option}: ${why}`)
  }
  if (proxyExecutable !== undefined) return findNamed(serverType, proxyExecutable, folders)
  for (const type of serverType === 'auto' ? (['nginx', 'apache'] as const) : [serverType]) {
    const executable = installedProxy(type, folders)
    if (executable !== undefined) return inspect(executable, type)
  }
  if (serverType === 'auto') return undefined
  throw new TsgiError(
    'TSGI_ERR_PROXY_NOT_FOUND',
    `there is no ${NAMES[serverType].join(' or ')} on the PATH; ${HOW_TO_GET[serverType]}`,
  )
}

/** Where the proxy of this type is; undefined where it is not installed. */
export function installedProxy(type: ProxyType, folders: readonly string[] = USUAL_FOLDERS): string | undefined {
  return NAMES[type].map((name) => findExecutable(name, folders)).find((path) => path !== undefined)
}

/** The executable of `--proxy-executable`, whichever of the two it is. */
async function findNamed(serverType: 'auto' | ProxyType, name: string, folders: readonly string[]): Promise<ProxyDriver> {
  const type = serverType === 'auto' ? 'nginx' : serverType
  const executable = name.includes('/') ? resolve(name) : findExecutable(name, folders)
  if (executable === undefined || !isExecutable(executable)) {
    throw new TsgiError(
      'TSGI_ERR_PROXY_NOT_FOUND',
      `--proxy-executable ${quote(name)} is no file that can be executed; leave that option out where ${type === 'nginx' ? type : 'Apache'} is installed, else ${HOW_TO_GET[type]}`,
    )
  }
  const proxy = await inspect(executable, type)
  if (serverType !== 'auto' && proxy.type !== serverType) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--proxy-executable ${quote(name)} is ${proxy.name}, but --server-type is ${serverType}; leave one of them out`,
    )
  }
  return proxy
}

/** Asks a proxy what it is: its version, what it was built with or without. Throws `TSGI_ERR_PROXY_NOT_FOUND`. */
async function inspect(executable: string, expected: ProxyType): Promise<ProxyDriver> {
  const answer = await ask(executable, '-V', expected)
  if (/^Server version: Apache\//m.test(answer)) return apacheDriver(executable, answer, await ask(executable, '-l', expected))
  return nginxDriver(executable, parseNginxBuild(answer, executable))
}

/**
 * nginx answers on its standard error, httpd on its standard output. With -V httpd also reads the system's configuration, which may
 * need variables that a service sets: it has answered by then, though it fails.
 */
async function ask(executable: string, question: '-V' | '-l', expected: ProxyType): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(executable, [question], { timeout: VERSION_TIMEOUT_MS })
    return `${stdout}${stderr}`
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && /^Server version: Apache\//m.test(String(error.stdout)))
      return String(error.stdout)
    throw new TsgiError(
      'TSGI_ERR_PROXY_NOT_FOUND',
      `${quote(executable)} does not run (${quote(error)}); ${HOW_TO_GET[expected]}`,
      {
        cause: error,
      },
    )
  }
}
