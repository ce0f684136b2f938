import { chmodSync, chownSync, lstatSync, renameSync, unlinkSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { connect } from 'node:net'
import { randomBytes } from 'node:crypto'
import { quote, TsgiError } from '../interface/errors.ts'
import { checkSocketPath } from './address.ts'

/** Whoever may read and write the socket's directory may connect: owner and group, nobody else. */
export const DEFAULT_SOCKET_MODE = 0o660

/**
 * The life of a unix socket's name. The socket is bound to a name beside it, gets its mode there, and is renamed over the
 * path when somebody listens: a client finds the old socket or the new one, never one that refuses. On close the name is
 * removed only if it still leads to this socket; libuv, which unlinks the bound name, finds nothing left there.
 */
export class SocketPath {
  readonly path: string
  /** The name to bind. */
  readonly temporary: string
  #inode: number | undefined

  /** Throws `TSGI_ERR_SOCKET_PATH_TOO_LONG`. */
  constructor(path: string) {
    this.path = path
    this.temporary = `${path}.${randomBytes(3).toString('hex')}`
    checkSocketPath(path)
    checkSocketPath(this.temporary)
  }

  /** The name of a socket that another process has published, and that is this one's to remove from now on. */
  static adopt(path: string): SocketPath {
    const adopted = new SocketPath(path)
    adopted.#inode = lstat(path)?.ino
    return adopted
  }

  /**
   * Makes sure that the path is free or holds a socket nobody listens on; with `takeover` any socket.
   * Throws `TSGI_ERR_ADDRESS_IN_USE` for a live one, `TSGI_ERR_LISTEN` for anything that is no socket: it is left alone.
   */
  async claim(takeover = false): Promise<void> {
    const stats = lstat(this.path)
    if (stats === undefined) return
    if (!stats.isSocket()) throw new TsgiError('TSGI_ERR_LISTEN', `${quote(this.path)} exists and is no socket`)
    if (!takeover && (await isLive(this.path))) {
      throw new TsgiError(
        'TSGI_ERR_ADDRESS_IN_USE',
        `another server listens on ${quote(this.path)}; stop it or choose another path`,
      )
    }
  }

  /** Gives the bound socket its mode, owner and group, whatever the umask. */
  setMode(mode: number, { owner, group }: { readonly owner?: number; readonly group?: number } = {}): void {
    // Mode 0 while it changes hands: the file must not be open to the wrong group for a moment, nor to the wrong owner.
    if (owner !== undefined || group !== undefined) {
      chmodSync(this.temporary, 0)
      chownSync(this.temporary, owner ?? -1, group ?? -1)
    }
    chmodSync(this.temporary, mode)
  }

  /** Somebody listens: the path leads to this socket from now on. */
  publish(): void {
    renameSync(this.temporary, this.path)
    this.#inode = lstat(this.path)?.ino
  }

  /** Removes what this object has put there. */
  remove(): void {
    unlinkIfThere(this.temporary)
    if (this.#inode !== undefined && lstat(this.path)?.ino === this.#inode) unlinkIfThere(this.path)
    this.#inode = undefined
  }
}

/** Whether somebody accepts connections on the socket. */
export function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // ECONNREFUSED: nobody listens. EAGAIN: somebody does, with a full backlog. EACCES: somebody else's, not ours to take.
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'))
  })
}

function lstat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
