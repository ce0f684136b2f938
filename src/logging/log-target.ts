import { resolve } from 'node:path'

/** Where a log goes. `file`: an absolute path. */
export type LogTarget =
  | { readonly type: 'file'; readonly path: string }
  /** Standard output for an access log, standard error for the error log. */
  | { readonly type: 'stream' }
  | { readonly type: 'syslog' }
  | { readonly type: 'off' }

/** `FILE`, `-`, `syslog` or `off`. A file of such a name is written with its directory: `./off`. */
export function parseLogTarget(text: string): LogTarget | undefined {
  // Opened anew, a pipe would be another writer's, and a socket cannot be.
  if (text === '-' || text === '/dev/stdout' || text === '/dev/stderr') return { type: 'stream' }
  if (text === 'syslog' || text === 'off') return { type: text }
  return text === '' || /[\0-\x1f\x7f]/.test(text) || text.endsWith('/') ? undefined : { type: 'file', path: resolve(text) }
}

/** As it would be written. */
export function formatLogTarget(target: LogTarget): string {
  return target.type === 'file' ? target.path : target.type === 'stream' ? '-' : target.type
}
