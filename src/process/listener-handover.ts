import type { ChildProcess, SendHandle } from 'node:child_process'

import { TsgiError } from '../interface/errors.ts'
import { Deferred } from '../loading/deferred.ts'
import type { Protocol } from '../server/server.ts'
import type { WorkerListener } from './worker-messages.ts'

/** A bound socket of the master, as a worker is given it; see `socketsTravelAs`. */
export type SharedListener = { readonly fd: number } | { readonly handle: object }

/** Descriptors of a child: 0 to 2, then the message channel, then what it listens on. */
const FIRST_LISTENER_FD = 4

/** What goes into a child's `stdio`, behind the channel. */
export function inheritedFds(listeners: readonly SharedListener[]): number[] {
  return listeners.flatMap((listener) => ('fd' in listener ? [listener.fd] : []))
}

/** What the worker is told of them. `protocols`: one for each, in the same order. */
export function listenersOfWorker(listeners: readonly SharedListener[], protocols: readonly Protocol[]): WorkerListener[] {
  let fd = FIRST_LISTENER_FD
  return listeners.map((listener, index) => {
    const protocol = protocols[index] ?? 'auto'
    return 'fd' in listener ? { fd: fd++, protocol } : { protocol }
  })
}

/**
 * Sends those that cannot be inherited, behind the boot message. The master's own stay open. Node sends one after the other, each
 * when the one before has arrived; one that does not arrive ends with the time that the worker has to start.
 */
export function sendListeners(child: ChildProcess, listeners: readonly SharedListener[]): void {
  for (const [index, listener] of listeners.entries()) {
    if ('fd' in listener || !child.connected) continue
    // Node's types know only its servers and sockets; its cluster module sends what it has bound in the same way.
    child.send({ tsgi: 'listener', index }, listener.handle as SendHandle, () => {})
  }
}

/** In a worker: the sockets that come over the channel, whether they are waited for already or not. */
export class ReceivedListeners {
  readonly #arrivals = new Map<number, Deferred<object>>()

  /** Rejects with `TSGI_ERR_LISTEN` where the message has come without its socket. */
  async take(index: number): Promise<object> {
    return this.#arrival(index).promise
  }

  /** `handle`: what came with the message. */
  receive(index: number, handle: unknown): void {
    const arrival = this.#arrival(index)
    if (typeof handle === 'object' && handle !== null) arrival.resolve(handle)
    else arrival.reject(new TsgiError('TSGI_ERR_LISTEN', 'the socket of the master did not arrive'))
  }

  #arrival(index: number): Deferred<object> {
    let arrival = this.#arrivals.get(index)
    if (arrival === undefined) {
      arrival = new Deferred()
      // A worker that fails before it listens waits for none of them.
      arrival.promise.catch(() => {})
      this.#arrivals.set(index, arrival)
    }
    return arrival
  }
}
