import { Session } from 'node:inspector'

/** By file and place of a function: 1 for each character of its source that something is true of. */
type Characters = Map<string, Uint8Array>

/**
 * Which parts of the project's source have been executed, by V8's own count of blocks ("precise coverage"): tells whether an
 * input has reached something that none has reached before.
 */
export class Coverage {
  readonly #session = new Session()
  readonly #covers: readonly string[]
  readonly #executed: Characters = new Map()

  /** `covers`: beginnings of paths below src. */
  constructor(covers: readonly string[]) {
    this.#covers = covers
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** What has been executed since the last look, and never before. */
  fresh(): Characters {
    const fresh: Characters = new Map()
    for (const [key, now] of this.#look()) {
      const before = this.#executed.get(key)
      this.#executed.set(key, before === undefined ? now : now.map((byte, index) => byte | (before[index] ?? 0)))
      const added = before === undefined ? now : now.map((byte, index) => byte & ~(before[index] ?? 0))
      if (added.includes(1)) fresh.set(key, added)
    }
    return fresh
  }

  /** Whether anything of `wanted` has been executed since the last look. */
  reaches(wanted: Characters): boolean {
    let reached = false
    for (const [key, now] of this.#look()) {
      const sought = wanted.get(key)
      reached ||= sought?.some((byte, index) => byte === 1 && now[index] === 1) === true
    }
    return reached
  }

  /** Characters of functions that were executed, of all that are in the files. */
  get reached(): { executed: number; all: number } {
    let executed = 0
    let all = 0
    for (const characters of this.#executed.values()) {
      all += characters.length
      for (const character of characters) executed += character
    }
    return { executed, all }
  }

  stop(): void {
    this.#session.disconnect()
  }

  #look(): Characters {
    const characters: Characters = new Map()
    // The inspector of this thread answers before it returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error
      for (const { url, functions } of result) {
        const path = url.split('/src/').at(-1) ?? ''
        if (!url.includes('/src/') || !this.#covers.some((beginning) => path.startsWith(beginning))) continue
        for (const { ranges } of functions) {
          const [whole] = ranges
          // What is outside of all functions is executed when it is loaded.
          if (whole === undefined || whole.startOffset === 0) continue
          characters.set(`${path}:${whole.startOffset}`, executedOf(ranges, whole))
        }
      }
    })
    return characters
  }
}

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

/** The first range is the whole function; each further one is a block within, whose count is its own. */
function executedOf(ranges: readonly Range[], whole: Range): Uint8Array {
  const executed = new Uint8Array(whole.endOffset - whole.startOffset)
  for (const { startOffset, endOffset, count } of ranges) {
    executed.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset)
  }
  return executed
}
