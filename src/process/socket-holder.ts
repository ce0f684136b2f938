import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

import { quote } from '../interface/errors.ts'
import type { BindAddress } from '../server/address.ts'
import { rowsOf, TCP_LISTEN } from './proc-net.ts'

/**
 * Who listens on an address: `pid 12 ("nginx: master process")`. Undefined where that cannot be found out: /proc is Linux,
 * and other users' descriptors are theirs.
 */
export function describeHolder(address: BindAddress): string | undefined {
  try {
    const inodes = address.type === 'tcp' ? tcpInodes(address.port) : address.type === 'unix' ? unixInodes(address.path) : []
    const pid = inodes.length === 0 ? undefined : ownerOf(new Set(inodes.map((inode) => `socket:[${inode}]`)))
    return pid === undefined ? undefined : `pid ${pid} (${quote(commandOf(pid))})`
  } catch {
    // No /proc, or it changed while it was read. The error that this would have explained stands without it.
    return undefined
  }
}

/** proc_net(5): `sl local_address rem_address st … uid timeout inode`; the address is hexadecimal, `:` and the port. */
function tcpInodes(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    rowsOf(file).flatMap((columns) => {
      const [, local, , state] = columns
      return local?.endsWith(suffix) === true && state === TCP_LISTEN && columns[9] !== undefined ? [columns[9]] : []
    }),
  )
}

/** proc_net(5): `Num RefCount Protocol Flags Type St Inode Path`. The path is the one that was bound: it may have been renamed since. */
function unixInodes(path: string): string[] {
  const temporary = `${path}.`
  return rowsOf('/proc/net/unix').flatMap(([, , , , , , inode, bound]) => {
    if (inode === undefined || bound === undefined) return []
    return bound === path || bound.startsWith(temporary) ? [inode] : []
  })
}

/** The lowest pid: a master is older than the workers it shares the socket with. */
function ownerOf(links: ReadonlySet<string>): number | undefined {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids
    .sort((a, b) => a - b)
    .find((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => links.has(linkOf(`/proc/${pid}/fd/${fd}`)))
      } catch {
        // Somebody else's process, or one that has ended.
        return false
      }
    })
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // Closed between the listing and here.
    return ''
  }
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
}
