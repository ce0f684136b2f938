import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'
import { whyNotHere } from '../server/platform.ts'
import { groupId } from './group-id.ts'

/** Who a process runs as. */
export interface Account {
  readonly uid: number
  readonly gid: number
  /** The groups it has beside `gid`. */
  readonly groups: readonly number[]
  /** Absent where the system has no name for the number. */
  readonly name?: string
  readonly home?: string
}

/** How long a directory service may take to answer, milliseconds. */
const LOOKUP_TIMEOUT_MS = 5000

/** Above it are the numbers that mean "none" to the system. */
const MAX_ID = 0xff_ff_ff_fe

/**
 * The account that `--user` and `--group` mean, by name or number; undefined where neither is given or it is the one that runs
 * already. The supplementary groups are the user's own, never those of the process that asks.
 *
 * Throws `TSGI_ERR_OPTION`: the user or the group does not exist, a number needs `--group`, or this process is not root.
 */
export function accountOf(user: string | undefined, group: string | undefined): Account | undefined {
  if (user === undefined && group === undefined) return undefined
  const why = whyNotHere('account')
  if (why !== undefined) throw new TsgiError('TSGI_ERR_OPTION', `--user and --group: ${why}`)
  if (process.getuid === undefined || process.getgid === undefined) {
    throw new TsgiError('TSGI_ERR_OPTION', '--user and --group: this system has no users to change to')
  }
  const own = { uid: process.getuid(), gid: process.getgid() }
  const gid = group === undefined ? undefined : groupId(group, '--group')
  const account = user === undefined ? { uid: own.uid, gid: own.gid, groups: [] } : findUser(user, gid)
  const wanted: Account = { ...account, gid: gid ?? account.gid }
  if (own.uid === 0) return { ...wanted, groups: wanted.groups.filter((each) => each !== wanted.gid) }
  if (own.uid === wanted.uid && own.gid === wanted.gid) return undefined
  const asked = [
    ...(user === undefined ? [] : [`--user ${quote(user)}`]),
    ...(group === undefined ? [] : [`--group ${quote(group)}`]),
  ]
  throw new TsgiError(
    'TSGI_ERR_OPTION',
    `${asked.join(' ')}: only root can change who the workers are; this process is uid ${own.uid}`,
  )
}

/** The number of a user given by number or by name. Throws `TSGI_ERR_OPTION`; `flag` is who asks. */
export function userId(user: string, flag: string): number {
  if (isNumber(user)) return Number(user)
  const entry = passwdEntry(user)
  if (entry === undefined) throw new TsgiError('TSGI_ERR_OPTION', `${flag} ${quote(user)}: there is no such user`)
  return entry.uid
}

/** `gid`: where the user has no entry that names one. */
function findUser(user: string, gid: number | undefined): Account {
  const entry = passwdEntry(user)
  if (entry !== undefined) return { ...entry, groups: groupsOf(entry.name, entry.gid) }
  if (!isNumber(user)) throw new TsgiError('TSGI_ERR_OPTION', `--user ${quote(user)}: there is no such user`)
  if (gid === undefined) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--user ${quote(user)}: the system does not know this number's group; give --group, too`,
    )
  }
  return { uid: Number(user), gid, groups: [] }
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID
}

/** passwd(5), `name:password:uid:gid:comment:home:shell`: of the file, else of whatever directory service the system asks. */
function passwdEntry(user: string): { name: string; uid: number; gid: number; home: string } | undefined {
  const fields = linesOf(() => readFileSync('/etc/passwd', 'utf8'), user) ?? linesOf(() => ask('getent', 'passwd', user), user)
  const [name = '', , uid, gid, , home = '/'] = fields ?? []
  if (fields === undefined || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return undefined
  return { name, uid: Number(uid), gid: Number(gid), home }
}

function linesOf(read: () => string, user: string): string[] | undefined {
  let text: string
  try {
    text = read()
  } catch {
    // No such file, program or entry: the next way may know.
    return undefined
  }
  const entries = text.split('\n').map((line) => line.trim().split(':'))
  return entries.find(([name]) => name === user) ?? entries.find((fields) => isNumber(user) && fields[2] === String(Number(user)))
}

/** id(1) asks the system's directory services, as login does. */
function groupsOf(user: string, gid: number): number[] {
  try {
    return ask('id', '-G', user)
      .trim()
      .split(/\s+/)
      .map(Number)
      .filter((each) => Number.isInteger(each) && each !== gid)
  } catch (error) {
    throw new TsgiError('TSGI_ERR_OPTION', `--user ${quote(user)}: its groups cannot be found out: ${quote(error)}`, {
      cause: error,
    })
  }
}

function ask(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', timeout: LOOKUP_TIMEOUT_MS, stdio: ['ignore', 'pipe', 'ignore'] })
}
