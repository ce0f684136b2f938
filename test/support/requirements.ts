/**
 * What a test needs beyond Node and the checkout, in one place.
 *
 *     import { requires } from '../support/requirements.ts'
 *
 *     requires('nginx', 'dist').describe('behind nginx', () => {
 *       it('answers', async () => { … })
 *     })
 *     requires('curl').test('curl sees both cookies', async () => { … })
 *
 * When something is missing, the quick run (`npm test`) skips the suite, and its title says what is missing and how to get it;
 * the full run (`npm run test:full`, which sets TSGI_TEST_FULL=1) fails it instead: there, nothing is skipped.
 * Ask for what the test really uses, and for `full` when it takes more than a few seconds.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { isBuilt as areAppsBuilt } from '../apps/state.mjs'
import { UNPACKED_FOLDER, unpackedHint } from '../unpacked-programs.mjs'
import executables from './executables.json' with { type: 'json' }

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** True under `npm run test:full`. */
export const isFullRun: boolean = process.env.TSGI_TEST_FULL === '1'

/** The other Node binaries to test on, as absolute paths: TSGI_TEST_NODES, separated by colons. */
export const otherNodes: readonly string[] = (process.env.TSGI_TEST_NODES ?? '').split(delimiter).filter((path) => path !== '')

/**
 * Absolute path of an executable on PATH (or where Debian puts daemons), or undefined. nginx is the one that TSGI_TEST_NGINX names, where
 * it names one.
 */
export function findExecutable(name: string): string | undefined {
  const other = name === 'nginx' ? process.env.TSGI_TEST_NGINX : undefined
  if (other !== undefined) return isExecutable(other) ? other : undefined
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', UNPACKED_FOLDER]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function newestChangeMs(folder: string, endsWith: string): number {
  let newest = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.name.endsWith(endsWith)) {
      newest = Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs)
    }
  }
  return newest
}

/** `npm run build` has run since the last change: tsc writes every file anew, so its newest output is newer than every source. */
function isBuilt(): boolean {
  try {
    return newestChangeMs(join(checkout, 'dist'), '.js') >= newestChangeMs(join(checkout, 'src'), '.ts')
  } catch {
    return false
  }
}

/** A Docker engine with Compose, where the client looks for one. */
function hasEngine(): boolean {
  return [['version'], ['compose', 'version']].every((args) => spawnSync('docker', args, { timeout: 10_000 }).status === 0)
}

/** Each requirement: whether it is met, and how to meet it. */
const requirements = {
  /** Reads /proc: memory and CPU time of another process. */
  proc: { isMet: () => process.platform === 'linux', hint: 'runs on Linux' },
  root: { isMet: () => process.getuid?.() === 0, hint: 'run as root' },
  /** The built command line and library in dist/. */
  dist: { isMet: isBuilt, hint: 'npm run build' },
  /** The applications of other frameworks under test/apps, with their packages. */
  apps: { isMet: areAppsBuilt, hint: 'node test/apps/install.mjs' },
  engine: { isMet: hasEngine, hint: 'start Docker, or as root on Debian: node test/containers/engine/engine.mjs COMMAND' },
  /** Other Node versions than the one running: see `otherNodes`. */
  nodes: { isMet: () => otherNodes.length > 0, hint: 'npm run test:full, or TSGI_TEST_NODES=/path/to/node:/path/to/node' },
  /** Too slow for the quick run. */
  full: { isMet: () => isFullRun, hint: 'npm run test:full' },
} satisfies Record<string, { isMet: () => boolean; hint: string }>

/** A program of executables.json (program: Debian package, which the full run installs), or a requirement from above. */
export type Requirement = keyof typeof executables | keyof typeof requirements

function describeRequirement(name: Requirement): { isMet: () => boolean; hint: string } {
  if (name in requirements) return requirements[name as keyof typeof requirements] // `in` does not narrow a union of strings
  const packageName = executables[name as keyof typeof executables]
  return { isMet: () => findExecutable(name) !== undefined, hint: unpackedHint(name) ?? `apt-get install ${packageName}` }
}

const answers = new Map<Requirement, boolean>()

function isMet(name: Requirement): boolean {
  const known = answers.get(name)
  if (known !== undefined) return known
  const answer = describeRequirement(name).isMet()
  answers.set(name, answer)
  return answer
}

/** Text in the title of what was skipped; the reporter reads it back. */
export const NEEDS = ' — needs '

interface Registrar {
  /** vitest's `describe`, for a suite that has what it needs. */
  readonly describe: (title: string, body: () => void) => void
  /** vitest's `it`, for one test. */
  readonly test: (title: string, body: () => void | Promise<void>, timeoutMs?: number) => void
  /** Whether all is there, for what must be decided outside a suite. */
  readonly met: boolean
}

/** Registers tests that run only where all of `names` is there. */
export function requires(...names: readonly Requirement[]): Registrar {
  const missing = names.filter((name) => !isMet(name))
  if (missing.length === 0) {
    return {
      met: true,
      describe: (title, body) => {
        describe(title, body)
      },
      test: (title, body, timeoutMs) => {
        it(title, body, timeoutMs)
      },
    }
  }
  const needs = missing.map((name) => `${name} (${describeRequirement(name).hint})`).join(', ')
  if (isFullRun) {
    const fail = (): void => {
      throw new Error(`the full run skips nothing: needs ${needs}`)
    }
    return {
      met: false,
      describe: (title) => {
        describe(title, () => {
          it('has what it needs', fail)
        })
      },
      test: (title) => {
        it(title, fail)
      },
    }
  }
  return {
    met: false,
    describe: (title, body) => {
      describe.skip(`${title}${NEEDS}${needs}`, body)
    },
    test: (title, body) => {
      it.skip(`${title}${NEEDS}${needs}`, body)
    },
  }
}
