import type { Server } from 'node:net'

import { TsgiError } from '../interface/errors.ts'
import { checkAddress, formatBindAddress } from '../server/address.ts'
import type { BindAddress } from '../server/address.ts'
import { SocketPath } from '../server/socket-path.ts'
import { addressInUse } from '../process/listening-socket.ts'

/** What a server listens on, and how that ends. */
export interface Listening {
  /** With the port that 0 became. */
  readonly address: BindAddress
  /** Takes nothing more. The connections that there are go on. */
  close(): void
}

/**
 * Makes a server listen. `mode`: of a unix socket's file.
 *
 * Rejects with `TSGI_ERR_ADDRESS_IN_USE`, `TSGI_ERR_LISTEN`, `TSGI_ERR_SOCKET_PATH_TOO_LONG`, `TSGI_ERR_BIND_INVALID`.
 */
export async function listen(server: Server, address: BindAddress, mode: number): Promise<Listening> {
  checkAddress(address)
  const path = address.type === 'unix' ? new SocketPath(address.path) : undefined
  await path?.claim()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(problem(address, error)))
    if (path !== undefined) server.listen(path.temporary, resolve)
    else if (address.type === 'tcp') server.listen(address.port, address.host, resolve)
    else if (address.type === 'fd') server.listen({ fd: address.fd }, resolve)
  })
  path?.setMode(mode)
  path?.publish()
  const bound = server.address()
  return {
    address: address.type === 'tcp' && typeof bound === 'object' && bound !== null ? { ...address, port: bound.port } : address,
    close() {
      path?.remove()
      server.close()
    },
  }
}

function problem(address: BindAddress, error: NodeJS.ErrnoException): TsgiError {
  const where = formatBindAddress(address)
  if (error.code === 'EADDRINUSE') {
    const inUse = addressInUse(address, error)
    if (address.type === 'tcp') inUse.message += `: --port ${address.port + 1}, or --port 0 for any that is free`
    return inUse
  }
  const advice =
    error.code === 'EACCES' && address.type === 'tcp' && address.port < 1024
      ? 'ports below 1024 need a privilege; take one from 1024 up, such as --port 8000'
      : error.message
  return new TsgiError('TSGI_ERR_LISTEN', `${where}: ${advice}`, { cause: error })
}
