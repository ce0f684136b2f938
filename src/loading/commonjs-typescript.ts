import { readFileSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

import { OxcTransformer } from '@oxc-node/core'
import { init } from 'es-module-lexer'
import type { TsConfigResult } from 'get-tsconfig'

import { DYNAMIC_IMPORT, toCommonJs } from './commonjs-transform.ts'
import { isCommonJsTypeScript } from './module-format.ts'
import { OnlyInModules } from './only-in-modules.ts'
import { resolveAsTypeScript } from './require-resolution.ts'

type Extension = (module: { _compile(code: string, file: string): void }, file: string) => void

// Old, but what every such hook builds on, the loader's among them, and the same on Node 20 to 26.
const { _extensions: extensions } = module as unknown as { readonly _extensions: Record<string, Extension | undefined> }

/**
 * Loads TypeScript as the compiler would have compiled it to CommonJS, in a process that runs with the loader.
 *
 * The loader's own hook makes an ES module of it, which Node would load as one: without `require`, `module` and `__dirname`, and
 * with classes that nobody can name before they are declared. It also refuses `import` in a .cts file.
 *
 * Throws `OnlyInModules`, and what the module throws.
 */
export async function requireTypeScript(file: string, tsconfig: TsConfigResult | undefined): Promise<unknown> {
  await init()
  const transformer = new OxcTransformer(process.cwd())
  const interop = hasInterop(tsconfig)
  const compile = (path: string): string => {
    const { code, map } = withoutTypes(transformer, path)
    return toCommonJs(code, map, { file: path, interop })
  }
  for (const extension of ['.ts', '.tsx', '.cts']) {
    const others = extensions[extension]
    extensions[extension] = (target, path) => {
      if (!isCommonJsTypeScript(path)) return others?.(target, path)
      target._compile(compile(path), path)
    }
  }
  resolveAsTypeScript(tsconfig)
  Reflect.set(globalThis, Symbol.for(DYNAMIC_IMPORT), importFrom)
  return createRequire(file)(file) as unknown
}

/** An ES module, with its source map. */
function withoutTypes(transformer: OxcTransformer, file: string): { code: string; map: string | null } {
  try {
    const output = transformer.transform(file.replace(/\.cts$/, '.ts'), readFileSync(file, 'utf8'))
    return { code: output.source(), map: output.sourceMap() }
  } catch (error) {
    // The loader puts it as a matter of the target, which nobody could set to another.
    if (error instanceof Error && error.message.includes('Top-level await')) throw new OnlyInModules('top-level await', file)
    throw error
  }
}

/** On by default where the compiler has it so; its newest versions have it everywhere, which `toCommonJs` leaves room for. */
function hasInterop(tsconfig: TsConfigResult | undefined): boolean {
  const { esModuleInterop, module } = tsconfig?.config.compilerOptions ?? {}
  return esModuleInterop ?? module?.toLowerCase() !== 'commonjs'
}

/**
 * `import(name)` in such a file. Another such file is the module that `require()` gives: Node's own import would load it a second
 * time, as an ES module. Everything else is Node's.
 */
function importFrom(require: NodeJS.Require, name: unknown, byNode: () => Promise<unknown>): Promise<unknown> {
  const file = fileOf(require, name)
  if (file === undefined || !isCommonJsTypeScript(file)) return byNode()
  return Promise.resolve().then(() => asNamespace(require(file)))
}

function fileOf(require: NodeJS.Require, name: unknown): string | undefined {
  try {
    const text = String(name)
    return require.resolve(text.startsWith('file:') ? fileURLToPath(text) : text)
  } catch {
    // Not there, or for ES modules only: Node's import finds it, or says so.
    return undefined
  }
}

/** What a module exports, as `import * as` gives it. */
function asNamespace(exports: unknown): unknown {
  if (typeof exports === 'object' && exports !== null && Reflect.get(exports, '__esModule') === true) return exports
  return { ...(typeof exports === 'object' || typeof exports === 'function' ? exports : {}), default: exports }
}
