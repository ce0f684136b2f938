import type { Logger, LogLevel } from '../../src/interface/logger.ts'
import { until } from '../support/until.ts'

export interface LogEntry {
  level: LogLevel
  message: string
  error: unknown
}

/** A logger that keeps what it is told. */
export class CollectedLog implements Logger {
  readonly entries: LogEntry[] = []

  error(message: string, error?: unknown): void {
    this.entries.push({ level: 'error', message, error })
  }

  warn(message: string, error?: unknown): void {
    this.entries.push({ level: 'warn', message, error })
  }

  info(message: string): void {
    this.entries.push({ level: 'info', message, error: undefined })
  }

  debug(message: string): void {
    this.entries.push({ level: 'debug', message, error: undefined })
  }

  /** Warnings and errors: what an operator is to see. */
  get problems(): LogEntry[] {
    return this.entries.filter(({ level }) => level === 'error' || level === 'warn')
  }

  /** Codes of the errors in `problems`; undefined for one without. */
  get codes(): (string | undefined)[] {
    return this.problems.map(({ error }) =>
      typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined,
    )
  }

  /** Resolves when an error of this code has been logged. */
  async whenCode(code: string): Promise<void> {
    await until(() => this.codes.includes(code), `${code} in the log, which has ${JSON.stringify(this.codes)}`)
  }

  async whenProblem(): Promise<LogEntry> {
    await until(() => this.problems.length > 0, 'a line in the log')
    const [first] = this.problems
    if (first === undefined) throw new Error('no line')
    return first
  }
}
