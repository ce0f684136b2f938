/** Calls `listener` when nothing but the channel to the master keeps this process alive; the result is called when nobody waits any more. */
export function onIdle(listener: () => void): () => void {
  const { channel } = process
  const cancel = (): void => {
    process.off('beforeExit', idle)
    channel?.ref()
  }
  const idle = (): void => {
    cancel()
    listener()
  }
  process.once('beforeExit', idle)
  channel?.unref()
  return cancel
}
