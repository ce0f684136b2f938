import cluster from 'node:cluster'
import { syncBuiltinESMExports } from 'node:module'

import { TsgiError } from '../interface/errors.ts'

/**
 * `cluster.fork()` would start this worker's own program again and again, not the script. It throws instead, with
 * `TSGI_ERR_APP_LOAD`, where the script stands.
 */
export function refuseForks(name: string): void {
  cluster.fork = () => {
    throw new TsgiError(
      'TSGI_ERR_APP_LOAD',
      `${name} starts processes with node:cluster; here --processes does. Serve the part that a process of the cluster runs: a script that calls listen() without cluster.fork(), or an export`,
    )
  }
  // For those who import { fork }.
  syncBuiltinESMExports()
}
