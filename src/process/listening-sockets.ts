import type { BindAddress } from '../server/address.ts'
import type { SharedListener } from './listener-handover.ts'
import { ListeningSocket } from './listening-socket.ts'
import type { MasterOptions } from './master-options.ts'
import { inheritedFrom, upgrade } from './upgrade.ts'

/** All that a master listens on, in the order of its `binds`. */
export class ListeningSockets {
  #sockets: ListeningSocket[] = []
  #published: Promise<unknown> | undefined

  /** Binds, or takes from an earlier master. Rejects as `ListeningSocket.open` does; what is open then is to be closed. */
  async open({ binds, inherited = [] }: Pick<MasterOptions, 'binds' | 'inherited'>): Promise<void> {
    for (const { address, ...options } of binds) {
      const from = inheritedFrom(inherited, address)
      this.#sockets.push(from === undefined ? await ListeningSocket.open(address, options) : ListeningSocket.inherit(from))
    }
  }

  get addresses(): BindAddress[] {
    return this.#sockets.map(({ address }) => address)
  }

  get shared(): SharedListener[] {
    return this.#sockets.map(({ shared }) => shared)
  }

  /** Puts unix sockets in their places, once; see `ListeningSocket.publish`. */
  async publish(): Promise<void> {
    this.#published ??= Promise.all(this.#sockets.map((socket) => socket.publish()))
    await this.#published
  }

  /** They serve: from now on their files are this process's. */
  takeOver(): void {
    for (const socket of this.#sockets) socket.takeOver()
  }

  /** Gives all of them to a new master, and resolves with its pid when it serves; see `upgrade`. */
  async upgrade(timeoutMs: number, signal: AbortSignal, variables: Readonly<Record<string, string>>): Promise<number> {
    const pid = await upgrade(this.#sockets, { timeoutMs, signal, variables })
    for (const socket of this.#sockets) socket.handOver()
    return pid
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
    this.#sockets = []
  }
}
