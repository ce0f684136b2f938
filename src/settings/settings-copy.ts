import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as OxcNode from '@oxc-node/core'

import { quote, TsgiError } from '../interface/errors.ts'
import { hasModuleSyntax } from '../loading/module-syntax.ts'

/** Files that one configuration may be made of; more is no configuration. */
const MAX_FILES = 100

/** An import or export with its specifier, as the transformer writes them: one at the start of a line, in double quotes. */
const STATIC_IMPORT = /^((?:import|export)\b[^;"'`]*)("(?:[^"\\\n]|\\.)*")/gm
const DYNAMIC_IMPORT = /(\bimport\()("(?:[^"\\\n]|\\.)*")/g

const SOURCE_MAP = /\n\/\/# sourceMappingURL=data:application\/json;[^,]*,([\w+/=]+)\s*$/

type Loader = typeof OxcNode

/**
 * Imports a module by a copy of it and of what it imports from beside it: without types, in a directory of its own that is gone
 * when this resolves. Stack traces name the originals. So a file is read anew although Node never reads a module twice, and
 * TypeScript is read where Node has no type stripping, without the loader's hooks: the master lives long, and hooks never go.
 *
 * What is imported from packages is imported as ever. The transformer's output is searched with patterns; a text over several
 * lines with a line in it that is an import of a file that exists would be taken for one.
 *
 * Rejects with what the module threw, and with `TSGI_ERR_CONFIG` where there is no end to what it imports.
 */
export async function importCopy(path: string): Promise<unknown> {
  // Only whoever needs it pays for it: a native add-on.
  const loader = await import('@oxc-node/core')
  const directory = mkdtempSync(join(tmpdir(), 'tsgi-config-'))
  const copies = new Map<string, string>()
  try {
    const entry = await copy(pathToFileURL(path).href, directory, copies, loader)
    // For the maps in the copies: also for functions that are called later.
    process.setSourceMapsEnabled(true)
    return await import(entry)
  } catch (error) {
    nameOriginals(error, copies)
    throw error
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Node's own messages and the stacks of errors at linking name the copies, which nobody can look into. */
function nameOriginals(error: unknown, copies: ReadonlyMap<string, string>): void {
  if (!(error instanceof Error)) return
  for (const [original, copied] of copies) {
    error.message = error.message.replaceAll(copied, original)
    if (error.stack !== undefined) error.stack = error.stack.replaceAll(copied, original)
  }
}

/** Writes the copy of one module and of what it imports; gives its URL. `copies`: originals to copies, which ends circles. */
async function copy(url: string, directory: string, copies: Map<string, string>, loader: Loader): Promise<string> {
  const known = copies.get(url)
  if (known !== undefined) return known
  if (copies.size === MAX_FILES) {
    throw new TsgiError('TSGI_ERR_CONFIG', `it imports more than ${MAX_FILES} files, ${quote(fileURLToPath(url))} the next`)
  }
  const file = join(directory, `${copies.size}.mjs`)
  const copied = pathToFileURL(file).href
  copies.set(url, copied)
  let text = withOriginal(await transformed(url, loader), url)
  for (const pattern of [STATIC_IMPORT, DYNAMIC_IMPORT]) {
    for (const [statement, before = '', specifier = ''] of [...text.matchAll(pattern)]) {
      // What the transformer prints in double quotes is JSON.
      const name = JSON.parse(specifier) as string
      const target = await resolved(name, url, loader)
      if (target === undefined) continue
      const replacement = isOwnModule(name, target)
        ? await copy(target, directory, copies, loader)
        : // Node keeps data by its URL, too.
          target.endsWith('.json') && isRelative(name)
          ? `${target}?${basename(directory)}`
          : target
      text = text.replaceAll(statement, () => before + JSON.stringify(replacement))
    }
  }
  writeFileSync(file, text, { mode: 0o600 })
  return copied
}

/** The module as JavaScript, its source map in its last line. */
async function transformed(url: string, loader: Loader): Promise<string> {
  const context = { format: 'module', importAttributes: {}, conditions: [] }
  // The resolver's first use makes what load needs.
  await resolved(url, url, loader)
  const output = await loader.load(url, context, () => ({ format: 'module', source: readFileSync(fileURLToPath(url)) }))
  return typeof output.source === 'string' ? output.source : Buffer.from(output.source ?? '').toString('utf8')
}

/** The URL that a specifier means to Node and the loader; undefined: it means nothing to them, and Node shall say so. */
async function resolved(specifier: string, parentURL: string, loader: Loader): Promise<string | undefined> {
  if (specifier.startsWith('node:') || specifier.startsWith('data:') || builtinModules.includes(specifier)) return undefined
  const context = { conditions: ['node', 'import', 'module-sync'], importAttributes: {}, parentURL }
  try {
    const options = { getCurrentDirectory: () => dirname(fileURLToPath(parentURL)) }
    // The loader asks whoever is next only about what it has found itself, or not at all.
    const { url } = await loader.createResolve(options, specifier, context, (next) => ({ url: next }))
    return url.startsWith('file:') ? url : undefined
  } catch {
    return undefined
  }
}

/** Whether it belongs to the configuration: what packages are made of, and what is no ES module, is imported where it is. */
function isOwnModule(specifier: string, url: string): boolean {
  const path = fileURLToPath(url)
  if (/[\\/]node_modules[\\/]/.test(path)) return false
  switch (extname(path)) {
    case '.ts':
    case '.mts':
      return true
    // A package that is linked to its sources is a package still.
    case '.mjs':
      return isRelative(specifier)
    case '.js':
      return isRelative(specifier) && hasModuleSyntax(readFileSync(path, 'utf8'))
    default:
      return false
  }
}

function isRelative(specifier: string): boolean {
  return /^\.{0,2}\//.test(specifier)
}

/** Has the copy say where the original is: in its source map, and where the module asks for its own place. */
function withOriginal(text: string, url: string): string {
  const path = fileURLToPath(url)
  const own = { url, filename: path, dirname: dirname(path) }
  return text
    .replaceAll(/\bimport\.meta\.(url|filename|dirname)\b/g, (_, name: keyof typeof own) => JSON.stringify(own[name]))
    .replace(SOURCE_MAP, (_, encoded: string) => {
      const map: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'))
      const mended = Buffer.from(JSON.stringify({ ...Object(map), sources: [url], sourceRoot: undefined })).toString('base64')
      return `\n//# sourceMappingURL=data:application/json;base64,${mended}`
    })
}
