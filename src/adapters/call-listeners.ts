import type { Server } from 'node:http'

/**
 * Calls the listeners of a server's event as `emit` does, one after the other. `failed` is told of what one of them throws, and of
 * a promise that one returns and that is rejected, which would end the process. `argsFor`: other arguments for some of them.
 */
export function callListeners(
  server: Server,
  event: 'request' | 'upgrade',
  args: readonly unknown[],
  failed: (error: unknown) => void,
  argsFor?: (listener: unknown) => readonly unknown[] | undefined,
): void {
  try {
    for (const listener of server.rawListeners(event)) {
      const result: unknown = Reflect.apply(listener, server, argsFor?.(listener) ?? args)
      if (isThenable(result)) result.then(undefined, failed)
    }
  } catch (error) {
    failed(error)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function'
}
