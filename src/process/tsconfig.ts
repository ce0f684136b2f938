import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'

/** The compiler options that decide how TypeScript must be loaded. */
export interface LoadingOptions {
  /** The file that was nearest. */
  readonly file: string
  readonly paths: boolean
  readonly emitDecoratorMetadata: boolean
}

/** Files that one tsconfig may extend, one after the other: more is a circle. */
const MAX_EXTENDS = 16

/** Reads the tsconfig.json nearest to a file, and what it extends. Undefined where there is none, or none that can be read. */
export function nearestLoadingOptions(file: string): LoadingOptions | undefined {
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    const candidate = join(directory, 'tsconfig.json')
    const options = readOptions(candidate, MAX_EXTENDS)
    if (options !== undefined) {
      return {
        file: candidate,
        paths: isFilled(options['paths']),
        emitDecoratorMetadata: options['emitDecoratorMetadata'] === true,
      }
    }
    if (directory === dirname(directory)) return undefined
  }
}

function readOptions(file: string, extendsLeft: number): Record<string, unknown> | undefined {
  const config = readJsonWithComments(file)
  if (!isRecord(config)) return undefined
  const own = isRecord(config['compilerOptions']) ? config['compilerOptions'] : {}
  const parents = (Array.isArray(config['extends']) ? config['extends'] : [config['extends']]).filter(
    (each) => typeof each === 'string',
  )
  const inherited =
    extendsLeft === 0 ? [] : parents.map((parent) => readOptions(resolveExtended(parent, file), extendsLeft - 1) ?? {})
  // The later of several parents wins, and the file itself over all.
  return Object.assign({}, ...inherited, own) as Record<string, unknown>
}

/** A path beside the file, with or without `.json`, or a file of a package. */
function resolveExtended(parent: string, file: string): string {
  if (/^\.{0,2}\//.test(parent)) {
    const path = resolve(dirname(file), parent)
    return extname(path) === '.json' ? path : `${path}.json`
  }
  const { resolve: find } = createRequire(file)
  for (const name of [parent, `${parent}.json`, `${parent}/tsconfig.json`]) {
    try {
      return find(name)
    } catch {
      // Not under this name; the last of them is reported by nobody, as the compiler itself will say it better.
    }
  }
  return ''
}

function readJsonWithComments(file: string): unknown {
  try {
    return JSON.parse(withoutComments(readFileSync(file, 'utf8')))
  } catch {
    // Not there, or broken: then there is nothing to go by, and loading the application is tried without.
    return undefined
  }
}

/** Takes comments and trailing commas out; strings are matched first, so that what looks like either in them stays. */
function withoutComments(text: string): string {
  const strings = '"(?:[^"\\\\]|\\\\.)*"'
  return text
    .replace(/^\uFEFF/, '')
    .replace(new RegExp(`(${strings})|//[^\\n]*|/\\*[\\s\\S]*?\\*/`, 'g'), '$1')
    .replace(new RegExp(`(${strings})|,(?=\\s*[}\\]])`, 'g'), '$1')
}

function isFilled(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length > 0
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
