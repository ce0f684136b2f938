import { readFileSync, writeFileSync } from 'node:fs'

/** Resident memory of a process, bytes: now, or the most since `resetPeak` (Linux, proc(5)). */
export function residentBytes(pid: number, which: 'now' | 'peak' = 'now'): number {
  const field = which === 'now' ? 'VmRSS' : 'VmHWM'
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  if (match?.[1] === undefined) throw new Error(`no ${field} of ${pid}`)
  return Number(match[1]) * 1024
}

/** The peak is counted from here. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
