import { extname, relative, resolve, sep } from 'node:path'
import { watch } from 'chokidar'

import type { Logger } from '../interface/logger.ts'

/** What an application is written in, and what it reads while it loads. */
const EXTENSIONS = new Set(['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '.json'])

/** An editor saves in several steps, and a build writes many files: one reload for all of them, milliseconds behind the last. */
const QUIET_MS = 150

/** A build that never pauses is still looked at, milliseconds after its first change. */
const LONGEST_WAIT_MS = 2000

export interface SourceWatchOptions {
  /** Searched with everything below, but for node_modules and what begins with a dot. */
  readonly directories: readonly string[]
  /** Watched whatever they are called. */
  readonly files: readonly string[]
  readonly log: Logger
  /** Called once for changes that come together, with one of the files, from the current directory. */
  readonly onChange: (path: string) => void
}

/** Watches an application's sources. Resolves, once it does, to what ends it. */
export async function watchSources({ directories, files, log, onChange }: SourceWatchOptions): Promise<() => Promise<void>> {
  const roots = [...new Set(directories.map((each) => resolve(each)))]
  const named = new Set(files.map((each) => resolve(each)))
  const watcher = watch([...roots, ...named], {
    ignoreInitial: true,
    ignored: (path, stats) => !named.has(path) && isIgnored(path, roots, stats?.isFile() === true),
  })
  let quiet: NodeJS.Timeout | undefined
  let firstAt: number | undefined
  watcher.on('all', (_, path) => {
    clearTimeout(quiet)
    firstAt ??= performance.now()
    quiet = setTimeout(
      () => {
        firstAt = undefined
        onChange(relative(process.cwd(), path))
      },
      Math.max(0, Math.min(QUIET_MS, firstAt + LONGEST_WAIT_MS - performance.now())),
    )
  })
  watcher.on('error', (error) => log.warn('--reload-on-changes: some changes may not be seen', error))
  await new Promise<void>((settle) => {
    watcher.once('ready', settle)
  })
  return async () => {
    clearTimeout(quiet)
    await watcher.close()
  }
}

function isIgnored(path: string, roots: readonly string[], isFile: boolean): boolean {
  const root = roots.find((each) => path === each || path.startsWith(each.endsWith(sep) ? each : each + sep))
  const names = root === undefined ? [] : relative(root, path).split(sep)
  if (names.some((name) => name === 'node_modules' || (name.startsWith('.') && name !== '.'))) return true
  return isFile && !EXTENSIONS.has(extname(path))
}
