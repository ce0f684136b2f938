import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, parse, relative, resolve } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import { isNear } from './nearest-name.ts'

/** Where an application is: a file and, where the user named one, the export. */
export interface AppLocation {
  /** Absolute. */
  readonly file: string
  readonly exportName?: string
}

/** What can be loaded, the likelier first: the order in which an index or a near miss is looked for. */
const EXTENSIONS = ['.ts', '.js', '.mts', '.mjs', '.cts', '.cjs', '.tsx', '.jsx']

/** What is served where nobody says what. */
const DEFAULT_APPS = ['wsgi.ts', 'wsgi.js', 'wsgi.mjs', 'wsgi.cjs']

/** `wsgi.ts`, else `wsgi.js`, of a directory. Throws `TSGI_ERR_APP_NOT_FOUND`. */
export function defaultApp(directory: string): string {
  const found = DEFAULT_APPS.find((name) => isFile(join(directory, name)))
  if (found === undefined) {
    throw new TsgiError(
      'TSGI_ERR_APP_NOT_FOUND',
      `neither wsgi.ts nor wsgi.js is in ${quote(directory)}; name the application's file`,
    )
  }
  return found
}

/**
 * Finds what `path[:export]` means from `directory`. The path is a file, or a package directory whose package.json
 * (`exports`, `main`) or index file says which.
 *
 * Throws `TSGI_ERR_APP_NOT_FOUND`, with close names.
 */
export function locateApp(app: string, directory: string): AppLocation {
  // A name with a colon in it is a file first: only what is not there can be taken apart.
  const whole = resolve(directory, app)
  const match = /^(.+):([\p{ID_Start}$_][\p{ID_Continue}$]*)$/u.exec(app)
  if (match?.[1] === undefined || match[2] === undefined || statSync(whole, { throwIfNoEntry: false }) !== undefined) {
    return { file: findFile(whole, app, directory) }
  }
  return { file: findFile(resolve(directory, match[1]), match[1], directory), exportName: match[2] }
}

function findFile(path: string, written: string, directory: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw notFound(path, written, directory)
  if (found.isDirectory()) return findEntry(path, written)
  if (!found.isFile()) throw new TsgiError('TSGI_ERR_APP_NOT_FOUND', `${quote(written)} is neither a file nor a directory`)
  if (!EXTENSIONS.includes(extname(path))) {
    throw new TsgiError(
      'TSGI_ERR_APP_NOT_FOUND',
      `${quote(written)} is no JavaScript or TypeScript: its name must end in one of ${EXTENSIONS.join(' ')}`,
    )
  }
  return path
}

function findEntry(directory: string, written: string): string {
  const manifestFile = join(directory, 'package.json')
  if (isFile(manifestFile)) {
    const entry = entryOf(readManifest(manifestFile))
    if (entry !== undefined) {
      const candidates = [
        entry,
        ...EXTENSIONS.map((extension) => entry + extension),
        ...EXTENSIONS.map((extension) => `${entry}/index${extension}`),
      ]
      const file = candidates.map((candidate) => resolve(directory, candidate)).find(isFile)
      if (file !== undefined) return file
      throw new TsgiError(
        'TSGI_ERR_APP_NOT_FOUND',
        `package.json in ${quote(written)} names ${quote(entry)}, which is not there; has it been built?`,
      )
    }
  }
  const index = EXTENSIONS.map((extension) => join(directory, `index${extension}`)).find(isFile)
  if (index !== undefined) return index
  const inside = scriptsIn(directory)
    .slice(0, 3)
    .map((name) => quote(join(written, name)))
  const hint = inside.length === 0 ? 'Name a file' : `Name a file, such as ${inside.join(' or ')}`
  throw new TsgiError(
    'TSGI_ERR_APP_NOT_FOUND',
    `the directory ${quote(written)} has no index file and no package.json with main or exports. ${hint}`,
  )
}

function readManifest(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new TsgiError('TSGI_ERR_APP_NOT_FOUND', `${quote(file)} is not JSON: ${quote(error)}`, { cause: error })
  }
}

/** `exports["."]` before `main`, as Node looks at them. */
function entryOf(manifest: unknown): string | undefined {
  if (!isRecord(manifest)) return undefined
  const { exports, main } = manifest
  const root = isRecord(exports) && '.' in exports ? exports['.'] : exports
  return chooseCondition(root) ?? (typeof main === 'string' && main !== '' ? main : undefined)
}

/** The first condition that `import` in Node fulfils; see "Conditional exports" in Node's documentation of packages. */
function chooseCondition(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (!isRecord(target)) return undefined
  for (const [condition, value] of Object.entries(target)) {
    const chosen = ['node', 'import', 'module-sync', 'default'].includes(condition) ? chooseCondition(value) : undefined
    if (chosen !== undefined) return chosen
  }
  return undefined
}

function notFound(path: string, written: string, directory: string): TsgiError {
  const parent = dirname(path)
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return new TsgiError('TSGI_ERR_APP_NOT_FOUND', `${quote(written)}: there is no directory ${quote(parent)}`)
  }
  const close = closeNames(basename(path), parent).map((name) => quote(relative(directory, join(parent, name))))
  const hint = close.length === 0 ? '' : `. Did you mean ${close.join(' or ')}?`
  return new TsgiError('TSGI_ERR_APP_NOT_FOUND', `no file ${quote(written)} in ${quote(directory)}${hint}`)
}

/** The same name with another extension, else names that differ in a letter or two. Three at most. */
function closeNames(name: string, directory: string): string[] {
  const scripts = scriptsIn(directory)
  const stem = EXTENSIONS.includes(extname(name)) ? parse(name).name : name
  const sameStem = scripts.filter((script) => parse(script).name === stem)
  const near = scripts.filter((script) => isNear(parse(script).name, stem))
  return (sameStem.length > 0 ? sameStem : near).slice(0, 3)
}

function scriptsIn(directory: string): string[] {
  const rank = (name: string): number => EXTENSIONS.indexOf(extname(name))
  return readdirSync(directory)
    .filter((name) => rank(name) >= 0 && !name.endsWith('.d.ts'))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
