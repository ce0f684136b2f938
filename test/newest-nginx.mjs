/**
 * `node test/newest-nginx.mjs`: fetches the newest nginx that Debian has and that runs here, and writes its path; 1 and a reason where
 * there is none. `npm run test:full` tests with it what is written for nginx.
 *
 * Packages come from the mirror that this machine's apt uses, from suites that it need not use, and are unpacked below .cache/nginx with
 * the libraries that they need: nothing is installed. nginx is started by the dynamic loader that was built for it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../.cache/nginx', import.meta.url))

/** The newest first: these names hold when Debian gives its releases others. */
const SUITES = ['unstable', 'testing', 'stable-backports', 'stable']
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** A mirror that hangs must not hang the tests. */
const TIMEOUT_MS = 3 * 60_000

class Failed extends Error {}

function read(command, args) {
  const done = spawnSync(command, args, { timeout: TIMEOUT_MS, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (done.error !== undefined) throw new Failed(`${command}: ${done.error.message}`)
  if (done.status !== 0) {
    const lines = `${done.stdout}${done.stderr}`.trim().split('\n')
    const problem = lines.find((line) => /^[EW]: /.test(line)) ?? lines.at(-1)
    throw new Failed(`${command} ended with ${done.signal ?? done.status}: ${problem}`)
  }
  return done
}

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

/** Where this machine's apt gets Debian itself from. */
function mirror() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const codename = /^VERSION_CODENAME="?([\w-]+)/m.exec(release)?.[1]
  if (!/^ID="?debian/m.test(release)) throw new Failed('this is not Debian')
  const format = ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages']
  const targets = read('apt-get', format)
    .stdout.split('\n')
    .map((line) => line.split(' '))
  const found = targets.find(([, suite, part]) => part === 'main' && [codename, 'stable', ...SUITES].includes(suite))
  if (found === undefined) throw new Failed("apt's sources name no mirror of Debian")
  return found[0]
}

/** apt with nothing of this machine's: lists, packages and what is installed are a suite's own. */
class Suite {
  #name
  #folder
  #options

  constructor(name, uri) {
    this.#name = name
    this.#folder = join(folder, 'apt', name)
    mkdirSync(join(this.#folder, 'lists', 'partial'), { recursive: true })
    mkdirSync(join(this.#folder, 'cache', 'archives', 'partial'), { recursive: true })
    writeFileSync(join(this.#folder, 'status'), '')
    writeFileSync(join(this.#folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${uri} ${name} main\n`)
    this.#options = [
      `Dir::Etc::SourceList=${this.#folder}/sources.list`,
      'Dir::Etc::SourceParts=/dev/null',
      'Dir::Etc::PreferencesParts=/dev/null',
      `Dir::State=${this.#folder}`,
      `Dir::State::Lists=${this.#folder}/lists`,
      `Dir::State::Status=${this.#folder}/status`,
      `Dir::Cache=${this.#folder}/cache`,
      // Hooks of this machine's are for what is installed on it.
      'APT::Update::Post-Invoke-Success=',
      'APT::Update::Error-Mode=any',
      'Acquire::Retries=0',
      'Acquire::http::Timeout=20',
      // Its folders are open to nobody else.
      'APT::Sandbox::User=root',
      'APT::Install-Recommends=false',
    ].flatMap((option) => ['-o', option])
  }

  /** The package's version: `1.30.6-2`. */
  version() {
    read('apt-get', ['update', '-q', ...this.#options])
    const { stdout } = read('apt-cache', ['show', '--no-all-versions', ...this.#options, 'nginx'])
    const version = /^Version: (\S+)$/m.exec(stdout)?.[1]
    if (version === undefined) throw new Failed(`${this.#name} has no nginx`)
    return version
  }

  /** Unpacks it with what it depends on. */
  unpack(to) {
    const archives = join(this.#folder, 'cache', 'archives')
    read('apt-get', ['install', '-q', '-y', '--download-only', ...this.#options, 'nginx'])
    for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
      read('dpkg-deb', ['--extract', join(archives, name), to])
    }
    rmSync(archives, { recursive: true, force: true })
  }
}

/** Beside the unpacked tree, what starts its nginx from wherever the two are. */
function writeStarter(place) {
  const root = join(place, 'root')
  const libc = readdirSync(root, { recursive: true }).find((path) => path.endsWith('/libc.so.6'))
  if (libc === undefined) throw new Failed('libc.so.6 is not among its packages')
  const libraries = dirname(libc)
  const loader = readdirSync(join(root, libraries)).find((name) => /^ld-linux.*\.so\.\d+$/.test(name))
  if (loader === undefined) throw new Failed('its dynamic loader is not beside libc.so.6')
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
  const suite = new Suite(name, uri)
  const version = suite.version()
  const place = join(folder, version.replace(/^\d+:/, ''))
  const executable = join(place, 'nginx')
  if (versionOf(executable) === undefined) {
    const made = `${place}.new`
    for (const path of [place, made]) rmSync(path, { recursive: true, force: true })
    mkdirSync(join(made, 'root'), { recursive: true })
    suite.unpack(join(made, 'root'))
    writeStarter(made)
    renameSync(made, place)
  }
  const told = versionOf(executable)
  if (told === undefined) throw new Failed(`${version} does not run here`)
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
    const uri = mirror()
    for (const name of SUITES) {
      try {
        best = nginxOf(name, uri)
        break
      } catch (error) {
        if (!(error instanceof Failed)) throw error
        reasons.push(`${name}: ${error.message}`)
      }
    }
  } catch (error) {
    if (!(error instanceof Failed)) throw error
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
