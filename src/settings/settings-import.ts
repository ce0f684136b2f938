import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { quote, TsgiError } from '../interface/errors.ts'
import { placeOfSyntaxError } from '../loading/check-syntax.ts'
import { hasModuleSyntax } from '../loading/module-syntax.ts'
import { importCopy } from './settings-copy.ts'
import { loaderReason, retryReason } from '../loading/typescript-loader.ts'
import { placeInTypeScript } from '../loading/typescript-syntax-error.ts'

/** Files that Node's own `import()` has been asked for: it never reads one again. */
const imported = new Set<string>()

/**
 * What a configuration file exports by default, read anew at every call. It is loaded into this process, so that the functions in
 * it can be called here, and without hooks, which would stay for good.
 *
 * Node imports what it can, the first time, unless it could take the file for CommonJS; a copy without types stands in for what
 * it cannot, and for every further reading (see settings-copy.ts). Node never forgets a module, so each reading leaves the file
 * and what it imports from beside it in memory: 60 to 100 KB for a small one, for each reload that somebody asks for.
 *
 * `path` is absolute. Rejects with `TSGI_ERR_CONFIG`, whose `cause` is what the file threw.
 */
export async function importConfiguration(path: string, name: string): Promise<unknown> {
  try {
    if (isCommonJs(path)) return requireAnew(path)
    if (loaderReason(path) === undefined && !imported.has(path) && hasModuleSyntax(readFileSync(path, 'utf8'))) {
      imported.add(path)
      try {
        return defaultOf(await import(pathToFileURL(path).href))
      } catch (error) {
        if (retryReason(error) === undefined) throw error
      }
    }
    return defaultOf(await importCopy(path))
  } catch (error) {
    if (error instanceof TsgiError) throw error
    throw configurationError(error, path, name)
  }
}

/** `TSGI_ERR_CONFIG` for what a configuration file threw: with its line, and the stack as far as it leads through the file. */
export function configurationError(error: unknown, path: string, name: string): TsgiError {
  // The loader and V8 say what is wrong with the syntax, and not where.
  const place = error instanceof Error ? placeInTypeScript(error, path) : ''
  const line = lineOf(error, path) || (place.startsWith(`${path}:`) ? /^:\d+/.exec(place.slice(path.length))?.[0] : '')
  const detail = `${name}${line}: ${describe(error)}${hint(error)}${place === '' ? '' : `\n${place.trimEnd()}`}`
  const cause = withoutOwnFrames(error)
  return new TsgiError('TSGI_ERR_CONFIG', detail, cause === undefined ? {} : { cause })
}

/** Longest part of a foreign message that goes into ours, characters. */
const DESCRIPTION_LIMIT = 400

/** The first line of what was thrown, which need not be an error. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${quote(error)}`
  return (text.split('\n', 1)[0] ?? '').slice(0, DESCRIPTION_LIMIT)
}

/** Where this package is. */
const OWN_FILES = new URL('..', import.meta.url)

/** An error as far as it is the file's: how we and Node came to load the file tells nobody anything. */
function withoutOwnFrames(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  const own = [OWN_FILES.href, fileURLToPath(OWN_FILES), 'node:internal/']
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !own.some((each) => line.includes(each)))
  if (frames.length === 0) return undefined
  const shown = new Error(error.message, error.cause === undefined ? {} : { cause: error.cause })
  shown.name = error.name
  shown.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
  return shown
}

function isCommonJs(path: string): boolean {
  return path.endsWith('.cjs') || (path.endsWith('.js') && !hasModuleSyntax(readFileSync(path, 'utf8')))
}

/** Reads the file and what it requires anew, packages apart. */
function requireAnew(path: string): unknown {
  const require = createRequire(path)
  const forget = (file: string): void => {
    const module = require.cache[file]
    if (module === undefined || /[\\/]node_modules[\\/]/.test(file)) return
    delete require.cache[file]
    for (const child of module.children) forget(child.filename)
  }
  forget(require.resolve(path))
  const exported: unknown = require(path)
  return isRecord(exported) && exported['__esModule'] === true ? exported['default'] : exported
}

function defaultOf(namespace: unknown): unknown {
  return isRecord(namespace) ? namespace['default'] : undefined
}

/** `:12` where the file itself threw or does not parse; empty where it was something that it imports. */
function lineOf(error: unknown, path: string): string {
  if (!(error instanceof Error)) return ''
  const stack = error.stack ?? ''
  const url = pathToFileURL(path).href
  for (const place of [url, path]) {
    const index = stack.indexOf(`${place}:`)
    const line = index < 0 ? undefined : /^\d+/.exec(stack.slice(index + place.length + 1))?.[0]
    if (line !== undefined) return `:${line}`
  }
  // V8 knows where a syntax error in a JavaScript module is, but tells only whom it prints it to.
  const place = error instanceof SyntaxError && /\.[cm]?js$/.test(path) ? placeOfSyntaxError(error, path) : ''
  const line = /:(\d+)$/m.exec(place)?.[1]
  return line === undefined ? '' : `:${line}`
}

/** Somebody who has installed the command for the whole machine has no package to import from. */
function hint(error: unknown): string {
  const missing = error instanceof Error && /Cannot find (?:package|module) 'tsgi'/.test(error.message)
  return missing ? '. Install tsgi beside the file, or export a plain object: defineConfig is only there for the types' : ''
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
}
