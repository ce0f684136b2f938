import type { MessageToMaster, RecycleReason } from './worker-messages.ts'
import type { WorkerExit, WorkerProcess } from './worker-process.ts'
import type { WorkerSlot } from './worker-slot.ts'

export type StopKind = 'graceful' | 'quick'

/** What the master decides about, one after the other. */
export type MasterEvent =
  | { readonly type: 'message'; readonly worker: WorkerProcess; readonly message: MessageToMaster }
  | { readonly type: 'exit'; readonly worker: WorkerProcess; readonly exit: WorkerExit }
  | { readonly type: 'startup-timeout'; readonly worker: WorkerProcess }
  | { readonly type: 'respawn'; readonly slot: WorkerSlot }
  | { readonly type: 'recycle'; readonly worker: WorkerProcess; readonly reason: RecycleReason }
  | { readonly type: 'published' }
  | { readonly type: 'publish-failed'; readonly error: unknown }
  | { readonly type: 'call'; readonly run: () => void }
  | { readonly type: 'tick' }
  | { readonly type: 'stop'; readonly how: StopKind; readonly timeoutMs: number }
