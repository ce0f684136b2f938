import { readFileSync } from 'node:fs'

import { TsgiError } from '../interface/errors.ts'

/** Who the proxy's workers run as. */
export interface Account {
  readonly user: string
  readonly uid: number
  readonly group: string
  readonly gid: number
}

/** The accounts that packages make for web servers, first choice first. */
const CANDIDATES = ['www-data', 'nginx', 'nobody']

/**
 * The account for the proxy's workers. undefined where the launcher is not root: then they run as the launcher does.
 *
 * Throws `TSGI_ERR_PROXY_CONFIG` where the system has none of the usual accounts.
 */
export function proxyAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const account = findAccount(CANDIDATES, readText('/etc/passwd'), readText('/etc/group'))
  if (account !== undefined) return account
  throw new TsgiError(
    'TSGI_ERR_PROXY_CONFIG',
    `the proxy's workers must not be root, but there is no user named ${CANDIDATES.join(', ')}; add one, or start as another user than root`,
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
      return { user: name, uid, group: groupName, gid }
  }
  return undefined
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
