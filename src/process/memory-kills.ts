import { readFileSync } from 'node:fs'

/**
 * Where Linux counts the processes that it has killed for lack of memory: the group's own counter (cgroups 2, then 1), and that of
 * the whole machine, which a container cannot always see.
 */
function counterFiles(): string[] {
  const groups = text('/proc/self/cgroup')
  const unified = /^0::(.*)$/m.exec(groups)?.[1]
  const memory = /^\d+:(?:\w+,)*memory(?:,\w+)*:(.*)$/m.exec(groups)?.[1]
  // In a container the path is that of the host, and what is mounted is the group itself.
  return [
    ...(unified === undefined ? [] : [`/sys/fs/cgroup${unified}/memory.events`]),
    '/sys/fs/cgroup/memory.events',
    ...(memory === undefined ? [] : [`/sys/fs/cgroup/memory${memory}/memory.oom_control`]),
    '/sys/fs/cgroup/memory/memory.oom_control',
    '/proc/vmstat',
  ]
}

/** A kill is a worker's if that ends within this, milliseconds: much memory takes its time to be given back. */
const RECENT_MS = 3000

/** What the system kills for lack of memory. Looked at now and then, so that an old kill of something else is not taken for a worker's. */
export class MemoryKills {
  readonly #file: string | undefined
  #seen: number
  #recent = 0
  #recentAt = 0

  /** `files`: those that have a line `oom_kill N`; the first one that does is the one. */
  constructor(files: readonly string[] = counterFiles()) {
    this.#file = files.find((file) => countIn(file) !== undefined)
    this.#seen = this.#count()
  }

  look(): void {
    const [count, now] = [this.#count(), performance.now()]
    if (now - this.#recentAt > RECENT_MS) this.#recent = 0
    if (count > this.#seen) {
      this.#recent += count - this.#seen
      this.#recentAt = now
    }
    this.#seen = count
  }

  /** Whether there was one just now; each is given once. */
  take(): boolean {
    this.look()
    if (this.#recent === 0) return false
    this.#recent -= 1
    return true
  }

  #count(): number {
    return (this.#file === undefined ? undefined : countIn(this.#file)) ?? 0
  }
}

function countIn(file: string): number | undefined {
  const count = /^oom_kill (\d+)$/m.exec(text(file))?.[1]
  return count === undefined ? undefined : Number(count)
}

function text(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
