import { readFileSync, statSync } from 'node:fs'
import { dirname, extname, isAbsolute, join, relative, resolve } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { nearestName } from '../loading/nearest-name.ts'
import { checkHooks } from './hooks.ts'
import type { Hooks } from './hooks.ts'
import { configurationError, importConfiguration } from './settings-import.ts'
import { fileKeys, keyAliases } from './settings-rows.ts'
import { configurationKey, flagName } from './setting-names.ts'

/** What a configuration file says, before any value is looked at. */
export interface SettingsFile {
  /** Absolute. */
  readonly path: string
  /** As messages call it: from the current directory where that is shorter. */
  readonly name: string
  /** What the paths in it are relative to. */
  readonly directory: string
  /** The settings in it; every key is one of the table. Functions are kept as they are. */
  readonly values: ReadonlyMap<string, unknown>
  /** The `app` key, made relative to `from`. */
  readonly app: string | undefined
  readonly hooks: Hooks
}

export interface FileSearch {
  /** `--config` or `TSGI_CONFIG`; then nothing is searched. */
  readonly named: string | undefined
  /** `path[:export]` of the application, where it is known without the file. */
  readonly app: string | undefined
  /** The current directory. */
  readonly from: string
}

/** The names that are looked for. */
const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.cjs', '.json']

/** Largest configuration file, bytes: far more than anybody writes, and it is read in one piece. */
const MAX_FILE_BYTES = 1024 * 1024

/** How long the file may take to load and its function to answer, milliseconds. */
const LOAD_TIMEOUT_MS = 10_000

/** Unknown keys that one message names. */
const MAX_NAMED_KEYS = 5

/**
 * The configuration file of a start or a reload: the named one, else the one in the current directory, else the one in the
 * application's package. Undefined where there is none. May be called again at any time, and reads the file anew each time.
 *
 * Rejects with `TSGI_ERR_CONFIG`; `cause` is what the file threw, without the frames that are not the file's.
 */
export async function readSettingsFile(search: FileSearch): Promise<SettingsFile | undefined> {
  const path = search.named === undefined ? findSettingsFile(search) : resolve(search.from, search.named)
  if (path === undefined) return undefined
  const name = shorter(relative(search.from, path), path)
  checkFile(path, name)
  const content = await withinTime(valueOf(path, name), name)
  if (!isPlainObject(content)) {
    const found = content === undefined ? 'nothing' : Array.isArray(content) ? 'an array' : quote(content)
    throw new TsgiError(
      'TSGI_ERR_CONFIG',
      `${name} gives ${found}; write \`export default defineConfig({ … })\`${extname(path) === '.json' ? ' or, in JSON, one object' : ''}`,
    )
  }
  refuseUnknownKeys(Object.keys(content), name)
  const { app, hooks, ...values } = content
  if (app !== undefined && (typeof app !== 'string' || app === '')) {
    throw new TsgiError('TSGI_ERR_OPTION', `app in ${name} is ${quote(app)}, but takes path[:export] of the application`)
  }
  const directory = dirname(path)
  return {
    path,
    name,
    directory,
    values: byKey(values, name),
    hooks: checkHooks(hooks, name),
    app: app === undefined ? undefined : shorter(relative(search.from, resolve(directory, app)), resolve(directory, app)),
  }
}

/** A path below the current directory as it is from there; any other is clearer in full. */
function shorter(fromHere: string, absolute: string): string {
  return fromHere === '' || fromHere.startsWith('..') || isAbsolute(fromHere) ? absolute : fromHere
}

function findSettingsFile({ from, app }: FileSearch): string | undefined {
  return findIn(from) ?? (app === undefined ? undefined : findIn(packageDirectory(app, from)))
}

/** The one file of a directory. Two would leave it to chance which one somebody edits in vain. */
function findIn(directory: string | undefined): string | undefined {
  if (directory === undefined) return undefined
  const found = EXTENSIONS.map((extension) => `tsgi.config${extension}`).filter((name) => exists(join(directory, name)))
  const [first, second] = found
  if (first === undefined) return undefined
  if (second !== undefined) {
    throw new TsgiError(
      'TSGI_ERR_CONFIG',
      `${quote(directory)} holds both ${first} and ${second}; remove one, or name one with --config`,
    )
  }
  return join(directory, first)
}

/** The directory of the package.json that is nearest to the application, else its own; undefined where there is no application. */
export function packageDirectory(app: string, from: string): string | undefined {
  let file: string
  try {
    ;({ file } = locateApp(app, from))
  } catch {
    // Whoever loads the application says this better.
    return undefined
  }
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    if (exists(join(directory, 'package.json'))) return directory
    if (directory === dirname(directory)) return dirname(file)
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function checkFile(path: string, name: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new TsgiError('TSGI_ERR_CONFIG', `there is no file ${quote(name)}`)
  if (!stats.isFile()) throw new TsgiError('TSGI_ERR_CONFIG', `${quote(name)} is not a file`)
  if (stats.size > MAX_FILE_BYTES) {
    throw new TsgiError('TSGI_ERR_CONFIG', `${quote(name)} has ${stats.size} bytes, more than ${MAX_FILE_BYTES}`)
  }
  if (!EXTENSIONS.includes(extname(path))) {
    throw new TsgiError('TSGI_ERR_CONFIG', `the name of ${quote(name)} must end in one of ${EXTENSIONS.join(' ')}`)
  }
}

/** What the file exports by default; where that is a function, what it returns. */
async function valueOf(path: string, name: string): Promise<unknown> {
  if (extname(path) === '.json') return parseJson(path, name)
  const exported = await importConfiguration(path, name)
  if (typeof exported !== 'function') return exported
  try {
    // A function in this place is called without arguments, and what it gives is checked by the caller.
    return await (exported as () => unknown)()
  } catch (error) {
    throw configurationError(error, path, name)
  }
}

function parseJson(path: string, name: string): unknown {
  const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  try {
    return JSON.parse(text)
  } catch (error) {
    // V8 gives a position or a line, depending on its version.
    const position = /at position (\d+)/.exec(String(error))?.[1]
    const line = position === undefined ? '' : `:${text.slice(0, Number(position)).split('\n').length}`
    throw new TsgiError('TSGI_ERR_CONFIG', `${name}${line} is not JSON: ${String(error).split('\n', 1)[0]?.slice(0, 400)}`)
  }
}

async function withinTime(value: Promise<unknown>, name: string): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TsgiError('TSGI_ERR_CONFIG', `${name} has not loaded after ${LOAD_TIMEOUT_MS / 1000} s; what does it wait for?`))
    }, LOAD_TIMEOUT_MS)
  })
  try {
    return await Promise.race([value, late])
  } finally {
    clearTimeout(timer)
    // The loser has nobody left who listens.
    value.catch(() => {})
  }
}

function refuseUnknownKeys(keys: readonly string[], name: string): void {
  const known = fileKeys()
  const unknown = keys.filter((key) => key !== 'app' && key !== 'hooks' && !known.has(key) && !keyAliases().has(key))
  if (unknown.length === 0) return
  const complaints = unknown
    .slice(0, MAX_NAMED_KEYS)
    .map((key) => `unknown key ${quote(key)} in ${name}${suggestion(key, known)}`)
  if (unknown.length > MAX_NAMED_KEYS) complaints.push(`${unknown.length - MAX_NAMED_KEYS} more`)
  throw new TsgiError('TSGI_ERR_CONFIG', complaints.join('; '))
}

/** Another name of a setting, such as `workers`, is its key. */
function byKey(values: Readonly<Record<string, unknown>>, name: string): Map<string, unknown> {
  const aliases = keyAliases()
  const names = new Map<string, string>()
  const found = new Map<string, unknown>()
  for (const [written, value] of Object.entries(values)) {
    if (value === undefined) continue
    const key = aliases.get(written) ?? written
    const earlier = names.get(key)
    if (earlier !== undefined) {
      throw new TsgiError(
        'TSGI_ERR_CONFIG',
        `${quote(earlier)} and ${quote(written)} in ${name} are one setting; give one of them`,
      )
    }
    names.set(key, written)
    found.set(key, value)
  }
  return found
}

function suggestion(key: string, known: ReadonlySet<string>): string {
  const plain = configurationKey(key)
  const meant = keyAliases().get(plain) ?? nearestName(plain, ['app', 'hooks', ...known])
  if (meant !== undefined) return `; did you mean "${meant}"?`
  return ['config', 'checkConfig', 'printConfig'].includes(plain) ? `: --${flagName(plain)} is for the command line` : ''
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Promise)
}
