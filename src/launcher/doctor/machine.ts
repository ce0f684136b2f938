import { readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { getHeapStatistics } from 'node:v8'

/** What is looked at of the machine; a test gives it other directories than the system's. */
export interface Machine {
  /** `20.19.0` */
  readonly nodeVersion: string
  readonly uid: number | undefined
  readonly pid: number
  readonly ppid: number
  /** proc(5), and where the control groups are mounted. */
  readonly proc: string
  readonly cgroup: string
  readonly temporary: string
  readonly processors: number
  /** What one worker's heap may grow to, bytes. */
  readonly heapBytes: number
  /** Milliseconds since 1970. */
  readonly now: number
}

/** This one. */
export function thisMachine(): Machine {
  return {
    nodeVersion: process.versions.node,
    uid: process.getuid?.(),
    pid: process.pid,
    ppid: process.ppid,
    proc: '/proc',
    cgroup: '/sys/fs/cgroup',
    temporary: tmpdir(),
    processors: availableParallelism(),
    heapBytes: getHeapStatistics().heap_size_limit,
    now: Date.now(),
  }
}

/** The text of a small file of the system; undefined where there is none, or it is not ours to read. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** A number that stands alone in a file. */
export function numberOf(path: string): number | undefined {
  const text = textOf(path)?.trim() ?? ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** Free bytes for us where a path is, or will be; undefined where that is not told. */
export function freeBytes(path: string): number | undefined {
  for (let place = path; ; place = dirname(place)) {
    try {
      const { bavail, bsize } = statfsSync(place)
      return bavail * bsize
    } catch {
      if (place === dirname(place)) return undefined
    }
  }
}

/** The texts of one file of this process's control group and of those above it, the nearest first (cgroups(7)). */
export function cgroupTexts({ proc, cgroup }: Machine, name: string): string[] {
  const own = /^0::(\/.*)$/m.exec(textOf(join(proc, 'self/cgroup')) ?? '')?.[1] ?? '/'
  const found: string[] = []
  for (let group = own; ; group = dirname(group)) {
    const text = textOf(join(cgroup, group, name))
    if (text !== undefined) found.push(text.trim())
    if (group === '/') return found
  }
}
