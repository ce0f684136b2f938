/**
 * `node test/containers/engine/engine.mjs COMMAND…`: runs the command with a Docker engine, and ends with its exit code.
 *
 * An engine that answers is used as it is. Else, as root on Debian, one is set up for the length of the command: what is missing is
 * installed, dockerd started in namespaces of its own (dockerd.mjs), and stand-ins for the official images made (base-images.mjs).
 * The command finds it as every client does, by DOCKER_HOST. Nothing of it remains.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { composePlugin, importBaseImages } from './base-images.mjs'
import { clearUpAfterOthers, engineAnswers, startDockerd, versionOf } from './dockerd.mjs'
import { EngineFailed, isOnPath, read } from './programs.mjs'
import { DebianFailed } from '../../support/debian-suite.mjs'

/** Program: package of Debian's. */
const PROGRAMS = {
  dockerd: 'docker.io',
  iptables: 'iptables',
  debootstrap: 'debootstrap',
  ip: 'iproute2',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
}

const startedMs = Date.now()

function progress(text) {
  console.log(`[engine ${((Date.now() - startedMs) / 1000).toFixed(1)} s] ${text}`)
}

function installPrograms() {
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new EngineFailed('a Docker engine with Compose is needed; one is set up here only as root on Debian')
  }
  const missing = Object.keys(PROGRAMS).filter((program) => !isOnPath(program))
  const packages = new Set(missing.map((program) => PROGRAMS[program]))
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = (names) =>
    read('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...names], { env, timeoutMs: 10 * 60_000 })
  if (packages.size > 0 || !isOnPath('docker')) {
    progress(`installing ${[...packages].join(', ')}`)
    read('apt-get', ['update', '-q'], { env })
    if (packages.size > 0) install([...packages])
    // The client is a package of its own from Debian 13 on.
    if (!isOnPath('docker')) install(['docker-cli'])
  }
}

/** Runs the command. Signals are its own: it ends, and then so do we. */
async function run([command, ...args], env) {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  const pass = (signal) => {
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass)
  const [code] = await once(child, 'close')
  return code ?? 1
}

async function withOwnEngine(command) {
  installPrograms()
  clearUpAfterOthers()
  progress('starting dockerd')
  // From here on there is something to clear up: a signal waits until the next step.
  let interrupted = false
  const interrupt = () => {
    interrupted = true
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt)
  const engine = await startDockerd()
  try {
    const env = {
      DOCKER_HOST: engine.host,
      DOCKER_CONFIG: composePlugin(),
      // BuildKit asks a registry even for images that are here.
      DOCKER_BUILDKIT: '0',
      // What is left when the tests fail goes with the engine.
      TESTCONTAINERS_RYUK_DISABLED: 'true',
      TESTCONTAINERS_HOST_OVERRIDE: engine.address,
    }
    progress(`Docker ${versionOf(env)} answers; base images`)
    if (!interrupted) importBaseImages(env)
    progress('ready')
    return interrupted ? 130 : await run(command, env)
  } finally {
    progress('stopping')
    await engine.stop()
    progress('nothing of it is left')
  }
}

const command = process.argv.slice(2)
try {
  if (command.length === 0) throw new EngineFailed('say which command shall have an engine')
  if (engineAnswers()) {
    progress(`using the engine that answers, Docker ${versionOf({})}`)
    process.exitCode = await run(command, {})
  } else process.exitCode = await withOwnEngine(command)
} catch (error) {
  if (!(error instanceof EngineFailed || error instanceof DebianFailed)) throw error
  console.error(`engine: ${error.message}`)
  process.exitCode = 1
}
