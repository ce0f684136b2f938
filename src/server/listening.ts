import type { Server } from 'node:net'

import { TsgiError } from '../interface/errors.ts'
import { LISTEN_BACKLOG } from '../interface/limits.ts'

/** A bound socket that came over the channel from another process. It is the server's from now on. */
export interface BoundHandle {
  readonly type: 'handle'
  readonly handle: object
}

/** Resolves when `listener` listens. Rejects with `TSGI_ERR_ADDRESS_IN_USE`, `TSGI_ERR_LISTEN`; `where`: the address, for the message. */
export function listening(
  listener: Server,
  target: number | BoundHandle | { path: string; backlog: number } | { host: string; port: number; backlog: number },
  where: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'TSGI_ERR_ADDRESS_IN_USE' : 'TSGI_ERR_LISTEN'
      reject(new TsgiError(code, `${where} (${error.code ?? error.message})`, { cause: error }))
    })
    // Node 20 ignores `backlog` beside `fd` and would lower it to 511 on the socket that all workers share.
    if (typeof target === 'number') listener.listen({ fd: target }, LISTEN_BACKLOG, resolve)
    else if ('handle' in target) listener.listen(target.handle, LISTEN_BACKLOG, resolve)
    else listener.listen(target, resolve)
  })
}
