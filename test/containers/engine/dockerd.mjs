/**
 * A Docker engine for the length of a run. It is in namespaces of its own (processes, mounts, network), all of which the kernel takes
 * away with its first process, and that one goes with us: whatever ends this process, nothing goes on running.
 * What remains then, a folder, two rules of the firewall and empty cgroups, is removed at the end, or by the next run.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, disconnect, networkPlan } from './network.mjs'
import { EngineFailed, read, tried } from './programs.mjs'

/** On a disk, and short: paths of sockets have 108 bytes. */
const PREFIX = '/var/tmp/tsgi-engine-'
const START_LIMIT_MS = 60_000

/** When the process began, in the kernel's ticks: a pid can be another's by now. */
function beginOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19]
  } catch {
    return undefined
  }
}

/** Folders of engines, with what their owners wrote. */
function engines() {
  const found = readdirSync(dirname(PREFIX)).filter((name) => name.startsWith(basename(PREFIX)))
  return found.flatMap((name) => {
    const folder = join(dirname(PREFIX), name)
    const file = join(folder, 'state.json')
    // Without the file it has just been made, by somebody who goes on with it.
    return existsSync(file) ? [{ folder, ...JSON.parse(readFileSync(file, 'utf8')) }] : []
  })
}

/** What the engines of others left who could not clear up any more. */
export function clearUpAfterOthers() {
  for (const engine of engines()) {
    if (beginOf(engine.owner) === engine.begin) continue
    console.log(`An engine's owner, process ${engine.owner}, is gone: removing ${engine.folder}`)
    clearUp(engine)
  }
}

function clearUp({ folder, network, cgroup }) {
  disconnect(network)
  removeCgroups(cgroup)
  // What another process has mounted there since is not ours.
  read('rm', ['-rf', '--one-file-system', folder])
}

/** Both hierarchies: one folder for each controller, or one for all. */
function removeCgroups(name) {
  const root = '/sys/fs/cgroup'
  for (const place of [root, ...readdirSync(root).map((controller) => join(root, controller))]) {
    const folder = join(place, name)
    if (existsSync(folder)) removeCgroup(folder)
  }
}

function removeCgroup(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(folder, entry.name))
  }
  try {
    rmdirSync(folder)
  } catch (error) {
    console.error(`${folder}: ${error.message}`)
  }
}

/** A running engine: what its clients need, and how it ends. */
export async function startDockerd() {
  const used = new Set(engines().map((engine) => engine.network.number))
  const number = Array.from({ length: 250 }, (_, index) => (process.pid + index) % 250).find((free) => !used.has(free)) ?? 0
  const folder = mkdtempSync(PREFIX)
  const cgroup = basename(folder)
  const engine = { folder, cgroup, network: networkPlan(number) }
  let init
  writeFileSync(join(folder, 'state.json'), JSON.stringify({ owner: process.pid, begin: beginOf(process.pid), ...engine }))
  try {
    init = await inNamespaces(engine)
    const host = `unix://${folder}/docker.sock`
    await answering(host, init, folder)
    return { host, address: engine.network.inside, folder, stop: () => stop(engine, init) }
  } catch (error) {
    if (init === undefined) clearUp(engine)
    else await stop(engine, init)
    throw error
  }
}

/** The engine's process outside of its namespaces: `unshare`, which ends when what it has started does. */
async function inNamespaces({ folder, cgroup, network }) {
  const dockerd = [
    ...['dockerd', '--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/dockerd.pid`],
    ...['--host', `unix://${folder}/docker.sock`, '--cgroup-parent', `/${cgroup}`, '--exec-opt', 'native.cgroupdriver=cgroupfs'],
    ...['--mtu', String(network.mtu)],
  ]
  const log = openSync(join(folder, 'dockerd.log'), 'w')
  // It waits for a line, until it has a network.
  const script = 'echo ready; read -r line; exec docker-init -s -- "$@" >&2'
  const init = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...['sh', '-c', script, 'sh', ...dockerd],
    ],
    // Ctrl-C is for us, who end it in order.
    { detached: true, stdio: ['pipe', 'pipe', log] },
  )
  closeSync(log)
  init.on('error', () => {})
  await Promise.race([once(init.stdout, 'data'), once(init, 'close')])
  if (init.exitCode !== null || init.pid === undefined) {
    throw new EngineFailed(`no namespaces can be made here: ${readFileSync(join(folder, 'dockerd.log'), 'utf8').trim()}`)
  }
  try {
    connect(network, init.pid)
  } catch (error) {
    init.kill('SIGKILL')
    throw error
  }
  init.stdin.end('go\n')
  return init
}

async function answering(host, init, folder) {
  const limit = Date.now() + START_LIMIT_MS
  while (!tried('docker', ['version'], { env: { DOCKER_HOST: host }, timeoutMs: 5000 })) {
    if (init.exitCode !== null || init.signalCode !== null || Date.now() > limit) {
      const last = readFileSync(join(folder, 'dockerd.log'), 'utf8').trim().split('\n').slice(-8).join('\n')
      throw new EngineFailed(`dockerd does not answer:\n${last}`)
    }
    await sleep(200)
  }
}

/** The first process of the namespaces is killed, and with it all others: the kernel lets it go when they are gone. */
async function stop(engine, init) {
  if (init.exitCode === null && init.signalCode === null) {
    const ended = once(init, 'close')
    const [first] = readFileSync(`/proc/${init.pid}/task/${init.pid}/children`, 'utf8').split(' ')
    if (first) process.kill(Number(first), 'SIGKILL')
    else init.kill('SIGKILL')
    await ended
  }
  clearUp(engine)
}

/** Whether an engine with Compose answers where the client looks: `DOCKER_HOST`, the context, or the usual socket. */
export function engineAnswers(env = {}) {
  return tried('docker', ['version'], { env, timeoutMs: 10_000 }) && tried('docker', ['compose', 'version'], { env })
}

/** The engine's version, for people. */
export function versionOf(env) {
  return read('docker', ['version', '--format', '{{.Server.Version}}'], { env }).trim()
}
