import { realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'

import { TsgiError } from '../interface/errors.ts'
import type { AppLocation } from './app-specifier.ts'
import { APPLICATION_NAMES, exportsOf } from './detect-application.ts'
import { beMainModule } from './main-module.ts'
import { commonJsReason } from './module-format.ts'
import { OnlyInModules } from './only-in-modules.ts'

/**
 * Imports the application's module into this process: its exports by name, as `exportsOf` gives them. A promise that stands for
 * the application, as `export default bootstrap()` gives one, is waited for. `loader`: this process runs with the TypeScript loader.
 *
 * Rejects with `TSGI_ERR_APP_LOAD`; `cause` is what the module threw.
 */
export async function loadExports(location: AppLocation, loader: boolean): Promise<Map<string, unknown>> {
  try {
    beMainModule(location.file)
    const exports = exportsOf(await load(location.file, loader))
    for (const [name, value] of exports) {
      const isApplication = location.exportName === undefined ? APPLICATION_NAMES.includes(name) : name === location.exportName
      if (isApplication && value instanceof Promise) exports.set(name, await value)
    }
    return exports
  } catch (error) {
    throw new TsgiError('TSGI_ERR_APP_LOAD', `${basename(location.file)}: ${describe(error)}`, { cause: error })
  }
}

/** The module's namespace, or what it would be if a CommonJS module was imported. */
async function load(file: string, loader: boolean): Promise<object> {
  const commonJs = loader ? commonJsReason(file) : undefined
  if (commonJs !== undefined) {
    const { requireTypeScript } = await import('./commonjs-typescript.ts')
    try {
      return { default: await requireTypeScript(file, commonJs.tsconfig) }
    } catch (error) {
      // The compiler refuses such a file; Node, which is not told, sees an ES module. Nothing of it has run yet.
      const isModule = !commonJs.certain && error instanceof OnlyInModules && error.file === realpathSync(file)
      if (!isModule) throw error
    }
  }
  // import() takes CommonJS, ES modules and top-level await alike; require() refuses the last.
  return (await import(pathToFileURL(file).href)) as object
}

/** Longest part of a foreign message that goes into ours, characters; its stack follows in the log anyway. */
const DESCRIPTION_LIMIT = 400

/** The first line of what a module threw, which need not be an error. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return (text.split('\n', 1)[0] ?? '').slice(0, DESCRIPTION_LIMIT)
}
