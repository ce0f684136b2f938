import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { BindAddress } from '../server/address.ts'
import { localSocketsAre } from '../server/platform.ts'
import type { SharedListener } from '../process/listener-handover.ts'
import { ListeningSocket } from '../process/listening-socket.ts'
import type { Backend } from './forward.ts'

/** The socket of one worker. */
export interface WorkerSocket {
  /** What the worker is given. */
  readonly shared: SharedListener
  /** The worker listens: resolves with where. */
  publish(): Promise<Backend>
  close(): void
}

/** A socket for each worker, so that a request reaches the one that it was meant for or nobody; in a directory that is this user's alone. */
export class WorkerSockets {
  #directory: string | undefined

  async open(id: number): Promise<WorkerSocket> {
    const socket = await ListeningSocket.open(this.#address(id), { mode: 0o600 })
    const { address } = socket
    let closed = false
    return {
      shared: socket.shared,
      publish: async () => {
        await socket.publish()
        return address.type === 'unix' ? { socketPath: address.path } : { host: '127.0.0.1', port: portOf(address) }
      },
      close() {
        if (!closed) socket.close()
        closed = true
      },
    }
  }

  close(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
  }

  #address(id: number): BindAddress {
    if (localSocketsAre() !== 'files') return { type: 'tcp', host: '127.0.0.1', port: 0 }
    this.#directory ??= mkdtempSync(join(tmpdir(), 'tsgi-dev-'))
    return { type: 'unix', path: join(this.#directory, `${id}.sock`) }
  }
}

function portOf(address: BindAddress): number {
  return address.type === 'tcp' ? address.port : 0
}
