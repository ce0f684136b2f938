import { execFile, spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { statSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

import { quote, TsgiError } from '../interface/errors.ts'
import { whyNotHere } from '../server/platform.ts'
import { accountOf } from './account.ts'
import type { Account } from './account.ts'

/** What a worker is to the system: who it is, where, and with what priority. Absent: as its master. */
export interface WorkerRights {
  readonly account?: Account
  readonly umask?: number
  readonly nice?: number
  /** Absolute. */
  readonly directory?: string
}

/** What the settings say of it. */
export interface RightsSettings {
  readonly user: string | undefined
  readonly group: string | undefined
  readonly umask: number | undefined
  readonly nice: number | undefined
  readonly chdir: string | undefined
}

/** Throws `TSGI_ERR_OPTION` where the system would refuse it: better now than at every worker. */
export function workerRights({ user, group, umask, nice, chdir }: RightsSettings): WorkerRights {
  const account = accountOf(user, group)
  const directory = chdir === undefined ? undefined : resolve(chdir)
  if (directory !== undefined && statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new TsgiError('TSGI_ERR_OPTION', `--chdir ${quote(directory)}: there is no such directory`)
  }
  if (nice !== undefined && nice < getPriority() && process.getuid !== undefined && process.getuid() !== 0) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--nice ${nice}: only root can give a higher priority than this process has (${getPriority()})`,
    )
  }
  const why = umask === undefined ? undefined : whyNotHere('umask')
  if (why !== undefined) throw new TsgiError('TSGI_ERR_OPTION', `--umask: ${why}`)
  return {
    ...(account === undefined ? {} : { account }),
    ...(umask === undefined ? {} : { umask }),
    ...(nice === undefined ? {} : { nice }),
    ...(directory === undefined ? {} : { directory }),
  }
}

/** How long the trial may take, milliseconds: a start of Node. */
const TRIAL_TIMEOUT_MS = 10_000

/**
 * Rejects with `TSGI_ERR_OPTION` where the account cannot start Node or read `entry`, the file that its processes begin with (both
 * often are in a home directory that only root may enter), and where the system refuses the priority, as containers do.
 */
export async function tryRights({ account, nice }: WorkerRights, entry: string): Promise<void> {
  if (account === undefined && nice === undefined) return
  const script = 'require("node:fs").accessSync(process.argv[1], 4)'
  const [program, ...rest] = withGroups(account, process.execPath, ['-e', script, entry])
  const options = { ...idsOf(account), env: { PATH: process.env['PATH'] }, cwd: '/', timeout: TRIAL_TIMEOUT_MS }
  const trial = promisify(execFile)(program, rest, options)
  const refused = nice === undefined ? undefined : priorityRefused(trial.child.pid, nice)
  try {
    await trial
  } catch (error) {
    throw cannotRun(account, entry, error)
  }
  if (refused !== undefined) {
    throw new TsgiError('TSGI_ERR_OPTION', `--nice ${nice}: the system refuses it: ${quote(refused)}`, { cause: refused })
  }
}

function cannotRun(account: Account | undefined, entry: string, cause: unknown): TsgiError {
  const who = `--user: ${account?.name ?? 'uid'} (${account?.uid}:${account?.gid})`
  if (account !== undefined && account.groups.length > 0 && codeOf(cause) === 'ENOENT') {
    const advice = `install util-linux, or take the user out of the groups ${account.groups.join(', ')}`
    return new TsgiError('TSGI_ERR_OPTION', `${who} has further groups, which need setpriv; ${advice}`, { cause })
  }
  const advice = 'install Node and tsgi where every user can read them'
  return new TsgiError('TSGI_ERR_OPTION', `${who} cannot run ${quote(process.execPath)} or read ${quote(entry)}; ${advice}`, {
    cause,
  })
}

/** What keeps a process from getting the priority; undefined where it has it, or is gone already. */
function priorityRefused(pid: number | undefined, nice: number): unknown {
  try {
    if (pid !== undefined) setPriority(pid, nice)
    return undefined
  } catch (error) {
    return codeOf(error) === 'ESRCH' ? undefined : error
  }
}

/** A `SystemError` of node:os has its code, `EPERM`, in `info`. */
function codeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined
  const info: unknown = Reflect.get(error, 'info')
  return Reflect.get(typeof info === 'object' && info !== null ? info : error, 'code')
}

/**
 * `child_process.spawn` with these rights from the first instruction on: no line of JavaScript runs with the master's, not even
 * what NODE_OPTIONS loads.
 *
 * libuv takes every supplementary group away where it changes the user; the groups that the user has of its own are given back by
 * util-linux's setpriv, which becomes the process.
 */
export function spawnWithRights(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  { account, umask, nice, directory }: WorkerRights,
): ChildProcess {
  const [program, ...rest] = withGroups(account, command, args)
  const all: SpawnOptions = {
    ...options,
    ...(directory === undefined ? {} : { cwd: directory }),
    ...idsOf(account),
  }
  // spawn has no option for it. Nothing else runs in between.
  const before = umask === undefined ? undefined : process.umask(umask)
  try {
    const child = spawn(program, rest, all)
    // Tried before, by `tryRights`; a worker that is gone by now has its own end reported.
    if (nice !== undefined) priorityRefused(child.pid, nice)
    return child
  } finally {
    if (before !== undefined) process.umask(before)
  }
}

/** What programs look at to find their user's files, and found root's there. */
export function accountVariables(account: Account | undefined): Record<string, string> {
  if (account?.name === undefined) return {}
  return { USER: account.name, LOGNAME: account.name, ...(account.home === undefined ? {} : { HOME: account.home }) }
}

/** What spawn changes by itself. */
function idsOf(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined || account.groups.length > 0 ? {} : { uid: account.uid, gid: account.gid }
}

function withGroups(
  account: Account | undefined,
  command: string,
  args: readonly string[],
): [program: string, ...args: string[]] {
  if (account === undefined || account.groups.length === 0) return [command, ...args]
  const { uid, gid, groups } = account
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--groups', groups.join(','), '--', command, ...args]
}
