/** Packages of any suite of Debian's, from the mirror that this machine's apt uses, unpacked and never installed. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** A mirror that hangs must not hang the tests. */
const TIMEOUT_MS = 3 * 60_000

/** What a machine without Debian's archive meets: a reason, no fault of ours. */
export class DebianFailed extends Error {}

function read(command, args) {
  const done = spawnSync(command, args, { timeout: TIMEOUT_MS, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (done.error !== undefined) throw new DebianFailed(`${command}: ${done.error.message}`)
  if (done.status !== 0) {
    const lines = `${done.stdout}${done.stderr}`.trim().split('\n')
    const problem = lines.find((line) => /^[EW]: /.test(line)) ?? lines.at(-1)
    throw new DebianFailed(`${command} ended with ${done.signal ?? done.status}: ${problem}`)
  }
  return done
}

/** Where this machine's apt gets Debian itself from. `suites`: also by one of these names. */
export function debianMirror(suites = []) {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const codename = /^VERSION_CODENAME="?([\w-]+)/m.exec(release)?.[1]
  if (!/^ID="?debian/m.test(release)) throw new DebianFailed('this is not Debian')
  const format = ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages']
  const targets = read('apt-get', format)
    .stdout.split('\n')
    .map((line) => line.split(' '))
  const found = targets.find(([, suite, part]) => part === 'main' && [codename, 'stable', ...suites].includes(suite))
  if (found === undefined) throw new DebianFailed("apt's sources name no mirror of Debian")
  return found[0]
}

/** apt with nothing of this machine's: lists, packages and what is installed are a suite's own. */
export class DebianSuite {
  #name
  #folder
  #options

  /** `folder`: where it may keep its lists. */
  constructor(name, uri, folder) {
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

  /** Asks for its lists of packages. */
  update() {
    read('apt-get', ['update', '-q', ...this.#options])
  }

  /** A package's version: `1.30.6-2`. */
  version(name) {
    const { stdout } = read('apt-cache', ['show', '--no-all-versions', ...this.#options, name])
    const version = /^Version: (\S+)$/m.exec(stdout)?.[1]
    if (version === undefined) throw new DebianFailed(`${this.#name} has no ${name}`)
    return version
  }

  /** Unpacks these packages with what they depend on. */
  unpack(to, ...names) {
    const archives = join(this.#folder, 'cache', 'archives')
    read('apt-get', ['install', '-q', '-y', '--download-only', ...this.#options, ...names])
    const files = readdirSync(archives).filter((file) => file.endsWith('.deb'))
    // It has the links from which others' files are reached, such as /bin.
    files.sort((a, b) => Number(b.startsWith('base-files_')) - Number(a.startsWith('base-files_')))
    for (const name of files) read('dpkg-deb', ['--extract', join(archives, name), to])
    rmSync(archives, { recursive: true, force: true })
    mkdirSync(join(archives, 'partial'), { recursive: true })
  }
}
