import { fstatSync, readlinkSync } from 'node:fs'

import { rowsOf, TCP_LISTEN } from './proc-net.ts'

/** `__SO_ACCEPTCON` of the kernel, in the flags of /proc/net/unix: the socket listens. */
const ACCEPTS = 0x1_00_00

/**
 * Whether a descriptor is a socket that listens. FastCGI 1.0 §2.2 has a program ask getpeername() whether it was started as a FastCGI
 * one; Node has no such call, but Linux lists its listening sockets. False where that cannot be found out: elsewhere `--bind fd://0`
 * says it.
 */
export function isListening(fd: number): boolean {
  try {
    if (!fstatSync(fd).isSocket()) return false
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]
    if (inode === undefined) return false
    // proc_net(5): `Num RefCount Protocol Flags Type St Inode Path`.
    const isUnix = rowsOf('/proc/net/unix').some((row) => row[6] === inode && (Number.parseInt(row[3] ?? '', 16) & ACCEPTS) !== 0)
    return isUnix || ['/proc/net/tcp', '/proc/net/tcp6'].some((file) => listensInTcp(file, inode))
  } catch {
    return false
  }
}

/** proc_net(5): `sl local_address rem_address st … uid timeout inode`. */
function listensInTcp(file: string, inode: string): boolean {
  return rowsOf(file).some((row) => row[9] === inode && row[3] === TCP_LISTEN)
}
