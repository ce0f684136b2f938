/**
 * `node test/newest-nginx.mjs`: fetches the newest nginx that Debian has and that runs here, and writes its path; 1 and a reason where
 * there is none. `npm run test:full` tests with it what is written for nginx.
 *
 * Packages come from the mirror that this machine's apt uses, from suites that it need not use, and are unpacked below .cache/nginx with
 * the libraries that they need: nothing is installed. nginx is started by the dynamic loader that was built for it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DebianFailed, debianMirror, DebianSuite } from './support/debian-suite.mjs'

const folder = fileURLToPath(new URL('../.cache/nginx', import.meta.url))

/** The newest first: these names hold when Debian gives its releases others. */
const SUITES = ['unstable', 'testing', 'stable-backports', 'stable']
/** The version that an nginx tells: `1.22.1`. Undefined: it does not run. */
function versionOf(executable) {
  const done = spawnSync(executable, ['-v'], { encoding: 'utf8', timeout: 10_000 })
  return /nginx\/(\d[\d.]*)/.exec(done.stderr ?? '')?.[1]
}

function isNewer(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number))
  const index = a.findIndex((number, place) => number !== (b[place] ?? 0))
  return index !== -1 && a[index] > (b[index] ?? 0)
}

/** Beside the unpacked tree, what starts its nginx from wherever the two are. */
function writeStarter(place) {
  const root = join(place, 'root')
  const libc = readdirSync(root, { recursive: true }).find((path) => path.endsWith('/libc.so.6'))
  if (libc === undefined) throw new DebianFailed('libc.so.6 is not among its packages')
  const libraries = dirname(libc)
  const loader = readdirSync(join(root, libraries)).find((name) => /^ld-linux.*\.so\.\d+$/.test(name))
  if (loader === undefined) throw new DebianFailed('its dynamic loader is not beside libc.so.6')
  const lines = [
    '#!/bin/sh',
    'root="${0%/*}/root"',
    `exec "$root/${libraries}/${loader}" --argv0 "$0" --library-path "$root/${libraries}" "$root/usr/sbin/nginx" "$@"`,
  ]
  writeFileSync(join(place, 'nginx'), `${lines.join('\n')}\n`)
  chmodSync(join(place, 'nginx'), 0o755)
}

/** The nginx of a suite, unpacked if it has not been. */
function nginxOf(name, uri) {
  const suite = new DebianSuite(name, uri, folder)
  suite.update()
  const version = suite.version('nginx')
  const place = join(folder, version.replace(/^\d+:/, ''))
  const executable = join(place, 'nginx')
  if (versionOf(executable) === undefined) {
    const made = `${place}.new`
    for (const path of [place, made]) rmSync(path, { recursive: true, force: true })
    mkdirSync(join(made, 'root'), { recursive: true })
    suite.unpack(join(made, 'root'), 'nginx')
    writeStarter(made)
    renameSync(made, place)
  }
  const told = versionOf(executable)
  if (told === undefined) throw new DebianFailed(`${version} does not run here`)
  return { executable, version: told }
}

/** One that an earlier run has unpacked. */
function unpackedBefore() {
  if (!existsSync(folder)) return undefined
  return readdirSync(folder)
    .map((name) => join(folder, name, 'nginx'))
    .map((executable) => ({ executable, version: versionOf(executable) }))
    .filter(({ version }) => version !== undefined)
    .toSorted((a, b) => (isNewer(a.version, b.version) ? -1 : 1))[0]
}

/**
 * The newest nginx at hand: `{ executable, version }`, where it is newer than the installed one, else `{ reason }`.
 * `installed`: the installed one's path.
 */
export function newestNginx(installed = 'nginx') {
  const own = versionOf(installed) ?? '0'
  const reasons = []
  let best
  try {
    const uri = debianMirror(SUITES)
    for (const name of SUITES) {
      try {
        best = nginxOf(name, uri)
        break
      } catch (error) {
        if (!(error instanceof DebianFailed)) throw error
        reasons.push(`${name}: ${error.message}`)
      }
    }
  } catch (error) {
    if (!(error instanceof DebianFailed)) throw error
    reasons.push(error.message)
  }
  best ??= unpackedBefore()
  if (best === undefined) return { reason: `none but the installed ${own} (${reasons.join('; ')})` }
  return isNewer(best.version, own) ? best : { reason: `the installed ${own} is the newest` }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { executable, reason } = newestNginx()
  if (executable === undefined) {
    console.error(`newest nginx: ${reason}`)
    process.exitCode = 1
  } else console.log(executable)
}
