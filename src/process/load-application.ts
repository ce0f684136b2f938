import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'

import { TsgiError } from '../interface/errors.ts'
import type { AppLocation } from './app-specifier.ts'
import { APPLICATION_NAMES, exportsOf } from './detect-application.ts'

/**
 * Imports the application's module into this process: its exports by name, as `exportsOf` gives them. A promise that stands for
 * the application, as `export default bootstrap()` gives one, is waited for.
 *
 * Rejects with `TSGI_ERR_APP_LOAD`; `cause` is what the module threw.
 */
export async function loadExports(location: AppLocation): Promise<Map<string, unknown>> {
  try {
    // import() takes CommonJS, ES modules and top-level await alike; require() refuses the last.
    const exports = exportsOf((await import(pathToFileURL(location.file).href)) as object)
    for (const [name, value] of exports) {
      const isApplication = location.exportName === undefined ? APPLICATION_NAMES.includes(name) : name === location.exportName
      if (isApplication && value instanceof Promise) exports.set(name, await value)
    }
    return exports
  } catch (error) {
    throw new TsgiError('TSGI_ERR_APP_LOAD', `${basename(location.file)}: ${describe(error)}`, { cause: error })
  }
}

/** Longest part of a foreign message that goes into ours, characters; its stack follows in the log anyway. */
const DESCRIPTION_LIMIT = 400

/** The first line of what a module threw, which need not be an error. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return (text.split('\n', 1)[0] ?? '').slice(0, DESCRIPTION_LIMIT)
}
