import type { EndCause } from './exit-meaning.ts'
import { causeOfEnd, describeExit } from './exit-meaning.ts'
import { MemoryKills } from './memory-kills.ts'
import type { WorkerExit, WorkerProcess } from './worker-process.ts'

/** A worker that has ended, for whoever wants to know what has become of its requests. */
export interface EndedWorker {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly pid: number
  readonly cause: EndCause
  readonly exit: WorkerExit
  /** Behind "worker 12": `ended by SIGSEGV (…)`. */
  readonly how: string
  /** The system has killed it for lack of memory. */
  readonly oom: boolean
  /** Its resident memory as it last told, bytes. */
  readonly rssBytes: number | undefined
}

/** How often old kills are told from those of now, milliseconds. */
const LOOK_MS = 10_000

/** Tells what became of workers; one for a whole server, since the system's count of kills is one. */
export class Obituary {
  readonly #kills: MemoryKills

  constructor(kills = new MemoryKills()) {
    this.#kills = kills
    setInterval(() => kills.look(), LOOK_MS).unref()
  }

  of({ pid, endCause, stats }: Pick<WorkerProcess, 'pid' | 'endCause' | 'stats'>, exit: WorkerExit): EndedWorker {
    const cause = causeOfEnd(exit, endCause)
    // Only a kill that nobody here has sent may be the system's.
    const oom = exit.signal === 'SIGKILL' && cause === 'signal' && this.#kills.take()
    return { at: Date.now(), pid, cause, exit, how: describeExit(exit), oom, rssBytes: stats?.rssBytes }
  }
}
