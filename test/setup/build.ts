/** Builds dist/ once before the tests, where it is older than src/: the tests of processes run what users run. */
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

export function setup(): void {
  if (newest('dist', '.js') >= newest('src', '.ts')) return
  execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: checkout, stdio: ['ignore', 'inherit', 'inherit'] })
}

/** Time of the last change, milliseconds; 0 where there is no such folder. */
function newest(folder: string, ending: string): number {
  const path = join(checkout, folder)
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return 0
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(ending),
  )
  return Math.max(0, ...files.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs))
}
