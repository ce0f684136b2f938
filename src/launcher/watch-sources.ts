import type { Stats } from 'node:fs'
import { basename, extname, relative, resolve, sep } from 'node:path'
import { watch } from 'chokidar'

import type { Logger } from '../interface/logger.ts'
import { filePattern } from './file-pattern.ts'

/** What an application is written in, and what it reads while it loads. */
const EXTENSIONS = new Set(['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '.json'])

/** Files of variables, which applications read by themselves: `.env`, `.env.local`. */
const ENV_FILE = /^\.env(?:\.[\w.-]+)?$/

/** An editor saves in several steps, and a build writes many files: one reload for all of them, milliseconds behind the last. */
const QUIET_MS = 150

/** A build that never pauses is still looked at, milliseconds after its first change. */
const LONGEST_WAIT_MS = 2000

export interface SourceWatchOptions {
  /** Searched with everything below, but for node_modules and what begins with a dot, env files apart. */
  readonly directories: readonly string[]
  /** Watched whatever they are called; of directories everything below. */
  readonly files: readonly string[]
  /** Patterns of `filePattern`, from each of the directories. */
  readonly exclude?: readonly string[]
  /** Milliseconds without a change behind the last one. */
  readonly quietMs?: number
  readonly log: Logger
  /** Called at once when the first of several changes is seen. */
  readonly onFirstChange?: (path: string) => void
  /** Called once for changes that come together, with one of the files, from the current directory. */
  readonly onChange: (path: string) => void
}

/** Watches an application's sources. Resolves, once it does, to what ends it. */
export async function watchSources(options: SourceWatchOptions): Promise<() => Promise<void>> {
  const { log, onChange, onFirstChange, quietMs = QUIET_MS } = options
  const roots = [...new Set(options.directories.map((each) => resolve(each)))]
  const named = [...new Set(options.files.map((each) => resolve(each)))]
  const excluded = (options.exclude ?? []).map((pattern) => filePattern(pattern))
  const watcher = watch([...roots, ...named], {
    ignoreInitial: true,
    ignored: (path, stats) =>
      isExcluded(path, [...roots, ...named], excluded) ||
      (!named.some((each) => isBelow(path, each)) && isIgnored(path, roots, stats)),
  })
  let quiet: NodeJS.Timeout | undefined
  let firstAt: number | undefined
  watcher.on('all', (event, path) => {
    // An upload's new directory is no code; what is in it is told by itself.
    if (event === 'addDir' || event === 'unlinkDir') return
    clearTimeout(quiet)
    if (firstAt === undefined) onFirstChange?.(relative(process.cwd(), path))
    firstAt ??= performance.now()
    quiet = setTimeout(
      () => {
        firstAt = undefined
        onChange(relative(process.cwd(), path))
      },
      Math.max(0, Math.min(quietMs, firstAt + LONGEST_WAIT_MS - performance.now())),
    )
  })
  watcher.on('error', (error) => log.warn('some changes of files may not be seen', error))
  await new Promise<void>((settle) => {
    watcher.once('ready', settle)
  })
  return async () => {
    clearTimeout(quiet)
    await watcher.close()
  }
}

function isExcluded(path: string, roots: readonly string[], patterns: readonly RegExp[]): boolean {
  if (patterns.length === 0) return false
  return roots.some((root) => {
    if (path === root || !isBelow(path, root)) return false
    const name = relative(root, path).replaceAll(sep, '/')
    return patterns.some((pattern) => pattern.test(name))
  })
}

function isIgnored(path: string, roots: readonly string[], stats: Stats | undefined): boolean {
  const root = roots.find((each) => isBelow(path, each))
  const names = root === undefined ? [] : relative(root, path).split(sep)
  if (names.slice(0, -1).some(isHidden)) return true
  const name = basename(path)
  if (ENV_FILE.test(name) && names.length === 1) return false
  if (path !== root && isHidden(name)) return true
  // At first nothing is known of it.
  return stats !== undefined && !stats.isDirectory() && !EXTENSIONS.has(extname(path))
}

function isHidden(name: string): boolean {
  return name === 'node_modules' || (name.startsWith('.') && name !== '.')
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}
