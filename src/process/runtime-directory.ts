import { chmodSync, lstatSync, mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import { isLive } from '../server/socket-path.ts'

/**
 * Where `tsgi ctl` finds servers that nobody told it about: one directory of each user, with one socket a master, `<pid>.sock`.
 * It is private to its user, which is what keeps others in a shared directory such as /tmp from putting something of theirs there.
 */

/** A socket, or what its master left of its temporary name. */
const ENTRY = /^(\d{1,10})\.sock(\.[0-9a-f]{6})?$/

/** A socket that a server may answer on. */
export interface FoundSocket {
  readonly pid: number
  readonly path: string
}

/** The user as whom files are made. Node has no users on Windows, which has no such sockets either. */
export function userId(): number {
  return process.geteuid?.() ?? -1
}

export function socketName(pid: number): string {
  return `${pid}.sock`
}

/** Makes the directory of this user where it is missing. Throws `TSGI_ERR_CONTROL` where no place will do. */
export function openRuntimeDirectory(): string {
  const uid = userId()
  const problems: string[] = []
  for (const directory of ownDirectories(uid)) {
    try {
      try {
        mkdirSync(directory, { mode: 0o700 })
        // Whatever the umask took away.
        chmodSync(directory, 0o700)
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error
      }
      const problem = whyNotPrivate(directory, uid)
      if (problem === undefined) return directory
      problems.push(problem)
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new TsgiError('TSGI_ERR_CONTROL', problems.join('; '))
}

/** Removes the directory where it is empty; the next server makes it again. */
export function leaveRuntimeDirectory(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // Other servers have their sockets there.
  }
}

/**
 * The directories in which a server of the user may be found. The environment of a server is not that of whoever asks: one has
 * $XDG_RUNTIME_DIR, which a session sets, and the other has not. Those that are not private to the user are left out.
 */
export function runtimeDirectories(uid: number): string[] {
  const others = [join('/run/user', String(uid), 'tsgi'), join('/tmp', `tsgi-${uid}`)]
  return [...new Set([...ownDirectories(uid), ...others])].filter((directory) => {
    try {
      return whyNotPrivate(directory, uid) === undefined
    } catch {
      // It is not there.
      return false
    }
  })
}

/** The sockets in a directory, by pid; whether somebody answers on them is not known. */
export function socketsIn(directory: string): FoundSocket[] {
  return entries(directory)
    .filter(({ temporary }) => !temporary)
    .map(({ pid, path }) => ({ pid, path }))
    .toSorted((a, b) => a.pid - b.pid)
}

/** Removes what masters have left that were killed. */
export async function removeStaleSockets(directory: string): Promise<void> {
  for (const { pid, path, temporary } of entries(directory)) {
    // A temporary name refuses for a moment while its master lives. A pid alone says little: containers may share the directory.
    if (!isOurSocket(path) || (temporary && isAlive(pid)) || (await isLive(path))) continue
    try {
      unlinkSync(path)
    } catch {
      // Somebody else has removed it.
    }
  }
}

/** Where a server of this process's environment puts its socket: the first that works. */
function ownDirectories(uid: number): string[] {
  const { XDG_RUNTIME_DIR: session } = process.env
  return [
    // sudo may leave the variable of another user.
    ...(session !== undefined && session.startsWith('/') && ownerOf(session) === uid ? [join(session, 'tsgi')] : []),
    ...(uid === 0 ? ['/run/tsgi'] : []),
    join(tmpdir(), `tsgi-${uid}`),
  ]
}

/** Throws where it is not there. */
function whyNotPrivate(directory: string, uid: number): string | undefined {
  // Not followed: in a directory that all may write to, a link would be somebody's trap.
  const stats = lstatSync(directory)
  if (!stats.isDirectory()) return `${quote(directory)} is no directory`
  if (stats.uid !== uid) return `${quote(directory)} belongs to user ${stats.uid}, not to us (user ${uid})`
  if ((stats.mode & 0o077) !== 0) return `others may enter ${quote(directory)}: type \`chmod 700\` on it`
  return undefined
}

function ownerOf(directory: string): number | undefined {
  return statSync(directory, { throwIfNoEntry: false })?.uid
}

function entries(directory: string): (FoundSocket & { readonly temporary: boolean })[] {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch {
    // It has gone with its last server.
    return []
  }
  return names.flatMap((name) => {
    const match = ENTRY.exec(name)
    return match === null ? [] : [{ pid: Number(match[1]), path: join(directory, name), temporary: match[2] !== undefined }]
  })
}

/** Or a link to one. Whoever named the directory may have other things in it. */
function isOurSocket(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats !== undefined && stats.uid === userId() && (stats.isSocket() || stats.isSymbolicLink())
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === code
}

/** The owner of a running process, from /proc; undefined where that cannot be told. */
export function ownerOfProcess(pid: number): number | undefined {
  return ownerOf(join('/proc', String(pid)))
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
