import { chmodSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

import { temporaryDirectory } from '../launcher/temporary.ts'

/** Where groups with a limit of memory can be made: cgroups 1, then 2. */
const PLACES = [
  { directory: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { directory: '/sys/fs/cgroup', limit: 'memory.max' },
] as const

/** A group of processes whose memory has a limit; undefined where this machine lets us make none. */
export function memoryGroup(): { enter(limitMb: number): string } | undefined {
  for (const { directory, limit } of PLACES) {
    const path = join(directory, `tsgi-test-${process.pid}`)
    try {
      mkdirSync(path)
      writeFileSync(join(path, limit), String(2 ** 40))
      rmdirSync(path)
    } catch {
      continue
    }
    return {
      /** A Node whose process, and whatever that starts, has so much memory. */
      enter(limitMb) {
        mkdirSync(path)
        writeFileSync(join(path, limit), String(limitMb * 2 ** 20))
        onTestFinished(async () => {
          // Its last process may still be on its way out.
          for (let tries = 0; tries < 100; tries += 1) {
            try {
              rmdirSync(path)
              return
            } catch {
              await new Promise((resolve) => setTimeout(resolve, 50))
            }
          }
        })
        const node = join(temporaryDirectory(), 'node')
        writeFileSync(node, `#!/bin/sh\necho $$ > ${path}/cgroup.procs\nexec ${process.execPath} "$@"\n`)
        chmodSync(node, 0o755)
        return node
      },
    }
  }
  return undefined
}
