import { statSync, writeFileSync } from 'node:fs'

import type { Settings } from '../settings/settings.ts'
import type { StartOptions } from './plan.ts'
import { describeServerRoot } from './server-root.ts'
import type { ServerRoot } from './server-root.ts'
import { unusableRoot } from './unusable-root.ts'

const ENVIRON = `# Variables for the application: one NAME=VALUE a line, read as an env file (--env-file) at every start and reload.
# A variable that is set where the server is started holds over the same one here.
# tsgi-express has made this file once, and never writes to it again.
`

const RULES = (
  proxyType: string,
): string => `# Rules of your own, in the words of ${proxyType}, read within the server at every start.
# tsgi-express has made this file once, and never writes to it again. Type tsgictl configtest after a change.
`

/** Makes the files in a named server root that are the operator's to edit, where they are not there. */
export function makeUserFiles(root: ServerRoot, proxyType: string | undefined): void {
  if (root.fresh) return
  makeOnce(root.environPath, ENVIRON, 0o600)
  if (proxyType !== undefined) makeOnce(root.rulesPath(proxyType), RULES(proxyType), 0o640)
}

/** The settings with the server root's `environ` as the last of the env files, where there is one. */
export function withEnviron(settings: Settings<'start-server'>): Settings<'start-server'> {
  if (settings.serverRoot === undefined) return settings
  const { environPath } = describeServerRoot(settings.serverRoot, 0)
  if (settings.envFile.includes(environPath)) return settings
  const isThere = statSync(environPath, { throwIfNoEntry: false })?.isFile() === true
  return isThere ? { ...settings, envFile: [...settings.envFile, environPath] } : settings
}

/** The same for what a reload reads anew. */
export function rereadWithEnviron(reread: NonNullable<StartOptions['reread']>): NonNullable<StartOptions['reread']> {
  return async () => {
    const read = await reread()
    return { ...read, settings: withEnviron(read.settings) }
  }
}

/** `wx` also refuses to write through a link that somebody has put there. */
function makeOnce(path: string, text: string, mode: number): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode })
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'EEXIST') return
    throw unusableRoot(path, error)
  }
}
