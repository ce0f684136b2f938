import { isWindowsDevice } from './windows-names.ts'

/** Longest name that file systems take, bytes. */
const MAX_NAME_LENGTH = 255

/**
 * Makes a name of one that a client has sent, which can stand in a directory on every system: letters, digits, `_`, `.` and `-` of
 * ASCII. `../../etc/passwd` becomes `etc_passwd`. It may become empty, and two names may become one: have a name of your own at hand.
 */
export function secureFilename(filename: string): string {
  const ascii = filename
    .slice(0, 4096)
    .normalize('NFKD')
    .replace(/[^\x20-\x7e\t\n\r]/g, '')
  const words = ascii
    .replace(/[/\\]/g, ' ')
    .split(/\s/)
    .filter((word) => word !== '')
  const name = trimmed(words.join('_').replace(/[^A-Za-z0-9_.-]/g, ''))
  const short = name.length > MAX_NAME_LENGTH - 1 ? trimmed(shortened(name)) : name
  return isWindowsDevice(short) ? `_${short}` : short
}

/** Without dots and underscores around it. By hand: an expression for both ends would try each run of them again and again. */
function trimmed(name: string): string {
  let start = 0
  let end = name.length
  while (start < end && isTrimmed(name, start)) start++
  while (end > start && isTrimmed(name, end - 1)) end--
  return name.slice(start, end)
}

function isTrimmed(name: string, index: number): boolean {
  return name[index] === '.' || name[index] === '_'
}

/** The extension says what a file is: what is too long is cut before it. */
function shortened(name: string): string {
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && name.length - dot <= 32 ? name.slice(dot) : ''
  return name.slice(0, MAX_NAME_LENGTH - 1 - extension.length) + extension
}
