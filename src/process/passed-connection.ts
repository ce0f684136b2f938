import type { ChildProcess, SendHandle } from 'node:child_process'

import type { PassHandle } from '../server/connection-handover.ts'
import { connectionsTravel } from '../server/platform.ts'
import type { Server } from '../server/server.ts'
import type { WorkerProcess } from './worker-process.ts'
import type { WorkerSlot } from './worker-slot.ts'

/**
 * Connections that a proxy keeps go from a worker that is replaced to another one, by way of the master: FastCGI has no word by which
 * a proxy could be told that a connection closes, and a request may be on its way in the moment in which it does.
 */

/** A handle of Node's that can be closed. */
interface Closable {
  close(): void
}

/** In a worker: gives a connection to the master. Undefined where handles cannot be sent. */
export function passToMaster(): PassHandle | undefined {
  if (!connectionsTravel()) return undefined
  return (handle, sent) => {
    if (process.connected) process.send?.({ tsgi: 'connection' }, handle as SendHandle, undefined, () => sent())
    else sent()
  }
}

/** Whether a message of a worker comes with a connection. */
export function isConnection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'tsgi') === 'connection'
}

/** In the master: gives a connection to this worker. It is closed where nobody takes it. */
export function passToWorker(child: ChildProcess | undefined, handle: unknown): void {
  if (child?.connected !== true || typeof handle !== 'object' || handle === null) return closeHandle(handle)
  child.send({ tsgi: 'connection' }, handle as SendHandle, () => closeHandle(handle))
}

/** In a worker: goes on with a connection of another one, or closes it. */
export function takeOver(server: Pick<Server, 'takeOver'> | undefined, handle: unknown): void {
  if (typeof handle !== 'object' || handle === null || server?.takeOver(handle) !== true) closeHandle(handle)
}

/** Who serves on while this one ends: the one that has taken its place, or another. */
export function successorOf(
  slots: readonly Pick<WorkerSlot, 'worker'>[],
  { index, id }: WorkerProcess,
): WorkerProcess | undefined {
  const serving = slots.flatMap(({ worker }) => (worker?.state === 'ready' && worker.id !== id ? worker : []))
  return serving.find((worker) => worker.index === index) ?? serving[0]
}

function closeHandle(handle: unknown): void {
  if (typeof handle === 'object' && handle !== null && 'close' in handle) (handle as Closable).close()
}
