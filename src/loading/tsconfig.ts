import { createRequire } from 'node:module'

import type * as reader from 'get-tsconfig'
import type { TsConfigResult } from 'get-tsconfig'

// Every worker has this file, and those that serve JavaScript need not load the reader.
const require = createRequire(import.meta.url)

/** The tsconfig.json nearest to a file, with what it extends. Undefined where there is none, or one that cannot be read. */
export function nearestTsconfig(file: string): TsConfigResult | undefined {
  const { getTsconfig } = require('get-tsconfig') as typeof reader // what that package exports
  try {
    return getTsconfig(file) ?? undefined
  } catch {
    // Broken, or it extends what is not installed: the loader passes it over as well, and the compiler says it better.
    return undefined
  }
}
