import { readFileSync, statSync } from 'node:fs'

/** Lines of a source around one of them. */
export interface SourceExcerpt {
  /** Number of the first of `lines`, from 1. */
  readonly first: number
  readonly lines: readonly string[]
}

/** Lines before the one that matters, and behind it. */
const AROUND = 6

/** Largest file that is read for it, bytes: a bundle of a build has no lines that somebody would want to see. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

/** Longer lines are cut, characters. */
const MAX_LINE = 400

/** Reads the lines around `line`, from 1. Undefined where the file is not there, has changed since, or is none. */
export function sourceExcerpt(file: string, line: number): SourceExcerpt | undefined {
  let lines: string[]
  try {
    const stats = statSync(file)
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return undefined
    lines = readFileSync(file, 'utf8').split(/\r?\n/)
  } catch {
    // It may have been made in memory, or removed.
    return undefined
  }
  if (lines.at(-1) === '') lines.pop()
  if (line < 1 || line > lines.length) return undefined
  const first = Math.max(1, line - AROUND)
  return {
    first,
    lines: lines.slice(first - 1, line + AROUND).map((each) => (each.length > MAX_LINE ? `${each.slice(0, MAX_LINE)}…` : each)),
  }
}
