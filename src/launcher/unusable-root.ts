import { dirname } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import { shellLine } from './shell-words.ts'

/** What the system says in four letters, and what to do about it. `path`: what could not be written. */
const MEANINGS: Readonly<Record<string, (path: string) => string>> = {
  ENOSPC: (path) =>
    `the disk is full (ENOSPC); \`${shellLine(['df', '-h', dirname(path)])}\` tells which, and --server-root takes another`,
  EDQUOT: (path) =>
    `the quota of this user is used up (EDQUOT); \`${shellLine(['df', '-h', dirname(path)])}\` tells of which disk`,
  EROFS: () => 'the file system is read-only (EROFS); --server-root takes another',
}

/** Why the server root cannot be used: the path that could not be written, and what the system says. */
export function unusableRoot(path: string, error: unknown): TsgiError {
  const code = error instanceof Error ? String(Reflect.get(error, 'code')) : ''
  const meaning = MEANINGS[code]?.(path) ?? quote(error)
  return new TsgiError('TSGI_ERR_SERVER_ROOT', `${quote(path)}: ${meaning}`, { cause: error })
}
