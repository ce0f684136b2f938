import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

import { Launched } from '../launcher/launched.ts'

/** What stands in front of the workers. */
export type Front = 'nginx' | 'embedded'

/** The absolute path of a file of an application under test/apps. */
export function appFile(path: string): string {
  return fileURLToPath(new URL(`../apps/${path}`, import.meta.url))
}

/** A file as the applications serve it below /static. */
export const STATIC_TEXT = readFileSync(appFile('public/text.txt'), 'utf8')

/** `tsgi-express start-server` with an application under test/apps, as it is deployed; `node` is another Node's binary. */
export function launchApp(path: string, front: Front, node?: string): Launched {
  // The tests' own NODE_ENV means something else to frameworks.
  const env = { NODE_ENV: 'production' }
  const args = ['start-server', appFile(path), '--port', '0', '--server-type', front]
  return new Launched(args, node === undefined ? { env } : { env, node })
}

/** Stops it with TERM, and nothing is left. */
export async function expectCleanStop(launched: Launched): Promise<void> {
  launched.remember()
  launched.child.kill('SIGTERM')
  expect({ ended: await launched.exited, stderr: withoutRootWarning(launched.stderr) }).toEqual({ ended: 0, stderr: '' })
  expect(launched.survivors()).toEqual([])
}

function withoutRootWarning(text: string): string {
  return text.replace(/^tsgi-express: warning: running as root: .*\n/, '')
}
