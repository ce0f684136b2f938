/** Where the lines of a log go. Nothing that happens there is an error for whoever writes. */
export interface LineSink {
  /** Takes one line without its end. It is written soon: at the latest when the event loop turns. */
  write(line: string, severity?: Severity): void
  /** Writes now what has not been written, as far as that is possible. */
  flush(): void
  /** The file has been moved away: goes on in a new one of the same name. */
  reopen(): void
  /** Writes what is left; resolves when it has gone, or `limitMs` is over. Nothing is taken any more. */
  close(limitMs: number): Promise<void>
}

/** Of a line in syslog (RFC 5424, section 6.2.1). */
export type Severity = 'error' | 'warn' | 'info' | 'debug'

/** Told of lines that could not be written. */
export interface LossListener {
  lost(lines: number, why: unknown): void
  /** Something has been written. */
  written(): void
}

/** How often losses are worth a line, milliseconds: a full disk must not fill the other log. */
const REPORT_MS = 60_000

/** Counts lines that are lost, and says so: at once when it begins, then once a minute, and what is left when it is over. */
export class Losses implements LossListener {
  readonly #warn: (message: string) => void
  #untold = 0
  #toldAt = -Infinity
  #why = ''

  /** `warn` must not write to the log whose losses are counted. */
  constructor(warn: (message: string) => void) {
    this.#warn = warn
  }

  lost(lines: number, why: unknown): void {
    this.#untold += lines
    this.#why = why instanceof Error ? why.message : String(why)
    const now = performance.now()
    if (now - this.#toldAt < REPORT_MS) return
    this.#toldAt = now
    this.#tell()
  }

  written(): void {
    if (this.#untold > 0 && performance.now() - this.#toldAt >= REPORT_MS) this.#tell()
  }

  /** Tells of what has not been told. */
  end(): void {
    if (this.#untold > 0) this.#tell()
  }

  #tell(): void {
    const lines = this.#untold
    this.#untold = 0
    this.#warn(`${lines} line(s) of the log were lost: ${this.#why}`)
  }
}
