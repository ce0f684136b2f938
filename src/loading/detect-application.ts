import { frameworkOf } from '../adapters/framework.ts'
import type { FetchApplication } from '../adapters/fetch-application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import type { Application } from '../interface/application.ts'

/** What `--interface` chooses between. */
export type InterfaceChoice = 'auto' | 'tsgi' | 'node' | 'fetch'

/** What a module gives. A value of kind `node` is as the module exports it; see `frameworkOf`. */
export type LoadedApplication =
  | { readonly kind: 'tsgi'; readonly application: Application; readonly exportName: string; readonly certainty: Certainty }
  | { readonly kind: 'fetch'; readonly application: FetchApplication; readonly exportName: string; readonly certainty: Certainty }
  | { readonly kind: 'node'; readonly value: unknown; readonly exportName: string; readonly certainty: Certainty }

/**
 * How sure it is that an export is the application. `likely`: a plain function under a name that functions of other kinds have
 * too, such as `handler`. `possible`: one that takes no response, such as one that makes the application.
 */
export type Certainty = 'certain' | 'likely' | 'possible'

type Kind = LoadedApplication['kind']

interface Candidate {
  readonly kind: Kind
  readonly exportName: string
  readonly value: unknown
  readonly certainty: Certainty
}

/** Names under which a plain function is taken for a `(req, res)` listener. */
const LISTENER_NAMES = ['default', 'app', 'handler', 'listener', 'middleware']

/** Those of them that other things have as well: a serverless function, a part of an application. */
const COMMON_NAMES = ['handler', 'middleware', 'fetch']

/** Names under which an application is looked for. */
export const APPLICATION_NAMES: readonly string[] = ['application', ...LISTENER_NAMES]

/** Exports that an error lists; a module may have hundreds. */
const LISTED_EXPORTS = 12

/**
 * Finds the application among the exports of a module, see `exportsOf`. `exportName` is what the user wrote after the colon.
 *
 * Throws `TSGI_ERR_APP_EXPORT`, `TSGI_ERR_APP_AMBIGUOUS`: what was found, and what to write.
 */
export function detectApplication(
  exports: ReadonlyMap<string, unknown>,
  app: { readonly name: string; readonly exportName?: string; readonly interface: InterfaceChoice },
): LoadedApplication {
  const candidates =
    app.exportName === undefined ? searchAll(exports, app.interface) : searchOne(exports, app.exportName, app.interface)
  const [first, ...others] = distinct(candidates)
  if (first === undefined) throw nothingFound(exports, app)
  if (others.length > 0) throw ambiguous([first, ...others], app.name)
  const { kind, value, exportName, certainty } = first
  if (kind === 'node') return { kind, value, exportName, certainty }
  // `kindOf` has seen that it is a function, or has the method.
  if (kind === 'fetch') return { kind, application: value as FetchApplication, exportName, certainty }
  // A function is all that can be known of an application before it is called.
  return { kind, application: value as Application, exportName, certainty }
}

/**
 * The exports of a module, whichever way it was written. A CommonJS module that is imported has what it exports in
 * `default`, and beside it the names that Node could guess; a compiled ES module in it is marked `__esModule`.
 */
export function exportsOf(namespace: object): Map<string, unknown> {
  const exports = new Map<string, unknown>()
  const named = new Map<string, unknown>(
    Object.entries(namespace).filter(([name]) => name !== 'module.exports' && name !== '__esModule'),
  )
  const main: unknown = named.get('default')
  const compiled = isObject(main) && Reflect.get(main, '__esModule') === true
  if (isObject(main) && (compiled || isPlainObject(main))) {
    for (const [name, value] of Object.entries(main)) if (name !== '__esModule') exports.set(name, value)
  }
  for (const [name, value] of named) if (name !== 'default' || !compiled) exports.set(name, value)
  return exports
}

/** The user named the export. */
function searchOne(exports: ReadonlyMap<string, unknown>, exportName: string, choice: InterfaceChoice): Candidate[] {
  const value = exports.get(exportName)
  const kind = kindOf(exportName, value, choice) ?? (choice === 'auto' && typeof value === 'function' ? 'tsgi' : undefined)
  return kind === undefined ? [] : [{ kind, exportName, value, certainty: 'certain' }]
}

/** `application` goes before everything, what is certain before what is not, and the default export before other names. */
function searchAll(exports: ReadonlyMap<string, unknown>, choice: InterfaceChoice): Candidate[] {
  for (const exportName of choice === 'tsgi' ? ['application', 'default'] : ['application']) {
    const kind = kindOf(exportName, exports.get(exportName), choice)
    if (kind !== undefined) return [{ kind, exportName, value: exports.get(exportName), certainty: 'certain' }]
  }
  if (choice === 'tsgi') return []
  const found = [...exports].flatMap(([exportName, value]): Candidate[] => {
    // With --interface node any function will do where the user names it, but not just any export.
    if (
      typeof value === 'function' &&
      !isFramework(value) &&
      exportName !== 'fetch' &&
      !hasFetch(value) &&
      !LISTENER_NAMES.includes(exportName)
    )
      return []
    const kind = kindOf(exportName, value, choice)
    return kind === undefined ? [] : [{ kind, exportName, value, certainty: certaintyOf(exportName, value) }]
  })
  const certain = found.filter(({ certainty }) => certainty === 'certain')
  const best = certain.length > 0 ? certain : found
  const main = best.find(({ exportName }) => exportName === 'default')
  return main === undefined ? best : [main]
}

/** The kind of one export, or undefined where it is no application of the kind asked for. */
function kindOf(exportName: string, value: unknown, choice: InterfaceChoice): Kind | undefined {
  const isFunction = typeof value === 'function'
  switch (choice) {
    case 'tsgi':
      return isFunction ? 'tsgi' : undefined
    case 'fetch':
      return isFunction || hasFetch(value) ? 'fetch' : undefined
    case 'node':
      return isFunction || isFramework(value) ? 'node' : undefined
    case 'auto':
      if (hasFetch(value) || (isFunction && exportName === 'fetch')) return 'fetch'
      if (isFramework(value)) return 'node'
      if (!isFunction) return undefined
      if (exportName === 'application') return 'tsgi'
      return LISTENER_NAMES.includes(exportName) ? 'node' : undefined
  }
}

function certaintyOf(exportName: string, value: unknown): Certainty {
  if (typeof value !== 'function' || isFramework(value) || hasFetch(value)) return 'certain'
  if (COMMON_NAMES.includes(exportName)) return 'likely'
  return value.length < 2 ? 'possible' : 'certain'
}

/** Whether a value is an application by its methods, not just a function that may or may not be a listener. */
function isFramework(value: unknown): boolean {
  const framework = frameworkOf(value)
  return framework !== undefined && framework !== 'listener' && framework !== 'router'
}

function hasFetch(value: unknown): boolean {
  return isObject(value) && typeof Reflect.get(value, 'fetch') === 'function'
}

/** One value under several names is one application. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  return [...new Map(candidates.map((candidate) => [candidate.value, candidate])).values()]
}

function nothingFound(
  exports: ReadonlyMap<string, unknown>,
  app: { name: string; exportName?: string; interface: InterfaceChoice },
): TsgiError {
  const file = quote(app.name)
  const found = exports.size === 0 ? `${file} exports nothing` : `${file} exports ${listExports(exports)}`
  const wanted = app.interface === 'auto' ? 'an application' : `an application of the interface ${app.interface}`
  const subject =
    app.exportName === undefined
      ? `none of them is ${wanted}`
      : exports.has(app.exportName)
        ? `${quote(app.exportName)} is not ${wanted}`
        : `there is no export ${quote(app.exportName)}`
  const callable = app.exportName === undefined && [...exports.values()].some((value) => typeof value === 'function')
  const advice = callable
    ? `Export the application as "application" or "default", name its export as in ${app.name}:main (with --interface node or fetch where it is no TSGI application), or call listen()`
    : 'Export an application as "application" or "default", or call listen()'
  return new TsgiError('TSGI_ERR_APP_EXPORT', `${found}${exports.size === 0 ? '' : `; ${subject}`}. ${advice}`)
}

function ambiguous(candidates: readonly Candidate[], name: string): TsgiError {
  const found = candidates.map(({ exportName, kind }) => `${exportName} (${kind})`).join(', ')
  const advice = candidates.map(({ exportName }) => `${name}:${exportName}`).join(' or ')
  return new TsgiError('TSGI_ERR_APP_AMBIGUOUS', `${quote(name)} exports ${found}. Say which: ${advice}`)
}

function listExports(exports: ReadonlyMap<string, unknown>): string {
  const names = [...exports].slice(0, LISTED_EXPORTS).map(([name, value]) => `${name} (${typeName(value)})`)
  return exports.size > LISTED_EXPORTS ? `${names.join(', ')} and ${exports.size - LISTED_EXPORTS} more` : names.join(', ')
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return 'array'
  const name: unknown = Object.getPrototypeOf(value) === null ? undefined : value.constructor?.name
  return typeof name === 'string' && name !== 'Object' && /^\w{1,40}$/.test(name) ? name : 'object'
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}
