import { readFileSync } from 'node:fs'

/** Column of a listening TCP socket's state in /proc/net/tcp. */
export const TCP_LISTEN = '0A'

/** The lines of a file of /proc/net, without its heading, in columns. Throws where there is none: it is Linux's. */
export function rowsOf(file: string): string[][] {
  return readFileSync(file, 'latin1')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
}
