import { join } from 'node:path'
import { isWindowsDevice } from './windows-names.ts'

/** Longest path that is looked at, characters: Linux opens none that is longer than 4096 bytes. */
const MAX_PATH_LENGTH = 4096

/**
 * Joins paths that come from clients to a directory of ours; undefined where the result could lie outside of it, or be no file at all:
 * `..` that leads out, an absolute path, a backslash, a NUL, a drive or a stream of Windows (`c:`, `a.txt:b`), a device of Windows (`NUL`, `com1.txt`).
 *
 * The rules are the same on every system, so that what is tested on one holds on the other; a file with such a name cannot be had by this
 * way. Symbolic links in the directory are yours, and are followed. Paths are percent-decoded already, as `PATH_INFO` is.
 */
export function safeJoin(directory: string, ...untrusted: readonly string[]): string | undefined {
  const parts: string[] = []
  for (const path of untrusted) {
    if (path.length > MAX_PATH_LENGTH || path.startsWith('/') || /[\0\\:]/.test(path)) return undefined
    const own: string[] = []
    for (const segment of path.split('/')) {
      if (segment === '..') {
        // Each path stays where the one before has led.
        if (own.pop() === undefined) return undefined
      } else if (segment !== '' && segment !== '.') {
        if (isWindowsDevice(segment)) return undefined
        own.push(segment)
      }
    }
    parts.push(...own)
  }
  // What is relative stays so, but is no option of a command.
  return join(directory === '' ? '.' : directory, ...parts)
}
