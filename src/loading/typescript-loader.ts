import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { commonJsReason } from './module-format.ts'
import { nearestTsconfig } from './tsconfig.ts'

/**
 * How TypeScript gets into a worker. Node's own type stripping costs nothing and changes no line, so it is used where it is
 * there and enough; else the worker is started with a loader, @oxc-node/core, which knows all of TypeScript and tsconfig's paths.
 *
 * A loader cannot be added to a process that has failed to import a file, so that worker ends and another takes its place.
 */
export const LOADER_NAME = '@oxc-node/core'

/** The URL to give to `node --import`. */
export function loaderUrl(): string {
  return import.meta.resolve('@oxc-node/core/register')
}

/** Why an application's file needs the loader before anything has been tried; undefined where Node may try by itself. */
export function loaderReason(file: string): string | undefined {
  const extension = extname(file)
  if (extension === '.tsx' || extension === '.jsx') return `Node does not read ${extension}`
  if (!isTypeScript(file)) return undefined
  if (!stripsTypes()) return `Node ${process.versions.node} does not strip types`
  const tsconfig = nearestTsconfig(file)
  const { paths, emitDecoratorMetadata } = tsconfig?.config.compilerOptions ?? {}
  if (tsconfig !== undefined && Object.keys(paths ?? {}).length > 0) return `${nameOf(tsconfig.path)} has paths`
  if (tsconfig !== undefined && emitDecoratorMetadata === true) return `${nameOf(tsconfig.path)} has emitDecoratorMetadata`
  // Node goes by what it sees in the file, and takes one with import for an ES module where nothing in package.json is against it.
  const commonJs = commonJsReason(file)
  return commonJs !== undefined && usesModuleSyntax(file) ? commonJs.because : undefined
}

/**
 * Why an application that failed to load without the loader may load with it; undefined where it would fail just the same.
 * `error` is what `import()` rejected with.
 */
export function retryReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code: unknown = Reflect.get(error, 'code')
  switch (code) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return 'it uses TypeScript that Node does not strip, such as an enum'
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return 'it imports a file that Node does not read'
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return 'it imports TypeScript from node_modules'
    case 'ERR_UNSUPPORTED_DIR_IMPORT':
      return 'it imports a directory'
    case 'ERR_MODULE_NOT_FOUND':
    case 'MODULE_NOT_FOUND':
      return isHiddenTypeScript(error) ? 'it imports TypeScript under a name without .ts' : undefined
    default:
      break
  }
  if (error.name !== 'SyntaxError' || !inTypeScript(error)) return undefined
  if (error.message.includes('does not provide an export named')) return 'it imports a type without saying so'
  if (error.message.includes('Cannot use import statement outside a module')) return 'it uses import in a CommonJS package'
  return undefined
}

/** Whether this Node strips types without being asked. `process.features.typescript` is newer than the oldest Node supported. */
function stripsTypes(): boolean {
  const feature: unknown = Reflect.get(process.features, 'typescript')
  return feature === 'strip' || feature === 'transform'
}

/** `import` and `export` at the beginning of a line; import() and import.meta are no syntax of modules alone. */
function usesModuleSyntax(file: string): boolean {
  try {
    return /^\s*(?:import\s*[\w{*'"$]|export\b)/m.test(readFileSync(file, 'utf8'))
  } catch {
    // Not readable: loading it says so.
    return false
  }
}

function isTypeScript(file: string): boolean {
  return ['.ts', '.mts', '.cts'].includes(extname(file))
}

/** `import './x'` or `import './x.js'` where only `x.ts` is there. A package that is not installed is not found either way. */
function isHiddenTypeScript(error: Error): boolean {
  const missing = missingFile(error)
  if (missing === undefined) return false
  const stem = missing.replace(/\.[cm]?jsx?$/, '')
  return ['.ts', '.tsx', '.mts', '.cts', '/index.ts', '/index.tsx'].some((ending) => existsSync(stem + ending))
}

/** The path that was not found. Node has it in `url` (import) or only in the message: absolute (import), as written (require). */
function missingFile(error: Error): string | undefined {
  const url: unknown = Reflect.get(error, 'url')
  if (typeof url === 'string' && url.startsWith('file:')) return fileURLToPath(url)
  const [, specifier] = /^Cannot find module '([^']+)'/.exec(error.message) ?? []
  if (specifier === undefined || !/^\.{0,2}\//.test(specifier)) return undefined
  const stack: unknown = Reflect.get(error, 'requireStack')
  const importer: unknown = Array.isArray(stack) ? stack[0] : undefined
  return typeof importer === 'string' ? resolve(dirname(importer), specifier) : specifier
}

/** The stack of a syntax error starts with the file and line it is in. */
function inTypeScript(error: Error): boolean {
  return /\.[cm]?tsx?:\d+/.test(error.stack?.split('\n', 1)[0] ?? '')
}

function nameOf(file: string): string {
  return relative(process.cwd(), file) || file
}
