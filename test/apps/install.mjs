/**
 * `node test/apps/install.mjs`: installs the applications' packages and builds those that need it, where that has not been done.
 * Ends with 1 and a reason where it cannot.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BUILDS, isBuilt, isInstalled, markBuilt, markInstalled } from './state.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** A hanging registry or build must not hang the tests. */
const STEP_TIMEOUT_MS = 8 * 60_000

/** `npm run` hands its own project's place down, and a test run its NODE_ENV: neither is for these packages. */
const FOREIGN = ['npm_config_local_prefix', 'npm_config_prefix', 'INIT_CWD', 'NODE_ENV']

class StepFailed extends Error {}

function run(what, command, args, { cwd = folder, env = {} } = {}) {
  const startMs = Date.now()
  console.log(`apps: ${what} …`)
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.includes(name)))
  const done = spawnSync(command, args, { cwd, env: { ...inherited, ...env }, timeout: STEP_TIMEOUT_MS, encoding: 'utf8' })
  if (done.error !== undefined || done.status !== 0) {
    const output = `${done.stdout ?? ''}${done.stderr ?? ''}`.trimEnd().split('\n').slice(-40).join('\n')
    throw new StepFailed(`${what}: ${done.error?.message ?? `ended with ${done.signal ?? done.status}`}\n${output}`)
  }
  console.log(`apps: ${what}: ${((Date.now() - startMs) / 1000).toFixed(1)} s`)
}

function install() {
  try {
    // No package here needs its install script to be used.
    run('npm ci', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  } catch (error) {
    const unreachable = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|E40[134]/.test(error.message)
    const advice =
      'The applications under test/apps come from a package registry, and npm reaches none: see `npm config get registry`.'
    throw unreachable ? new StepFailed(`${advice}\n${error.message}`) : error
  }
  markInstalled()
}

function build() {
  for (const app of new Set(BUILDS.map(({ app: name }) => name)))
    for (const output of ['.next', '.nitro', '.output']) rmSync(join(folder, app, output), { recursive: true, force: true })
  for (const { app, command, env } of BUILDS) {
    const what = ['build', app, env.NITRO_PRESET].filter((word) => word !== undefined).join(' ')
    run(what, process.execPath, [join(folder, 'node_modules', command), 'build'], { cwd: join(folder, app), env })
  }
  // Next.js leaves it to whoever deploys to put these beside the standalone server.
  const next = join(folder, 'next')
  const standalone = join(next, '.next', 'standalone', 'next')
  cpSync(join(next, '.next', 'static'), join(standalone, '.next', 'static'), { recursive: true })
  cpSync(join(folder, 'public'), join(standalone, 'public', 'static'), { recursive: true })
  markBuilt()
}

try {
  if (!isInstalled()) install()
  if (isBuilt()) console.log('apps: installed and built')
  else build()
} catch (error) {
  if (!(error instanceof StepFailed)) throw error
  console.error(error.message)
  process.exitCode = 1
}
