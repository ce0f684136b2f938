import { getTsconfig } from 'get-tsconfig'
import type { TsConfigResult } from 'get-tsconfig'

/** The tsconfig.json nearest to a file, with what it extends. Undefined where there is none, or one that cannot be read. */
export function nearestTsconfig(file: string): TsConfigResult | undefined {
  try {
    return getTsconfig(file) ?? undefined
  } catch {
    // Broken, or it extends what is not installed: the loader passes it over as well, and the compiler says it better.
    return undefined
  }
}
