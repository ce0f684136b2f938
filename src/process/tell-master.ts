import type { SignOfLife } from './sign-of-life.ts'
import type { SlowMessage } from './slow-report.ts'
import type { MessageToMaster } from './worker-messages.ts'

/** From a worker to its master; nobody waits for it. */
export function send(message: MessageToMaster | SignOfLife | SlowMessage): void {
  // Without a channel the master is gone, which `disconnect` has told already.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

/** Resolves when the message has left this process, or nobody is there any more. */
export function sendAndWait(message: MessageToMaster): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send !== undefined) process.send(message, undefined, undefined, () => resolve())
    else resolve()
  })
}
