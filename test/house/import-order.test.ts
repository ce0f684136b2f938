import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkoutFiles, readCheckoutFile } from './checkout.ts'

/** The way through the code: a folder imports only from itself and from those before it. */
const LAYERS = [
  'interface',
  'protocol',
  'gateway',
  'adapters',
  'server',
  'metrics',
  'logging',
  'recording',
  'loading',
  'settings',
  'development',
  'process',
  'proxy',
  'launcher',
  'dev-server',
  'toolkit',
  'middleware',
  'cli',
]

/** Values in, values out: no import from Node. */
const PURE = ['protocol', 'proxy']

/** A process of its own, started by the master. */
const ENTRIES = ['src/process/worker.ts']

const MAX_LINES = 400

const sources = checkoutFiles('src').filter((path) => path.endsWith('.ts'))

/** The folder below src/ that a file belongs to; a file directly in src/ is an entry point, above all but the commands. */
function layerOf(path: string): string {
  return path.split('/').length > 2 ? (path.split('/')[1] ?? '') : 'entry'
}

function rank(layer: string): number {
  return layer === 'entry' ? LAYERS.indexOf('cli') - 0.5 : LAYERS.indexOf(layer)
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

function importsOf(path: string): string[] {
  const text = withoutComments(readCheckoutFile(path))
  const statements = text.matchAll(/^\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]/gm)
  const dynamic = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
  return [...statements, ...dynamic].map((match) => match[1] ?? '')
}

/** One line for every import from a later layer. */
function wrongImports(path: string, imports: readonly string[]): string[] {
  return imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => posix.join(posix.dirname(path), specifier))
    .filter((target) => rank(layerOf(target)) > rank(layerOf(path)))
    .map((target) => `${path} imports ${target}`)
}

describe('the layers of src', () => {
  it('has sources, all in folders that the order names', () => {
    expect(sources.length).toBeGreaterThan(0)
    expect(sources.filter((path) => rank(layerOf(path)) < 0)).toEqual([])
  })

  it('sees an import that goes the wrong way', () => {
    expect(wrongImports('src/protocol/a.ts', ['../server/b.ts', '../interface/c.ts', 'node:fs'])).toEqual([
      'src/protocol/a.ts imports src/server/b.ts',
    ])
    expect(wrongImports('src/index.ts', ['./cli/main.ts', './server/serve.ts'])).toEqual(['src/index.ts imports src/cli/main.ts'])
  })

  it('reads the imports of a file', () => {
    expect(importsOf('src/server/address.ts')).toEqual(['../interface/limits.ts', '../interface/errors.ts', './platform.ts'])
  })

  it('imports only from the folders above', () => {
    expect(sources.flatMap((path) => wrongImports(path, importsOf(path)))).toEqual([])
  })

  it.each(PURE)('keeps src/%s free of Node and of packages', (layer) => {
    const files = sources.filter((path) => layerOf(path) === layer)
    const foreign = files.flatMap((path) => importsOf(path).filter((specifier) => !specifier.startsWith('.')))
    expect(foreign).toEqual([])
  })

  it('leaves the end of the process to src/cli', () => {
    const exits = sources.filter((path) =>
      /\bprocess\s*\.\s*(?:exit|abort|reallyExit)\b(?!Code)/.test(withoutComments(readCheckoutFile(path))),
    )
    expect(exits.filter((path) => layerOf(path) !== 'cli' && !ENTRIES.includes(path))).toEqual([])
  })

  it(`has no file over ${MAX_LINES} lines`, () => {
    const long = sources.map((path) => ({ path, lines: readCheckoutFile(path).split('\n').length - 1 }))
    expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([])
  })
})
