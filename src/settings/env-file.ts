import { readFileSync, statSync } from 'node:fs'
import { parseEnv } from 'node:util'

import { quote, TsgiError } from '../interface/errors.ts'

/** Largest env file, bytes; the system passes a process about 2 MB of environment and arguments in all. */
const MAX_FILE_BYTES = 1024 * 1024

/**
 * What the workers find in their environment beyond the master's own: `--setenv` over what is set already over `--env-file`,
 * of which a later one holds over an earlier one. The files are read at every call: whoever starts workers calls it at the start
 * and at each reload.
 *
 * The syntax is that of Node's own `--env-file`: https://nodejs.org/api/environment_variables.html
 *
 * Throws `TSGI_ERR_OPTION` where a file cannot be read.
 */
export function workerVariables(
  settings: { readonly envFile: readonly string[]; readonly setenv: readonly (readonly [name: string, value: string])[] },
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const file of settings.envFile) {
    for (const [name, value] of Object.entries(readEnvFile(file))) {
      if (value !== undefined && environment[name] === undefined) variables[name] = value
    }
  }
  return { ...variables, ...Object.fromEntries(settings.setenv) }
}

function readEnvFile(file: string): Record<string, string | undefined> {
  let text: string
  try {
    // Before it is read: a device would never end. A pipe is what a shell's <(command) gives.
    const stats = statSync(file)
    if (!stats.isFile() && !stats.isFIFO()) throw new Error('it is not a file')
    const { size } = stats
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new TsgiError('TSGI_ERR_OPTION', `the env file ${quote(file)} cannot be read: ${quote(error)}`, { cause: error })
  }
  const withoutMark = text.replace(/^\uFEFF/, '')
  if (withoutMark.includes('\0')) throw new TsgiError('TSGI_ERR_OPTION', `the env file ${quote(file)} holds a NUL; is it text?`)
  return parseEnv(withoutMark)
}
