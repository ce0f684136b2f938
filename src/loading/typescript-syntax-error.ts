import { readFileSync } from 'node:fs'
import { createRequire, SourceMap } from 'node:module'
import type { SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'

import type * as loader from '@oxc-node/core'
import type * as sucrase from 'sucrase'

import { checkSyntax } from './check-syntax.ts'

/** What the TypeScript loader says of a file that it cannot parse. The line is not in it. */
const LOADER_MESSAGE = /^Failed to parse (?<file>.+\.[cm]?tsx?): /

/** Line and column, both from 1. */
interface Place {
  readonly line: number
  readonly column: number
}

// Few workers fail like this: the others need not load the parsers.
const require = createRequire(import.meta.url)

/**
 * Where TypeScript is broken that the loader has read: `file:line:column`, the line itself and a mark below it, with a line feed
 * behind. Empty where that is not found, and where `error` is about something else. `application` is its file.
 */
export function placeInTypeScript(error: Error, application: string): string {
  try {
    const name = LOADER_MESSAGE.exec(error.message)?.groups?.['file']
    if (name !== undefined) {
      const file = name.startsWith('file:') ? fileURLToPath(name) : name
      const text = readFileSync(file, 'utf8')
      return shown(file, text, whereItEnds(text, file))
    }
    // Node's own errors have a code, and know the place.
    if (!(error instanceof SyntaxError) || Reflect.get(error, 'code') !== undefined) return ''
    const [, inStack] = /^(.*):\d+$/m.exec(error.stack?.split('\n', 1)[0] ?? '') ?? []
    const file = inStack ?? application
    if (!/\.[cm]?tsx?$/.test(file)) return ''
    const text = readFileSync(file, 'utf8')
    return shown(file, text, whereItIsRefused(error, text, file))
  } catch {
    // Not to be read any more, or not to be parsed: it stays at the error alone.
    return ''
  }
}

/** Where a parser cannot go on: another one than the loader's, which tells. */
function whereItEnds(text: string, file: string): Place | undefined {
  const { transform } = require('sucrase') as typeof sucrase // what that package exports
  try {
    transform(text, { transforms: file.endsWith('x') ? ['typescript', 'jsx'] : ['typescript'] })
    return undefined
  } catch (error) {
    const loc: unknown = error instanceof Error ? Reflect.get(error, 'loc') : undefined
    if (typeof loc !== 'object' || loc === null) return undefined
    const { line, column } = loc as { line?: unknown; column?: unknown } // looked at below
    return typeof line === 'number' && typeof column === 'number' ? { line, column } : undefined
  }
}

/** Where V8 refuses what the loader has made of a file, such as a name that is declared twice. */
function whereItIsRefused(error: Error, text: string, file: string): Place | undefined {
  const { transform } = require('@oxc-node/core') as typeof loader // what that package exports
  const output = transform(file.replace(/\.cts$/, '.ts'), text)
  const map = output.sourceMap()
  const [, line, mark] =
    /^\[stdin\]:(\d+)\n[^\n]*\n([ \t]*)\^/.exec(checkSyntax(error, ['--input-type=module', '-'], output.source())) ?? []
  if (map === null || line === undefined || mark === undefined) return undefined
  const entry = new SourceMap(JSON.parse(map) as SourceMapPayload).findEntry(Number(line) - 1, mark.length) // a map, by that name
  return 'originalLine' in entry ? { line: entry.originalLine + 1, column: entry.originalColumn + 1 } : undefined
}

function shown(file: string, text: string, place: Place | undefined): string {
  if (place === undefined) return ''
  const lines = text.split(/\r?\n/)
  // At the end of a file it is the last line with something in it that is not finished.
  const last = lines.findLastIndex((line) => line.trim() !== '')
  const atEnd = place.line - 1 > last
  const index = atEnd ? last : place.line - 1
  const source = lines[index] ?? ''
  const column = atEnd ? source.length + 1 : place.column
  return `${file}:${index + 1}:${column}\n${source}\n${source.slice(0, column - 1).replaceAll(/\S/g, ' ')}^\n`
}
