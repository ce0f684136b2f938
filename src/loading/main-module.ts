import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * Makes `require.main === module` true in an application's file, as if Node had started it: the worker's own entry is an ES
 * module, which leaves `require.main` undefined. It is set for every module when that is made, so this comes before the import.
 */
export function beMainModule(file: string): void {
  const { cache } = createRequire(file)
  const real = realpathSync(file)
  Object.defineProperty(process, 'mainModule', { configurable: true, enumerable: true, get: () => cache[real] })
}
