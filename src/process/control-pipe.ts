import { readdirSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'
import { localSocketsAre } from '../server/platform.ts'
import type { FoundSocket } from './runtime-directory.ts'

/**
 * Where `tsgi ctl` finds servers on Windows: named pipes, which are in one place for all users and go with their servers. By Windows'
 * own rule for a pipe that says nothing else, who made it may write to it, and administrators and the system; others may only read.
 */

/** Windows lists it like a directory. */
const PLACE = '\\\\.\\pipe\\'

const NAME = /^tsgi-(\d{1,10})$/

/** The pipe of a master: `\\.\pipe\tsgi-1234`. */
export function pipeOf(pid: number): string {
  return `${PLACE}tsgi-${pid}`
}

/** Whether that is the name of a pipe, in one of the two ways in which it can be written. To Windows `/` is as good as `\`. */
export function isPipe(path: string): boolean {
  return /^\\\\[.?]\\pipe\\[^\\]/i.test(path.replaceAll('/', '\\'))
}

/** The pipe that a master is to have; `path` is what `--control-socket` says. Throws `TSGI_ERR_CONTROL` where that is no pipe. */
export function controlPipe(path: string | undefined, pid: number): string {
  if (path === undefined) return pipeOf(pid)
  if (isPipe(path)) return path
  throw new TsgiError('TSGI_ERR_CONTROL', `${quote(path)} is no named pipe; on Windows it must be one, such as ${PLACE}app`)
}

/** Those of masters among the names of pipes, by pid. */
export function pipesAmong(names: readonly string[]): FoundSocket[] {
  return names
    .flatMap((name) => {
      const pid = Number(NAME.exec(name)?.[1])
      return pid > 0 ? [{ pid, path: pipeOf(pid) }] : []
    })
    .toSorted((a, b) => a.pid - b.pid)
}

/** The pipes of masters that may answer, of all users; undefined where such servers have no pipes. */
export function controlPipes(pid: number | undefined): FoundSocket[] | undefined {
  if (localSocketsAre() === 'files') return undefined
  // Who names one needs no list, which not every version of Node can make.
  if (pid !== undefined) return [{ pid, path: pipeOf(pid) }]
  try {
    return pipesAmong(readdirSync(PLACE))
  } catch (error) {
    throw new TsgiError(
      'TSGI_ERR_CONTROL_UNREACHABLE',
      `the pipes cannot be listed (${quote(error)}); say which server by --pid`,
      {
        cause: error,
      },
    )
  }
}
