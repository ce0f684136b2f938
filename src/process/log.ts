import { detailOf, TsgiError } from '../interface/errors.ts'
import type { ErrorCode } from '../interface/errors.ts'
import type { Logger, LogLevel } from '../interface/logger.ts'
import { foldOwnFrames } from './own-frames.ts'

export interface LoggerOptions {
  /** The least severe level that is written. Looked at for each event: whoever made the object may change it. */
  readonly level: LogLevel
  /** `json`: one object for each event. Default `text`. */
  readonly format?: 'text' | 'json'
  /** Takes one line without its end. */
  readonly write: (line: string, level: LogLevel) => void
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

/** Lines of stacks and long messages that one event may write: a stack of a deep recursion stays readable. */
const MAX_LINES = 100

/** Errors behind an error that are written; a chain may be a circle. */
const MAX_CAUSES = 5

/**
 * Writes `2026-11-22T16:25:01.123Z error [pid] TSGI_ERR_X message`, and what else belongs to the event in indented lines:
 * only a line that starts with a time starts an event, whatever a client or an application puts into a message.
 */
export function createLogger(options: LoggerOptions): Logger {
  const log = (level: LogLevel, message: string, error?: unknown): void => {
    if (SEVERITY[level] > SEVERITY[options.level]) return
    const [first = '', ...rest] = eventLines(message, error)
    const more = rest.slice(0, MAX_LINES)
    const time = new Date().toISOString()
    if (options.format === 'json') {
      const event = { time, level, pid: process.pid, message: first, ...(more.length === 0 ? {} : { more }) }
      options.write(withoutControls(JSON.stringify(event)), level)
      return
    }
    options.write(`${time} ${level} [${process.pid}] ${first}`, level)
    for (const line of more) options.write(`    ${line}`, level)
  }
  return {
    error: (message, error) => log('error', message, error),
    warn: (message, error) => log('warn', message, error),
    info: (message) => log('info', message),
    debug: (message) => log('debug', message),
  }
}

/** One line on standard error each. */
export function writeToStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** An error for a terminal: `CODE message`, its further lines and stacks indented. */
export function errorLines(error: unknown): string[] {
  const [first = '', ...rest] = eventLines('', error)
  return [first, ...rest.slice(0, MAX_LINES).map((line) => `    ${line}`)]
}

function eventLines(message: string, error: unknown): string[] {
  if (error === undefined) return message.split('\n').map(withoutControls)
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  const text = textOf(message, error)
  const headline =
    message === '' || text.startsWith(message) ? text : message.endsWith(`: ${text}`) ? message : `${message}: ${text}`
  const prefix = typeof code === 'string' && !headline.includes(code) ? `${code} ` : ''
  return [...`${prefix}${headline}`.split('\n'), ...stackLines(error, MAX_CAUSES)].map(withoutControls)
}

/** Codes whose own text is what the line before them says: `reload failed: The reload was given up`. */
const SAID_BY_LINE: ReadonlySet<string> = new Set<ErrorCode>(['TSGI_ERR_RELOAD', 'TSGI_ERR_WORKER_BOOT'])

function textOf(message: string, error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (message !== '' && error instanceof TsgiError && SAID_BY_LINE.has(error.code)) return detailOf(error)
  return error.message || error.name
}

/** Where an error was thrown, then the errors behind it. The stack of a coded error only leads into this server: left out. */
function stackLines(error: unknown, causesLeft: number): string[] {
  if (!(error instanceof Error)) return []
  const stack = isCoded(error) ? [] : frames(error)
  if (error.cause === undefined || causesLeft === 0) return stack
  const { cause } = error
  // What the system said is in the message of a coded error already, and its stack is Node's own.
  if (isCoded(error) && cause instanceof Error && 'syscall' in cause) return stack
  // What the coded error has said already is not said twice.
  const isSaid = isCoded(error) && cause instanceof Error && cause.message !== '' && error.message.includes(cause.message)
  const headline = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  return [...stack, ...(isSaid ? [] : `caused by ${headline}`.split('\n')), ...stackLines(cause, causesLeft - 1)]
}

/** The stack without the message that it repeats. */
function frames(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n')
  return foldOwnFrames(lines.filter((line) => /^\s+at /.test(line))).map((line) => line.trim())
}

function isCoded(error: Error): boolean {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && code.startsWith('TSGI_ERR_')
}

/** Control characters and line separators as escapes, so that no value ends a line or moves a terminal's cursor. */
function withoutControls(line: string): string {
  return line.replace(
    /[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
