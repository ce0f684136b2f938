import { readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'

import type { TsConfigResult } from 'get-tsconfig'

import { nearestTsconfig } from './tsconfig.ts'

/** With these the compiler writes CommonJS for a package that says nothing of its type. */
const COMMONJS_MODULES = ['commonjs', 'node16', 'node18', 'node20', 'nodenext']

/** TypeScript that the compiler turns into CommonJS. */
export interface CommonJsReason {
  /** What says so, for a log. */
  readonly because: string
  /** Whether package.json or the file's name says so: else Node sees an ES module in what can be nothing else. */
  readonly certain: boolean
  readonly tsconfig: TsConfigResult | undefined
}

/**
 * Whether the compiler would make CommonJS of an application's file: undefined where it would not, where the file is no
 * TypeScript, and where nothing says so (no `type` in package.json, no `module` in tsconfig.json), which leaves it to Node.
 */
export function commonJsReason(file: string): CommonJsReason | undefined {
  const extension = extname(file)
  if (!['.ts', '.tsx', '.cts'].includes(extension)) return undefined
  const tsconfig = nearestTsconfig(file)
  if (extension === '.cts') return { because: 'it is CommonJS', certain: true, tsconfig }
  switch (packageType(dirname(file))) {
    case 'module':
      return undefined
    case 'commonjs':
      return { because: 'it uses import in a CommonJS package', certain: true, tsconfig }
    default: {
      const { module: written, verbatimModuleSyntax } = tsconfig?.config.compilerOptions ?? {}
      const module = written?.toLowerCase()
      // With verbatimModuleSyntax the compiler takes no import for CommonJS: what has one is meant for Node's detection.
      if (module === undefined || !COMMONJS_MODULES.includes(module) || verbatimModuleSyntax === true) return undefined
      return { because: `it uses import, and tsconfig.json has module ${module}`, certain: false, tsconfig }
    }
  }
}

/** Whether a file that CommonJS TypeScript takes in is part of it: TypeScript too, and not in a package of another type or one that is installed. */
export function isCommonJsTypeScript(file: string): boolean {
  const extension = extname(file)
  if (extension === '.cts') return !isInstalled(file)
  return (extension === '.ts' || extension === '.tsx') && !isInstalled(file) && packageType(dirname(file)) !== 'module'
}

/** What is below node_modules was compiled when it was published. */
export function isInstalled(file: string): boolean {
  return /[\\/]node_modules[\\/]/.test(file)
}

const packageTypes = new Map<string, unknown>()

/** `type` of the package.json that a directory belongs to, as Node finds it. */
function packageType(directory: string): unknown {
  const known = packageTypes.get(directory)
  if (known !== undefined || packageTypes.has(directory)) return known
  const own = readPackage(join(directory, 'package.json'))
  const parent = dirname(directory)
  const type = own !== undefined ? own.type : parent === directory ? undefined : packageType(parent)
  packageTypes.set(directory, type)
  return type
}

function readPackage(file: string): { readonly type?: unknown } | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    // Node says it better, when it loads the application.
    return {}
  }
}
