import { readFileSync } from 'node:fs'

import { TsgiError } from '../interface/errors.ts'

/** Who the proxy's workers run as. */
export interface Account {
  readonly user: string
  readonly uid: number
  readonly group: string
  readonly gid: number
  /** The groups that it has besides: proxies take them along. */
  readonly groups?: readonly number[]
}

/** Who the application runs as. */
type ApplicationAccount = Pick<Account, 'uid' | 'gid' | 'groups'> & { readonly name?: string }

/** The accounts that packages make for web servers, first choice first. */
const CANDIDATES = ['www-data', 'nginx', 'apache', 'nobody']

/**
 * The account for the proxy's workers: the application's, else one of the usual ones. undefined where the launcher is not root:
 * then they run as the launcher does.
 *
 * Throws `TSGI_ERR_PROXY_CONFIG` where the system has no such account, `TSGI_ERR_OPTION` for a user without a name.
 */
export function proxyAccount(application?: ApplicationAccount): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  if (application !== undefined && application.uid !== 0) return named(application)
  const account = findAccount(CANDIDATES, readText('/etc/passwd'), readText('/etc/group'))
  if (account !== undefined) return account
  throw new TsgiError(
    'TSGI_ERR_PROXY_CONFIG',
    `the proxy's workers must not be root, but there is no user named ${CANDIDATES.join(', ')}; add one, or start as another user than root`,
  )
}

/** An account of this system by its name; undefined where it has none. */
export function accountNamed(user: string): Account | undefined {
  return findAccount([user], readText('/etc/passwd'), readText('/etc/group'))
}

/** Proxies take names only. */
function named({ name, uid, gid, groups = [] }: ApplicationAccount): Account {
  const group = readText('/etc/group')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(gid))?.[0]
  if (name !== undefined && group !== undefined) return { user: name, uid, group, gid, groups }
  const [option, number] = name === undefined ? ['--user', uid] : ['--group', gid]
  throw new TsgiError(
    'TSGI_ERR_OPTION',
    `${option} ${number} has no name on this system, and the proxy takes names only; add it (useradd, groupadd), or take --server-type embedded`,
  )
}

/** The first of `names` in `passwd` (passwd(5)) whose group is in `group` (group(5)). */
export function findAccount(names: readonly string[], passwd: string, group: string): Account | undefined {
  const users = passwd.split('\n').map((line) => line.split(':'))
  const groups = group.split('\n').map((line) => line.split(':'))
  for (const name of names) {
    const user = users.find((fields) => fields[0] === name)
    const groupName = groups.find((fields) => fields[2] === user?.[3] && fields[2] !== undefined)?.[0]
    const [uid, gid] = [Number(user?.[2]), Number(user?.[3])]
    if (groupName !== undefined && Number.isInteger(uid) && Number.isInteger(gid))
      return { user: name, uid, group: groupName, gid, groups: groups.flatMap((fields) => besides(fields, name)) }
  }
  return undefined
}

/** The number of a group that lists this user. */
function besides([, , gid, members = '']: readonly string[], user: string): number[] {
  return members.split(',').includes(user) && Number.isInteger(Number(gid)) ? [Number(gid)] : []
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
