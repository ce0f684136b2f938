import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'

import { TsgiError } from '../interface/errors.ts'
import type { AppLocation } from './app-specifier.ts'
import { detectApplication, exportsOf } from './detect-application.ts'
import type { InterfaceChoice, LoadedApplication } from './detect-application.ts'

export type { InterfaceChoice, LoadedApplication } from './detect-application.ts'

/**
 * Imports the application's module into this process and finds the application in it.
 *
 * Rejects with `TSGI_ERR_APP_LOAD` (`cause` is what the module threw), `TSGI_ERR_APP_EXPORT`, `TSGI_ERR_APP_AMBIGUOUS`.
 */
export async function loadApplication(location: AppLocation, choice: InterfaceChoice): Promise<LoadedApplication> {
  const name = basename(location.file)
  let namespace: object
  try {
    // import() takes CommonJS, ES modules and top-level await alike; require() refuses the last.
    namespace = (await import(pathToFileURL(location.file).href)) as object
  } catch (error) {
    throw new TsgiError('TSGI_ERR_APP_LOAD', `${name}: ${describe(error)}`, { cause: error })
  }
  const exportName = location.exportName === undefined ? {} : { exportName: location.exportName }
  return detectApplication(exportsOf(namespace), { name, ...exportName, interface: choice })
}

/** Longest part of a foreign message that goes into ours, characters; its stack follows in the log anyway. */
const DESCRIPTION_LIMIT = 400

/** The first line of what a module threw, which need not be an error. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return (text.split('\n', 1)[0] ?? '').slice(0, DESCRIPTION_LIMIT)
}
