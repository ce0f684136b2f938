/**
 * `npm run test:full`: every check and every test, with nothing skipped.
 *
 * As root on Debian it first installs the programs that the tests use (test/support/executables.json) and, from npm into
 * .cache/nodes, the other Node versions. Elsewhere it names what is missing. It ends at the first step that fails.
 * The tests of containers have a Docker engine, which is set up for them where none answers (containers/engine/engine.mjs).
 * What is written for nginx is tested twice: with the installed one, and with the newest that Debian has (newest-nginx.mjs).
 * A checkout that only root can read, such as one in /root, is copied first: tests start servers as other users too.
 * Last line: `N passed, N failed`, the tests of vitest; a check that fails before them counts as one.
 */
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { newestNginx } from './newest-nginx.mjs'
import { installNode, withoutNpmSettings } from './support/install-node.mjs'
import { isUnpacked, UNPACKED_FOLDER, unpackProgram } from './unpacked-programs.mjs'

const NODE_MAJORS = [22, 24, 26]
const TEST_TIMEOUT_MS = 24 * 60_000
const checkout = fileURLToPath(new URL('..', import.meta.url))
const resultsFile = join(checkout, '.cache', 'vitest-results.json')
const startedMs = Date.now()
const summary = []

class StepFailed extends Error {}

function progress(text) {
  console.log(`\n[${String(Math.round((Date.now() - startedMs) / 1000)).padStart(4)} s] ${text}`)
}

function run(command, args, { env = {}, cwd = checkout, timeout = 10 * 60_000 } = {}) {
  const done = spawnSync(command, args, { cwd, timeout, stdio: 'inherit', env: { ...process.env, ...env } })
  if (done.error !== undefined) throw new StepFailed(`${command}: ${done.error.message}`)
  if (done.status !== 0)
    throw new StepFailed(`${[command, ...args].join(' ')} ended with ${done.signal ?? `code ${done.status}`}`)
}

function step(name, body) {
  progress(name)
  const stepStartMs = Date.now()
  try {
    body()
  } catch (error) {
    summary.push(`FAILED  ${name}: ${error.message}`)
    throw error
  }
  summary.push(`ok      ${name} (${((Date.now() - stepStartMs) / 1000).toFixed(1)} s)`)
}

function isOnPath(program) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', UNPACKED_FOLDER].some(
    (folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK)
        return true
      } catch {
        return false
      }
    },
  )
}

function installPrograms() {
  const executables = JSON.parse(readFileSync(join(checkout, 'test/support/executables.json'), 'utf8'))
  if (process.getuid?.() !== 0) console.log('Not root: the tests that need root will fail, for nothing is skipped here.')
  const missing = Object.keys(executables).filter((program) => !isOnPath(program))
  if (missing.length === 0) return
  const installed = missing.filter((program) => !isUnpacked(program))
  const packages = [...new Set(installed.map((program) => executables[program]))]
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new StepFailed(`the tests need ${missing.join(', ')}; on Debian, as root, npm run test:full installs them`)
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '-q'], { env })
  if (packages.length > 0) run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], { env })
  for (const program of missing.filter(isUnpacked)) unpackProgram(program, executables[program])
}

/** A Node of this major version from the npm package `node`: absolute path of its binary. */
function nodeOf(major) {
  try {
    const { binary, version } = installNode(major)
    console.log(`Node ${version}`)
    return binary
  } catch (error) {
    throw new StepFailed(error.message)
  }
}

/** What gives a command a Docker engine, its own one where none runs. */
const WITH_ENGINE = [process.execPath, 'test/containers/engine/engine.mjs']

/** Runs the tests that vitest is told to take, below `within`. Throws where one fails or is skipped. */
function runTests(selection, more, within = []) {
  rmSync(resultsFile, { force: true })
  const env = { TSGI_TEST_FULL: '1', TSGI_TEST_RESULTS: resultsFile, ...more }
  let failure
  try {
    const [command, ...args] = [...within, 'npx', '--no-install', 'vitest', 'run', ...selection]
    run(command, args, { env, timeout: TEST_TIMEOUT_MS })
  } catch (error) {
    failure = error
  }
  const these = readCounts()
  if (failure !== undefined && these.failed === 0) these.failed = 1
  for (const key of Object.keys(counts)) counts[key] += these[key]
  if (these.failed > 0) summary.push(...failedTests())
  if (failure !== undefined) throw failure
  if (these.passed + these.failed === 0) throw new StepFailed('no test ran')
  if (these.skipped > 0) throw new StepFailed(`${these.skipped} tests were skipped`)
}

/** What is written for nginx, and what is served behind it. The tests of what is written for Apache would be the same. */
function filesOfNginx() {
  const files = readdirSync(join(checkout, 'test/proxy'), { recursive: true, encoding: 'utf8' })
  const ofProxy = files.filter((name) => name.endsWith('.test.ts') && !name.startsWith('apache-'))
  return [...ofProxy.map((name) => `test/proxy/${name}`), 'test/conformance/', 'test/frameworks/suite/listener.test.ts']
}

function testNewestNginx() {
  progress('newest nginx')
  const { executable, version, reason } = newestNginx()
  if (executable === undefined) {
    summary.push(`NOT RUN tests with a newer nginx: ${reason}`)
    return
  }
  step(`tests with nginx ${version}`, () => {
    runTests(filesOfNginx(), { TSGI_TEST_NGINX: executable })
  })
}

/** The failed tests by file and name with the first line of each message: who reads only the end learns enough to go on. */
function failedTests() {
  if (!existsSync(resultsFile)) return []
  return JSON.parse(readFileSync(resultsFile, 'utf8')).testResults.flatMap((file) => {
    const failed = file.assertionResults.filter((test) => test.status === 'failed')
    const firstLine = (message) =>
      stripVTControlCharacters(message ?? '')
        .split('\n', 1)[0]
        .slice(0, 300)
    const name = relative(checkout, file.name)
    if (failed.length === 0 && file.status === 'failed') return [`failed  ${name}: ${firstLine(file.message)}`]
    return failed.map((test) => `failed  ${name}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`)
  })
}

function readCounts() {
  if (!existsSync(resultsFile)) return { passed: 0, failed: 0, skipped: 0 }
  const results = JSON.parse(readFileSync(resultsFile, 'utf8'))
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests,
    skipped: results.numPendingTests + results.numTodoTests,
  }
}

/** A folder on the way to the checkout that other users cannot enter, such as /root. */
function closedFolder() {
  if (process.getuid?.() !== 0) return undefined
  for (let folder = checkout; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return folder
  }
  return undefined
}

/** Servers are started as other users too, and what they run they must be able to read: the same from an open place. */
function runInOpenCopy(closed) {
  const copy = mkdtempSync(join(tmpdir(), 'tsgi-full-'))
  chmodSync(copy, 0o755)
  try {
    progress(`Other users cannot enter ${closed}: everything runs in a copy, ${copy}`)
    cpSync(checkout, copy, { recursive: true, verbatimSymlinks: true })
    return spawnSync(process.execPath, [join(copy, 'test/full.mjs')], { cwd: copy, stdio: 'inherit' }).status ?? 1
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

const closed = closedFolder()
if (closed !== undefined) process.exit(runInOpenCopy(closed))

const counts = { passed: 0, failed: 0, skipped: 0 }
let isGreen = false
try {
  const nodes = []
  step('programs the tests use', installPrograms)
  step(`Node ${NODE_MAJORS.join(', ')}`, () => {
    nodes.push(...NODE_MAJORS.map(nodeOf))
  })
  step('applications of other frameworks', () => {
    run(process.execPath, ['test/apps/install.mjs'], { env: withoutNpmSettings() })
  })
  for (const script of ['build', 'lint', 'format:check', 'typecheck', 'knip', 'lint:package']) {
    step(script, () => {
      run('npm', ['run', '--silent', script])
    })
  }
  // What is measured is measured with nothing beside it.
  for (const projects of [['library', 'processes'], ['chaos']]) {
    step(`tests: ${projects.join(', ')}`, () => {
      const selection = projects.flatMap((project) => ['--project', project])
      runTests(selection, { TSGI_TEST_NODES: nodes.join(delimiter) })
    })
  }
  step('tests: containers', () => {
    runTests(['--project', 'containers'], {}, WITH_ENGINE)
  })
  testNewestNginx()
  isGreen = counts.failed === 0
} catch (error) {
  if (!(error instanceof StepFailed)) throw error
}

progress('Summary')
for (const line of summary) console.log(line)
if (counts.skipped > 0) console.log(`${counts.skipped} skipped`)
console.log(`${counts.passed} passed, ${isGreen ? 0 : Math.max(1, counts.failed)} failed`)
process.exitCode = isGreen ? 0 : 1
