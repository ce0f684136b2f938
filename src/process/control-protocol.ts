import { quote, TsgiError } from '../interface/errors.ts'
import type { LogLevel } from '../interface/logger.ts'
import { errorLines } from './log.ts'

/**
 * What `tsgi ctl` and a master say to each other: one JSON object a line, a reply for each request, in order.
 *
 *     {"tsgi":1,"command":"scale","workers":4}
 *     {"tsgi":1,"ok":true,"result":{"workers":4}}
 *     {"tsgi":1,"ok":false,"error":{"code":"TSGI_ERR_CONTROL","message":"…"}}
 */

/** Of the protocol. A request with another one is refused, so that a newer client learns that the server is older. */
export const CONTROL_VERSION = 1

/** Longest request, bytes: the commands that there are need a hundred. */
export const MAX_REQUEST_BYTES = 4096

/** Most workers that can be asked for, as with `--workers`. */
const MAX_WORKERS = 1024

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']

const FORMATS = ['prometheus', 'openmetrics', 'json'] as const

/** `json`: as an object, the others as text. */
export type MetricsFormat = (typeof FORMATS)[number]

export type Command =
  | { readonly command: 'status' | 'workers' | 'reload' | 'upgrade' | 'reopen-logs' }
  | { readonly command: 'metrics'; readonly format: MetricsFormat }
  | { readonly command: 'scale'; readonly workers: number }
  | { readonly command: 'scale'; readonly by: number }
  | { readonly command: 'log-level'; readonly level: LogLevel }
  /** `quick`: requests get a second at most; while it is stopping already, everything ends at once. */
  | { readonly command: 'stop'; readonly quick: boolean }

/** The keys that each command may have beside its name. */
const KEYS: Readonly<Record<Command['command'], readonly string[]>> = {
  status: [],
  workers: [],
  metrics: ['format'],
  reload: [],
  scale: ['workers', 'by'],
  'log-level': ['level'],
  'reopen-logs': [],
  upgrade: [],
  stop: ['quick'],
}

/** Every command, in the order of the documentation. */
export const COMMAND_NAMES = Object.keys(KEYS)

/** What a command has done or found out; each has keys of its own. */
export type Result = Readonly<Record<string, unknown>>

export type Reply =
  | { readonly tsgi: 1; readonly ok: true; readonly result: Result }
  | { readonly tsgi: 1; readonly ok: false; readonly error: ReplyError }

/** `message` may have further lines, such as the stack of the application's error. */
export interface ReplyError {
  readonly code: string
  readonly message: string
}

/** Reads one line. Throws `TSGI_ERR_CONTROL`, which says what is wrong. */
export function parseRequest(line: Uint8Array): Command {
  const command = readCommand(parseLine(line))
  if (typeof command === 'string') throw new TsgiError('TSGI_ERR_CONTROL', command)
  return command
}

/** The command of a request, or what is wrong with it. */
export function readCommand(request: unknown): Command | string {
  if (!isRecord(request)) return 'a request is one line that holds one JSON object'
  const { tsgi, command, ...rest } = request
  if (tsgi !== CONTROL_VERSION) return `"tsgi" is ${quote(tsgi)}; this server knows version ${CONTROL_VERSION}`
  if (!isCommandName(command)) return `there is no command ${quote(command)}; there are ${COMMAND_NAMES.join(', ')}`
  const unknown = Object.keys(rest).find((key) => !KEYS[command].includes(key))
  if (unknown !== undefined) return `${command} takes no ${quote(unknown)}`
  switch (command) {
    case 'scale':
      return readScale(rest)
    case 'log-level': {
      const level = LEVELS.find((each) => each === rest['level'])
      return level === undefined ? `log-level takes a "level": ${LEVELS.join(', ')}` : { command, level }
    }
    case 'metrics': {
      const format = FORMATS.find((each) => each === (rest['format'] ?? 'prometheus'))
      return format === undefined ? `metrics takes a "format": ${FORMATS.join(', ')}` : { command, format }
    }
    case 'stop': {
      const { quick = false } = rest
      return typeof quick === 'boolean' ? { command, quick } : '"quick" is true or false'
    }
    default:
      return { command }
  }
}

function readScale({ workers, by }: Record<string, unknown>): Command | string {
  if (by === undefined && isWhole(workers) && workers >= 1 && workers <= MAX_WORKERS) return { command: 'scale', workers }
  if (workers === undefined && isWhole(by) && by !== 0 && Math.abs(by) <= MAX_WORKERS) return { command: 'scale', by }
  return `scale takes "workers", from 1 to ${MAX_WORKERS}, or "by", a difference`
}

/** undefined where it is no JSON, or no UTF-8. */
function parseLine(line: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
  } catch {
    return undefined
  }
}

export function successLine(result: object): string {
  return `${JSON.stringify({ tsgi: CONTROL_VERSION, ok: true, result })}\n`
}

/** The error as the log has it: code, message, and the lines below it. */
export function failureLine(error: unknown): string {
  const code = error instanceof TsgiError ? error.code : 'TSGI_ERR_CONTROL'
  const text = errorLines(error).join('\n')
  const message = text.startsWith(`${code} `) ? text.slice(code.length + 1) : text
  return `${JSON.stringify({ tsgi: CONTROL_VERSION, ok: false, error: { code, message } })}\n`
}

/** A reply, or undefined where the text is none. */
export function parseReply(text: string): Reply | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value) || value['tsgi'] !== CONTROL_VERSION) return undefined
  const { ok, result, error } = value
  if (ok === true && isRecord(result)) return { tsgi: CONTROL_VERSION, ok, result }
  if (ok !== false || !isRecord(error)) return undefined
  const { code, message } = error
  return typeof code === 'string' && typeof message === 'string'
    ? { tsgi: CONTROL_VERSION, ok, error: { code, message } }
    : undefined
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCommandName(value: unknown): value is Command['command'] {
  return typeof value === 'string' && Object.hasOwn(KEYS, value)
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
