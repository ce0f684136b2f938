import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'

/**
 * Writes this process's pid, complete from the first moment. Gives the function that removes the file again, if it is still ours.
 * A file that a process left behind which has ended is replaced, and that of the process whose place this one takes.
 *
 * Throws `TSGI_ERR_OPTION` where the file cannot be written, or belongs to a process that lives.
 */
export function writePidFile(path: string, predecessor?: number): () => void {
  const own = `${process.pid}\n`
  const temporary = `${path}.${process.pid}`
  try {
    writeFileSync(temporary, own)
    try {
      // Fails where the file is there, which a rename would not.
      linkSync(temporary, path)
      unlinkSync(temporary)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      refuseLiving(path, predecessor)
      renameSync(temporary, path)
    }
  } catch (error) {
    removeQuietly(temporary)
    if (error instanceof TsgiError) throw error
    throw new TsgiError('TSGI_ERR_OPTION', `--pid-file ${quote(path)} cannot be written (${codeOf(error) ?? String(error)})`, {
      cause: error,
    })
  }
  return () => {
    if (read(path) === own) removeQuietly(path)
  }
}

function refuseLiving(path: string, predecessor: number | undefined): void {
  const pid = Number(read(path)?.trim())
  if (Number.isInteger(pid) && pid > 0 && pid !== process.pid && pid !== predecessor && isAlive(pid)) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--pid-file ${quote(path)} names pid ${pid}, which is running; stop it, or remove the file if it is another program`,
    )
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return codeOf(error) === 'EPERM'
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Not there, or not ours to remove: either way nothing more can be done at the end.
  }
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : undefined
}
