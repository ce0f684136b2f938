import module from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// @types/node is that of Node 20, which has neither function.
const cache = module as typeof module & {
  /** Node 22.1 and later. */
  enableCompileCache?(directory: string): unknown
  /** Node 22.10 and later. */
  flushCompileCache?(): void
}

/**
 * Lets Node keep the compiled code of what is imported from now on, where Node can.
 *
 * In the user's own cache directory, not in Node's default under the shared temporary directory: whoever can write
 * compiled code decides what the worker runs. A directory that cannot be written is no error, the code is compiled again.
 */
export function cacheCompiledCode(): void {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return
  const base = process.env['XDG_CACHE_HOME'] || homeCache()
  if (base !== undefined) cache.enableCompileCache?.(join(base, 'tsgi', 'compiled'))
}

/** Writes it now, so that the next worker has it even if this one is killed. */
export function flushCompiledCode(): void {
  cache.flushCompileCache?.()
}

function homeCache(): string | undefined {
  try {
    return join(homedir(), '.cache')
  } catch {
    // A container may run as a user that nobody has heard of.
    return undefined
  }
}
