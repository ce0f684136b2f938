/** Lines that one code may have in a window, and how long that is, milliseconds: a site that is down, or slow, has thousands of such requests a second. */
const LINES = 10
const WINDOW_MS = 10_000

/** How many lines there are for each code; the others are counted. */
export class LineBudget {
  readonly #written = new Map<string, number>()
  readonly #left = new Map<string, number>()
  #windowEnds = 0

  /** Whether there is a line for it now. Every `false` is counted. */
  take(code: string): boolean {
    const written = this.#written.get(code) ?? 0
    this.#written.set(code, written + 1)
    if (written < LINES) return true
    this.#left.set(code, (this.#left.get(code) ?? 0) + 1)
    return false
  }

  /** At the end of a window, those that had no line, by code. `force`: whatever the time. */
  rest(now: number, force = false): (readonly [code: string, count: number])[] {
    if (now < this.#windowEnds && !force) return []
    this.#windowEnds = now + WINDOW_MS
    const rest = [...this.#left]
    this.#left.clear()
    this.#written.clear()
    return rest
  }
}
