import { lookup } from 'node:dns/promises'
import { fstatSync, statSync } from 'node:fs'
import * as net from 'node:net'
import { dirname } from 'node:path'
import { getSystemErrorMap } from 'node:util'

import { quote, TsgiError } from '../interface/errors.ts'
import { checkAddress, formatBindAddress } from '../server/address.ts'
import type { BindAddress } from '../server/address.ts'
import { socketsTravelAs } from '../server/platform.ts'
import { DEFAULT_SOCKET_MODE, SocketPath } from '../server/socket-path.ts'
import type { SharedListener } from './listener-handover.ts'
import { describeHolder } from './socket-holder.ts'

/**
 * What `net._createServerHandle` gives: a bound descriptor inside a libuv handle that never listens, so never accepts.
 *
 * Node has no public way to bind without accepting, and a master that accepts would take connections away from its workers.
 * Node's own cluster module uses this function; it behaves the same on 20, 22, 24 and 26.
 */
interface BoundHandle {
  readonly fd: number
  close(): void
  /** Fills `out`; 0 or a negative error number. Absent on unix sockets. */
  getsockname?(out: { address?: string; port?: number }): number
}

/** A negative error number where the address cannot be bound. */
type CreateServerHandle = (address: string, port: number, addressType: 4 | 6 | -1) => BoundHandle | number

// The cast names a function that @types/node does not declare, because it is not public; see BoundHandle.
const createServerHandle = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle

export interface ListeningSocketOptions {
  /** Mode of a unix socket's file. Default 0o660. */
  readonly mode?: number
  /** User and group id that a unix socket's file is given to. */
  readonly owner?: number
  readonly group?: number
  /** Take a unix socket's place from a server that listens there, when a worker of this one does. */
  readonly takeover?: boolean
}

/** A bound descriptor that the master holds for its workers. The first worker that listens on it makes it a listening one. */
export class ListeningSocket {
  /** The address with the port that the system chose, where it was 0. */
  readonly address: BindAddress
  /** For a new master to inherit. Valid until `close`, and only where sockets travel so. */
  readonly fd: number
  readonly #handle: BoundHandle | undefined
  readonly #path: SocketPath | undefined
  readonly #takeover: boolean
  #published = false
  #closed = false
  #handedOver = false

  private constructor(address: BindAddress, fd: number, handle?: BoundHandle, path?: SocketPath, takeover = false) {
    this.address = address
    this.fd = fd
    this.#handle = handle
    this.#path = path
    this.#takeover = takeover
  }

  /**
   * Binds the address. A unix socket gets its place at the path only with `publish`.
   *
   * Throws `TSGI_ERR_ADDRESS_IN_USE`, `TSGI_ERR_LISTEN`, `TSGI_ERR_SOCKET_PATH_TOO_LONG`, `TSGI_ERR_BIND_INVALID`.
   */
  static async open(address: BindAddress, options: ListeningSocketOptions = {}): Promise<ListeningSocket> {
    checkAddress(address)
    switch (address.type) {
      case 'fd':
        checkInherited(address.fd)
        return new ListeningSocket(address, address.fd)
      case 'unix':
        return ListeningSocket.#openUnix(address, options)
      case 'tcp':
        return ListeningSocket.#openTcp(address)
    }
  }

  /** A descriptor that an earlier master has bound and published. The socket's file stays that one's until `takeOver`. */
  static inherit({ address, fd }: { readonly address: BindAddress; readonly fd: number }): ListeningSocket {
    checkInherited(fd)
    const path = address.type === 'unix' ? SocketPath.adopt(address.path) : undefined
    const socket = new ListeningSocket(address, fd, undefined, path)
    socket.#published = true
    socket.#handedOver = true
    return socket
  }

  static async #openUnix(address: BindAddress & { type: 'unix' }, options: ListeningSocketOptions): Promise<ListeningSocket> {
    const directory = dirname(address.path)
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new TsgiError(
        'TSGI_ERR_LISTEN',
        `${formatBindAddress(address)}: there is no directory ${quote(directory)}; make it first`,
      )
    }
    const takeover = options.takeover === true
    const { path, handle } = await bindBeside(address, takeover)
    try {
      path.setMode(options.mode ?? DEFAULT_SOCKET_MODE, options)
    } catch (error) {
      path.remove()
      handle.close()
      throw new TsgiError('TSGI_ERR_LISTEN', `${formatBindAddress(address)}: no mode, owner or group: ${messageOf(error)}`, {
        cause: error,
      })
    }
    return new ListeningSocket(address, handle.fd, handle, path, takeover)
  }

  static async #openTcp(address: BindAddress & { type: 'tcp' }): Promise<ListeningSocket> {
    const { host, family } = await resolveHost(address)
    const handle = createServerHandle(host, address.port, family)
    if (typeof handle === 'number') throw bindError(address, handle)
    // libuv keeps EADDRINUSE back until somebody listens: the descriptor exists then, but has no address.
    const name: { port?: number } = {}
    const failed = handle.getsockname?.(name) ?? 0
    if (failed < 0 || name.port === undefined || name.port === 0) {
      handle.close()
      throw failed < 0 ? bindError(address, failed) : addressInUse(address)
    }
    if (handle.fd < 0 && socketsTravelAs() === 'descriptor') {
      handle.close()
      throw new TsgiError(
        'TSGI_ERR_LISTEN',
        `${formatBindAddress(address)}: this system cannot hand a listening descriptor to the workers`,
      )
    }
    return new ListeningSocket({ ...address, port: name.port }, handle.fd, handle)
  }

  /** What each worker is given. */
  get shared(): SharedListener {
    return this.#handle !== undefined && socketsTravelAs() === 'handle' ? { handle: this.#handle } : { fd: this.fd }
  }

  /**
   * Puts a unix socket in its place, over a stale one; to be called when a worker listens, so that nobody finds a socket
   * that refuses. Nothing to do for other addresses. Rejects with `TSGI_ERR_ADDRESS_IN_USE` where somebody took the place meanwhile.
   */
  async publish(): Promise<void> {
    if (this.#path === undefined || this.#published) return
    this.#published = true
    await claim(this.#path, this.#takeover)
    if (!this.#closed) this.#path.publish()
  }

  /** The socket's file is this process's to remove. */
  takeOver(): void {
    this.#handedOver = false
  }

  /** Another process has the descriptor too, and the socket's file is its own from now on. */
  handOver(): void {
    this.#handedOver = true
  }

  /** Gives up the master's descriptor and removes the socket's file where it is still this one. Workers keep theirs. */
  close(): void {
    this.#closed = true
    // The file first: libuv would remove only the temporary name.
    if (!this.#handedOver) this.#path?.remove()
    this.#handle?.close()
  }
}

/** Names to try where a master that was killed has left its temporary name behind: a container gives every master the same pid. */
const TEMPORARY_NAMES = 16

async function bindBeside(
  address: BindAddress & { type: 'unix' },
  takeover: boolean,
): Promise<{ path: SocketPath; handle: BoundHandle }> {
  for (let attempt = 1; ; attempt += 1) {
    const path = new SocketPath(address.path)
    if (attempt === 1) await claim(path, takeover)
    const handle = createServerHandle(path.temporary, -1, -1)
    if (typeof handle !== 'number') return { path, handle }
    if (getSystemErrorMap().get(handle)?.[0] !== 'EADDRINUSE' || attempt === TEMPORARY_NAMES) throw bindError(address, handle)
  }
}

/** `SocketPath.claim`, with the holder of a live socket named. */
async function claim(path: SocketPath, takeover: boolean): Promise<void> {
  try {
    await path.claim(takeover)
  } catch (error) {
    if (error instanceof TsgiError && error.code === 'TSGI_ERR_ADDRESS_IN_USE')
      throw addressInUse({ type: 'unix', path: path.path }, error)
    throw error
  }
}

/** `TSGI_ERR_ADDRESS_IN_USE` that says who holds the address and what to do. */
export function addressInUse(address: BindAddress, cause?: unknown): TsgiError {
  const holder = describeHolder(address)
  const advice =
    holder === undefined ? 'Stop what uses it, or take another address' : `${holder} holds it; stop that, or take another address`
  return new TsgiError(
    'TSGI_ERR_ADDRESS_IN_USE',
    `${formatBindAddress(address)}. ${advice}`,
    cause === undefined ? {} : { cause },
  )
}

async function resolveHost(address: BindAddress & { type: 'tcp' }): Promise<{ host: string; family: 4 | 6 }> {
  const family = net.isIP(address.host)
  if (family === 4 || family === 6) return { host: address.host, family }
  try {
    const found = await lookup(address.host)
    return { host: found.address, family: found.family === 6 ? 6 : 4 }
  } catch (error) {
    throw new TsgiError('TSGI_ERR_LISTEN', `${formatBindAddress(address)}: the host ${quote(address.host)} has no address`, {
      cause: error,
    })
  }
}

/** `errorNumber` is negative, as libuv gives it. */
function bindError(address: BindAddress, errorNumber: number): TsgiError {
  const [code, text] = getSystemErrorMap().get(errorNumber) ?? [`error ${errorNumber}`, 'unknown error']
  const where = formatBindAddress(address)
  if (code === 'EADDRINUSE') return addressInUse(address)
  if (code === 'EACCES' && address.type === 'tcp' && address.port < 1024) {
    const advice = 'take a port from 1024 up and let a proxy answer on this one'
    return new TsgiError(
      'TSGI_ERR_LISTEN',
      `${where}: ports below 1024 need a privilege that this process does not have; ${advice}`,
    )
  }
  if (code === 'EACCES') return new TsgiError('TSGI_ERR_LISTEN', `${where}: this process may not create a socket there (${code})`)
  if (code === 'EADDRNOTAVAIL')
    return new TsgiError('TSGI_ERR_LISTEN', `${where}: this machine does not have that address (${code})`)
  return new TsgiError('TSGI_ERR_LISTEN', `${where}: ${text} (${code})`)
}

function checkInherited(fd: number): void {
  let isSocket: boolean
  try {
    isSocket = fstatSync(fd).isSocket()
  } catch (error) {
    throw new TsgiError('TSGI_ERR_LISTEN', `fd://${fd}: no descriptor ${fd} was inherited`, { cause: error })
  }
  if (!isSocket) throw new TsgiError('TSGI_ERR_LISTEN', `fd://${fd}: the inherited descriptor ${fd} is not a socket`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
