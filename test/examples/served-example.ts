import { fileURLToPath } from 'node:url'

import { Served } from '../process/served.ts'
import type { ServedOptions } from '../process/served.ts'

export function example(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
}

/** Serves an example by `tsgi serve` over HTTP until the test ends. Gives its URL, without a slash at its end. */
export async function serveExample(
  name: string,
  options: Omit<ServedOptions, 'args'> = {},
): Promise<{ url: string; served: Served }> {
  const served = new Served({ ...options, args: [example(name), '--bind', '127.0.0.1:0'] })
  const [, address = ''] = await served.until(/^Listening on (127\.0\.0\.1:\d+)\nReady/m)
  return { url: `http://${address}`, served }
}
