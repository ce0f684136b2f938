import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findExecutable } from '../support/requirements.ts'

/** A file of examples/monitoring. */
export function monitoringFile(name: string): string {
  return fileURLToPath(new URL(`../../examples/monitoring/${name}`, import.meta.url))
}

/** What promtool says, and its exit code. */
export function promtool(args: readonly string[], input = ''): { readonly code: number | null; readonly said: string } {
  const program = findExecutable('promtool')
  if (program === undefined) throw new Error('promtool is not there')
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  return { code: status, said: stdout + stderr }
}
