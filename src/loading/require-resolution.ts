import module, { isBuiltin } from 'node:module'
import { isAbsolute } from 'node:path'

import { createPathsMatcher } from 'get-tsconfig'
import type { TsConfigResult } from 'get-tsconfig'

import { isInstalled } from './module-format.ts'
import { LOADER_NAME } from './typescript-loader.ts'

type Resolve = (request: string, parent: { readonly filename?: string | null } | undefined, ...rest: unknown[]) => string

// Not in Node's documentation, but what tsconfig-paths, the loader itself and tracers build on, and the same on Node 20 to 26.
const internals = module as unknown as { _resolveFilename: Resolve }

/** Lets `require()` in an application find modules as the compiler does: by `paths` and `baseUrl`, and `./x.js` where `x.ts` is meant. */
export function resolveAsTypeScript(tsconfig: TsConfigResult | undefined): void {
  const matcher = tsconfig === undefined ? null : createPathsMatcher(tsconfig)
  const resolve = internals._resolveFilename
  internals._resolveFilename = function (request, parent, ...rest) {
    const find = (name: string): string => resolve.call(this, name, parent, ...rest)
    const from = parent?.filename
    if (typeof from !== 'string' || isInstalled(from) || isBuiltin(request) || request.startsWith(LOADER_NAME))
      return find(request)
    const isPath = /^\.{0,2}\//.test(request) || request === '.' || request === '..' || isAbsolute(request)
    for (const candidate of isPath ? [] : (matcher?.(request) ?? [])) {
      const found = firstOf(sourcesOf(candidate), find)
      if (found !== undefined) return found
    }
    try {
      return find(request)
    } catch (error) {
      const found = isPath ? firstOf(sourcesOf(request), find) : undefined
      if (found !== undefined) return found
      throw error
    }
  }
}

/** `./x.js` may be what becomes of `x.ts`. */
function sourcesOf(name: string): string[] {
  const [ending] = /\.[cm]?jsx?$/.exec(name) ?? []
  if (ending === undefined) return [name]
  const stem = name.slice(0, -ending.length)
  const type = ending.replace('j', 't')
  return [name, stem + type, ...(ending === '.js' ? [`${stem}.tsx`] : [])]
}

function firstOf(names: readonly string[], find: (name: string) => string): string | undefined {
  for (const name of names) {
    try {
      return find(name)
    } catch {
      // Not this one. Where none is there, Node's error for the name as it was written is the one to throw.
    }
  }
  return undefined
}
