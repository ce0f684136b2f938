import { readdirSync, readFileSync } from 'node:fs'

import type { Logger } from '../interface/logger.ts'

/** How often they are counted, milliseconds. */
const LOOK_MS = 5000

/** More than a few in passing, at two looks in a row. */
const MANY = 10

/**
 * The first process of a container is given every process whose parent has ended, and should collect its exit status. Node cannot: libuv
 * waits for its own children only, by their pids. What is left of the others are entries in the table of processes, which may
 * become full in the end. Nothing else can be done about it here than to say so, once.
 */
export function warnOfOrphans(log: Logger): void {
  if (process.pid !== 1 || process.platform !== 'linux') return
  let before = 0
  const timer = setInterval(() => {
    const now = countZombies()
    if (Math.min(before, now) >= MANY) {
      clearInterval(timer)
      log.warn(
        `${now} processes that the application left behind have ended, and nobody collects them: as the first process of a container, tsgi cannot. Start the container with --init (in compose: init: true), or tsgi by tini`,
      )
    }
    before = now
  }, LOOK_MS)
  timer.unref()
}

/** Children of this process that have ended; none of ours stays so from one look to the next. */
function countZombies(): number {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isZombieOfOurs(name)).length
  } catch {
    // No /proc in this container.
    return 0
  }
}

function isZombieOfOurs(pid: string): boolean {
  try {
    // proc_pid_stat(5): pid (command) state ppid; the command may hold anything, so from its last parenthesis on.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' && parent === '1'
  } catch {
    return false
  }
}
