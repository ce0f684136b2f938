import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { testedNginx } from './tested-nginx.ts'

/** Runs the real `nginx -t` on a configuration in a directory. */
export function nginxTest(directory: string, configuration: string): { ok: boolean; output: string } {
  const file = join(directory, 'nginx.conf')
  writeFileSync(file, configuration)
  const args = ['-t', '-e', 'stderr', '-p', directory, '-c', file]
  // The test opens standard output where the access log goes there, and a pipe of Node's is a socket, which cannot be opened.
  const { status, stderr } = spawnSync(testedNginx(), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return { ok: status === 0, output: stderr }
}

/** A directory named `name` with the place for nginx's spool in it, for as long as `use` runs. */
export async function withServerRoot(name: string, use: (directory: string) => void | Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
  try {
    const directory = join(parent, name)
    mkdirSync(join(directory, 'temp'), { recursive: true })
    await use(directory)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}
