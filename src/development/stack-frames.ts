import { fileURLToPath } from 'node:url'

/** One line of a stack. */
export interface Frame {
  /** As the stack has it, without `at`. */
  readonly text: string
  /** Empty at the top level of a module. */
  readonly functionName: string
  /** Absolute path; undefined where the code is in no file. */
  readonly file: string | undefined
  readonly line: number
  readonly column: number
  /** Whose code it is. */
  readonly owner: 'application' | 'dependency' | 'node' | 'tsgi'
}

/** Frames of one error: a stack is no longer, unless somebody has raised Error.stackTraceLimit. */
const MAX_FRAMES = 100

/** Where this server's own code is. */
const OWN_URL = new URL('..', import.meta.url).href
const OWN_PATH = fileURLToPath(OWN_URL)

/** `/app/index.ts:12:5`, `file:///app/index.ts:12:5`, `C:\app\index.ts:12:5`, `node:fs:12:5`; the column may be missing. */
const PLACE = /^((?:file:|node:|\/|[A-Za-z]:[\\/]).*?):(\d+)(?::(\d+))?$/

/** The frames in the lines of a stack. The place of a syntax error, which stands above it in a line of its own, is the first. */
export function framesIn(lines: readonly string[]): Frame[] {
  const frames: Frame[] = []
  for (const line of lines) {
    if (frames.length === MAX_FRAMES) break
    const text = /^\s*at (.+)$/.exec(line)?.[1]
    if (text !== undefined) frames.push(frameOf(text))
    else if (frames.length === 0 && PLACE.test(line)) frames.push(frameOf(line))
  }
  return frames
}

/** `load (file:///app/index.ts:12:5)`, or the place alone. */
function frameOf(text: string): Frame {
  const named = /^(.*?) \((.*)\)$/.exec(text)
  const place = PLACE.exec(named?.[2] ?? text.replace(/^async /, ''))
  const functionName = named?.[1] ?? ''
  if (place === null) return { text, functionName, file: undefined, line: 0, column: 0, owner: 'node' }
  const [, where = '', line, column] = place
  const file = where.startsWith('node:') ? undefined : pathOf(where)
  return { text, functionName, file, line: Number(line), column: Number(column ?? 0), owner: ownerOf(file) }
}

function pathOf(where: string): string | undefined {
  if (!where.startsWith('file:')) return where
  try {
    // A loader may add a query, to load a file once more.
    return fileURLToPath(where.replace(/[?#].*$/, ''))
  } catch {
    return undefined
  }
}

function ownerOf(file: string | undefined): Frame['owner'] {
  if (file === undefined) return 'node'
  if (file.startsWith(OWN_PATH)) return 'tsgi'
  return /[\\/]node_modules[\\/]/.test(file) ? 'dependency' : 'application'
}
