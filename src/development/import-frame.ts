import { readFileSync, statSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Frame } from './stack-frames.ts'

/** Largest file that is looked through, bytes. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

/**
 * The line that imports what is not there: Node's message names the file, but no line. Undefined where the message is about something
 * else, or the line is not found.
 */
export function importFrame(message: string): Frame | undefined {
  const match = /^Cannot find (?:module|package) '([^']+)' imported from (\S.*)$/m.exec(message)
  if (match === null) return undefined
  const [, missing = '', importer = ''] = match
  try {
    const file = importer.startsWith('file:') ? fileURLToPath(importer) : importer
    const stats = statSync(file)
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return undefined
    // A path was made of what is written there; the name of a package was not.
    const name = basename(missing, extname(missing))
    const lines = readFileSync(file, 'utf8').split('\n')
    const index = lines.findIndex((line) => /\bimport\b|\bfrom\b|\bexport\b/.test(line) && line.includes(name))
    if (index === -1) return undefined
    const column = (lines[index]?.indexOf(name) ?? -1) + 1
    return { text: `${file}:${index + 1}:${column}`, functionName: '', file, line: index + 1, column, owner: 'application' }
  } catch {
    // Not a file, or not readable.
    return undefined
  }
}
