import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import type { Settings } from '../settings/settings.ts'
import type { Account } from './proxy-account.ts'
import { shellLine } from './shell-words.ts'

/** A path that is to be served, and what on the way to it, or itself, the proxy's user may not enter or read. */
export interface ClosedPath {
  readonly option: string
  readonly path: string
  readonly closed: string
}

type Somebody = Pick<Account, 'uid' | 'gid' | 'groups'>

/** The path itself, or what is there of it. */
export function nearestDirectory(path: string): string {
  let place = path
  while (statSync(place, { throwIfNoEntry: false }) === undefined && place !== dirname(place)) place = dirname(place)
  return place
}

/** The nearest directory on the way to `path`, from there upwards, that the account may not enter. */
export function barrier(path: string, account: Somebody): string | undefined {
  for (let directory = path; ; directory = dirname(directory)) {
    const stats = statSync(directory)
    if (stats.isDirectory() && !may(account, directory, 0o001)) return directory
    if (dirname(directory) === directory) return undefined
  }
}

/** What the account may not enter or read for a file or a directory, by the modes; access control lists may say otherwise. */
export function closedTo(path: string, account: Somebody): string | undefined {
  return barrier(path, account) ?? (statSync(path).isFile() && !may(account, path, 0o004) ? path : undefined)
}

/** `bit`: of everyone. */
function may({ uid, gid, groups = [] }: Somebody, path: string, bit: number): boolean {
  const stats = statSync(path)
  if (uid === 0) return true
  const shift = stats.uid === uid ? 6 : stats.gid === gid || groups.includes(stats.gid) ? 3 : 0
  return (stats.mode & (bit << shift)) !== 0
}

/** What the proxy serves from the disk. */
export function servedPaths({
  documentRoot,
  urlAlias,
  maintenance,
}: Settings<'start-server'>): readonly { option: string; path: string }[] {
  return [
    ...(documentRoot === undefined ? [] : [{ option: '--document-root', path: resolve(documentRoot) }]),
    ...urlAlias.map(([url, path]) => ({ option: `--url-alias ${url}`, path: resolve(path) })),
    ...(maintenance === undefined ? [] : [{ option: '--maintenance', path: resolve(maintenance) }]),
  ].filter(({ path }) => statSync(path, { throwIfNoEntry: false }) !== undefined)
}

/** What of it the proxy's user cannot get to: clients would see 403 or 404, and the log of the proxy alone would tell why. */
export function closedPaths(settings: Settings<'start-server'>, account: Account): ClosedPath[] {
  return servedPaths(settings).flatMap(({ option, path }) => {
    const closed = closedTo(path, account)
    return closed === undefined ? [] : [{ option, path, closed }]
  })
}

/** The command for it. */
export function howToOpen({ closed }: ClosedPath): string {
  return shellLine(['chmod', statSync(closed).isDirectory() ? 'o+x' : 'o+r', closed])
}

/** Who, and what: a sentence without its end. */
export function whatIsClosed({ closed, path }: ClosedPath, { user }: { readonly user: string }): string {
  return closed === path && statSync(path).isFile()
    ? `${user} may not read ${path}`
    : `${user} cannot enter ${closed}, which is on the way to ${path}`
}

/** For the operator. */
export function closedWarning(each: ClosedPath, account: Account): string {
  return `${each.option}: the proxy's ${whatIsClosed(each, account)}: clients get 403 or 404; keep it elsewhere, such as below /srv, or type \`${howToOpen(each)}\``
}
