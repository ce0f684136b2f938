import remapping from '@jridgewell/remapping'
import { parse } from 'es-module-lexer'
import type { Export } from 'es-module-lexer'
import { transform } from 'sucrase'

import { OnlyInModules } from './only-in-modules.ts'

/**
 * An ES module, as the TypeScript loader prints it, into CommonJS, as the TypeScript compiler would have written it.
 *
 * sucrase does the most of it and keeps every line where it is. What it does not do is what modules that import each other in a
 * circle need: the compiler announces the names of all exports before anything is imported, and exports functions there already.
 */

/** The name under which a dynamic import is done in the code that comes out, on the global object. */
export const DYNAMIC_IMPORT = 'tsgi.commonjs.import'

/** What stands for `import` in `import(name)`: as long as that, so that nothing moves. */
const IMPORT_FUNCTION = '_load_'

export interface CommonJsOptions {
  /** The file's path. */
  readonly file: string
  /** `esModuleInterop`. Without it `import * as f` may be called where a module exports a function, as it may with the compiler. */
  readonly interop: boolean
}

/**
 * `code` and its source map, as the loader made them; what comes out has its map in it. The lexer must be initialised before:
 * `init` of es-module-lexer.
 *
 * Throws `OnlyInModules` for `import.meta`.
 */
export function toCommonJs(code: string, map: string | null, options: CommonJsOptions): string {
  const { file, interop } = options
  const [imports, exports, , isModule] = parse(code, file)
  if (imports.some(({ type }) => type === 'import-meta')) throw new OnlyInModules('import.meta', file)
  const dynamic = imports.filter((each) => each.type === 'dynamic' && each.phase === null)
  let output = code
  for (const { importStart: at } of dynamic) {
    output = `${output.slice(0, at)}${IMPORT_FUNCTION}${output.slice(at + IMPORT_FUNCTION.length)}`
  }
  const maps = map === null ? [] : [map]
  if (isModule) {
    const declared = declarationsOf(code)
    const transformed = transform(settleExportLists(output, exports, declared), {
      transforms: ['imports'],
      disableESTransforms: true,
      preserveDynamicImport: true,
      keepUnusedImports: true,
      filePath: file,
      sourceMapOptions: { compiledFilename: file },
    })
    // It was asked for.
    if (transformed.sourceMap !== undefined) maps.unshift(JSON.stringify(transformed.sourceMap))
    output = beforeAll(transformed.code, `"use strict"; ${announce(exports, declared)}`)
    // A second declaration of the same function replaces the first one.
    if (!interop) output += '; function _interopRequireWildcard(module) { return module; }'
  }
  // In the file itself, so that what is imported is found from there.
  if (dynamic.length > 0) {
    output += `; function ${IMPORT_FUNCTION}(name, options) { return globalThis[Symbol.for('${DYNAMIC_IMPORT}')](require, name, () => import(name, options)); }`
  }
  return map === null ? output : `${output}\n${mapComment(maps, file)}`
}

function mapComment(maps: string[], file: string): string {
  const map = { ...remapping(maps, () => null), sources: [file], file }
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`
}

/** What the compiler writes first: names without values yet, and functions, which exist from the start. */
function announce(exports: readonly Export[], declared: ReadonlyMap<string, Declaration>): string {
  const names: string[] = []
  const functions: string[] = []
  for (const each of exports) {
    if (each.type === 'reexport-all') continue
    const local = each.type === 'direct' ? each.localName : undefined
    const target = `exports[${JSON.stringify(each.name)}]`
    if (local !== undefined && declared.get(local)?.kind === 'function') functions.push(`${target} = ${local};`)
    else names.push(target)
  }
  const announced = names.length === 0 ? '' : `${names.join(' = ')} = void 0; `
  return `Object.defineProperty(exports, "__esModule", { value: true }); ${announced}${functions.join(' ')}`
}

interface Declaration {
  readonly kind: string
  /** Offset in the text. */
  readonly at: number
}

/** What is declared at the top level, by name: the loader prints it at the beginning of a line. Of `let a, b` it is `a`. */
function declarationsOf(text: string): Map<string, Declaration> {
  const found = new Map<string, Declaration>()
  const pattern = /^(?:export )?(?:default )?(?:async )?(let|const|var|class|function)\*? ?([\p{ID_Continue}$]+)/gmu
  for (const { 1: kind = '', 2: name = '', index } of text.matchAll(pattern)) {
    if (!found.has(name)) found.set(name, { kind, at: index })
  }
  return found
}

/**
 * `export { … }` without `from`: a name that comes from another module is exported from there, so that it follows what becomes
 * of it, and one that is declared further below is exported at the end, where it has a value.
 */
function settleExportLists(text: string, exports: readonly Export[], declared: ReadonlyMap<string, Declaration>): string {
  const lists = new Map<number, Export[]>()
  for (const each of exports) {
    if (each.type === 'reexport-all' || !/^export\s*\{/.test(text.slice(each.exportStart, each.exportStart + 20))) continue
    const statement = /^export\s*\{[^}]*\}(?<from>\s*from\b)?/.exec(text.slice(each.exportStart))
    if (statement?.groups?.['from'] === undefined) lists.set(each.exportStart, [...(lists.get(each.exportStart) ?? []), each])
  }
  let output = text
  let atEnd = ''
  for (const [start, list] of [...lists].toReversed()) {
    const here: string[] = []
    for (const each of list) {
      if (each.type === 'reexport') {
        const what = each.importName === null ? '*' : `{ ${each.importName}`
        here.push(`export ${what} as ${each.name}${each.importName === null ? '' : ' }'} from ${JSON.stringify(each.from)};`)
      } else if (each.type === 'direct') {
        const statement = `export { ${each.localName ?? each.name} as ${each.name} };`
        const at = declared.get(each.localName ?? each.name)?.at
        if (at !== undefined && at < start) here.push(statement)
        else atEnd += ` ${statement}`
      }
    }
    const [old] = /^export\s*\{[^}]*\};?/.exec(text.slice(start)) ?? ['']
    const lines = '\n'.repeat(old.split('\n').length - 1)
    output = `${output.slice(0, start)}${here.join(' ')}${lines}${output.slice(start + old.length)}`
  }
  return output + atEnd
}

/** On the first line, so that no other moves; one for the shell must stay the first. */
function beforeAll(code: string, prefix: string): string {
  const at = code.startsWith('#!') ? code.indexOf('\n') + 1 : 0
  return `${code.slice(0, at)}${prefix} ${code.slice(at)}`
}
