import { accessSync, constants, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { isLive, SocketPath } from '../../server/socket-path.ts'
import { barrier, closedPaths, howToOpen, whatIsClosed, nearestDirectory, servedPaths } from '../closed-paths.ts'
import { foreignFile } from '../foreign-files.ts'
import { logTargets } from '../log-plan.ts'
import { whyForeign } from '../server-root.ts'
import { shellLine } from '../shell-words.ts'
import { fail, ok, reason, warn, worst } from './check.ts'
import type { Check, Finding, Patient } from './check.ts'
import { freeBytes, textOf } from './machine.ts'

/** A disk with less has no room for a day's logs, bytes; with less than a hundredth of it, none for anything. */
const LITTLE_SPACE = 100 * 1024 * 1024

const socketPath: Check = {
  id: 'socket-path',
  about: 'The paths of the unix sockets are not longer than the system takes',
  look({ root, settings }) {
    const last = settings.mount.length === 0 ? root.socketPath : root.mountSocketPath(settings.mount.length - 1)
    try {
      return ok(new SocketPath(last).path)
    } catch (error) {
      return fail(reason(error), '--server-root /run/app')
    }
  },
}

const serverRoot: Check = {
  id: 'server-root',
  about: 'The server root is a directory of ours that nobody else may write to, or can be made',
  look({ root, proxy, settings, machine: { uid } }) {
    if (root.fresh) return ok('a fresh directory at each start')
    const stats = statSync(root.path, { throwIfNoEntry: false })
    if (stats === undefined) {
      const parent = nearestDirectory(root.path)
      return isWritable(parent)
        ? ok(`${root.path} will be made`)
        : fail(
            `${root.path} cannot be made: ${parent} is not ours to write`,
            shellLine(['sudo', 'install', '-d', '-o', String(uid), root.path]),
          )
    }
    if (!stats.isDirectory()) return fail(`${root.path} is not a directory`, shellLine(['ls', '-l', root.path]))
    if (uid !== undefined && stats.uid !== uid) {
      return fail(
        `${root.path} belongs to user ${stats.uid}, not to us (user ${uid})`,
        shellLine(['sudo', 'chown', String(uid), root.path]),
      )
    }
    if ((stats.mode & 0o002) !== 0) return fail(`everyone may write to ${root.path}`, shellLine(['chmod', 'o-w', root.path]))
    const chain = settings.sslCertificateChainFile !== undefined
    const foreign = foreignFile(root, { proxied: proxy !== undefined, chain, script: false })
    if (foreign !== undefined) return fail(whyForeign(foreign), shellLine(['--server-root', join(root.path, 'tsgi')]))
    if ((stats.mode & 0o020) !== 0) return warn(`a group may write to ${root.path}`, shellLine(['chmod', 'g-w', root.path]))
    return ok(root.path)
  },
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

const entry: Check = {
  id: 'entry',
  about: "The proxy's user may enter every directory on the way to the sockets and to the files that are served",
  look({ root, account, machine: { temporary }, settings }) {
    if (account === undefined) return ok('the proxy runs as we do')
    const place = root.fresh ? temporary : nearestDirectory(root.path)
    const closed = barrier(place, account)
    const findings: Finding[] = [
      ...(closed === undefined ? [] : [{ path: place, closed, option: '--server-root' }]),
      ...closedPaths(settings, account),
    ].map((each) => fail(`${whatIsClosed(each, account)} (${each.option})`, howToOpen(each)))
    return worst(findings, `${account.user} gets to ${[place, ...servedPaths(settings).map(({ path }) => path)].join(', ')}`)
  },
}

const leftovers: Check = {
  id: 'leftovers',
  about: 'No socket and no pid file is left over from a server that has ended without a stop',
  async look({ root, settings }) {
    const left: string[] = []
    for (const path of [root.socketPath, root.controlSocketPath]) {
      if (path === undefined) continue
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined && !(await isLive(path))) left.push(path)
    }
    for (const path of [settings.pidFile ?? join(root.path, 'tsgi.pid')]) {
      const pid = Number(textOf(path)?.trim())
      if (Number.isInteger(pid) && pid > 0 && !isAlive(pid)) left.push(path)
    }
    if (left.length === 0) return ok('nothing is left over')
    return warn(`left over from a server that has ended: ${left.join(', ')}`, shellLine(['rm', ...left]))
  },
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && Reflect.get(error, 'code') === 'EPERM'
  }
}

const socketMode: Check = {
  id: 'socket-mode',
  about: "The socket of a server that runs is open to the proxy's user, and to nobody else",
  look({ root, account }) {
    const stats = lstatSync(root.socketPath, { throwIfNoEntry: false })
    if (stats === undefined) return ok('there is none')
    const mode = (stats.mode & 0o777).toString(8)
    if ((stats.mode & 0o006) !== 0)
      return warn(`${root.socketPath} has mode ${mode}: everyone may connect`, shellLine(['chmod', '660', root.socketPath]))
    const isOpen =
      account === undefined || stats.uid === account.uid || (stats.gid === account.gid && (stats.mode & 0o060) === 0o060)
    if (isOpen) return ok(`mode ${mode}, user ${stats.uid}, group ${stats.gid}`)
    return fail(
      `${root.socketPath} (mode ${mode}, group ${stats.gid}) is closed to ${account.user}: every request is a 502`,
      shellLine(['chgrp', account.group, root.socketPath]),
    )
  },
}

const temporary: Check = {
  id: 'temporary-directory',
  about: 'The temporary directory can be written to, has room, and programs in it may be executed',
  look({ machine: { temporary: directory, proc } }) {
    try {
      rmSync(mkdtempSync(join(directory, 'tsgi-doctor-')), { recursive: true })
    } catch (error) {
      return fail(`${directory}: ${reason(error)}`, 'TMPDIR=/var/tmp tsgi-express …')
    }
    const free = freeBytes(directory) ?? Infinity
    if (free < LITTLE_SPACE)
      return warn(`${directory} has ${Math.round(free / 1024 ** 2)} MB left`, `du -xh ${directory} | sort -h | tail`)
    if (mountOptions(proc, directory).includes('noexec')) {
      return warn(`${directory} is mounted noexec: packages that unpack native code there fail`, 'TMPDIR=/var/tmp tsgi-express …')
    }
    return ok(directory)
  },
}

/** The options of the file system that a directory is on (proc_pid_mounts(5)). */
function mountOptions(proc: string, directory: string): string[] {
  const mounts = (textOf(join(proc, 'self/mounts')) ?? '').split('\n').map((line) => line.split(' '))
  const path = resolve(directory)
  const above = mounts.filter(([, place = '']) => place === '/' || path === place || path.startsWith(`${place}/`))
  const nearest = above.toSorted(([, a = ''], [, b = '']) => a.length - b.length).at(-1)
  return nearest?.[3]?.split(',') ?? []
}

const logs: Check = {
  id: 'logs',
  about: 'Log files can be written to, and their disks have room',
  look({ root, settings, proxy }: Patient) {
    const targets = Object.values(logTargets(root, settings, proxy))
    const files = [
      ...new Set(targets.flatMap((target) => (typeof target === 'object' && 'file' in target ? [resolve(target.file)] : []))),
    ]
    const findings = files.flatMap((file): Finding[] => {
      // The server root is made where it is not there, and nothing else is.
      const directory = dirname(file) === root.path ? nearestDirectory(dirname(file)) : dirname(file)
      const free = freeBytes(file) ?? Infinity
      if (!existsSync(directory))
        return [fail(`the directory of ${file} is not there`, shellLine(['mkdir', '-p', dirname(file)]))]
      if (!canAppend(file, directory)) return [fail(`${file} cannot be written to`, shellLine(['ls', '-ld', file, directory]))]
      if (free < LITTLE_SPACE / 100) return [fail(`the disk of ${file} is full`, `du -xh ${directory} | sort -h | tail`)]
      return free < LITTLE_SPACE
        ? [warn(`the disk of ${file} has ${Math.round(free / 1024 ** 2)} MB left`, '--max-log-size 10MB --rotate-logs 5')]
        : []
    })
    return worst(findings, files.length === 0 ? 'none is a file' : files.join(', '))
  },
}

function canAppend(file: string, directory: string): boolean {
  if (!existsSync(file)) return isWritable(directory)
  try {
    accessSync(file, constants.W_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

const keyMode: Check = {
  id: 'key-mode',
  about: 'Nobody else can read the key of the certificate',
  look({ settings: { sslCertificateKeyFile: file } }) {
    if (file === undefined) return ok('no HTTPS')
    try {
      readFileSync(file)
    } catch (error) {
      return fail(`${file}: ${reason(error)}`, shellLine(['ls', '-l', file]))
    }
    return (statSync(file).mode & 0o004) === 0 ? ok(file) : warn(`everyone can read ${file}`, shellLine(['chmod', 'o-rwx', file]))
  },
}

/** What concerns files and directories. */
export const ROOT_CHECKS: readonly Check[] = [socketPath, serverRoot, entry, leftovers, socketMode, temporary, logs, keyMode]
