import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'
import type { BootFailure } from './worker-messages.ts'

/** Time that Node gets to look for a syntax error, milliseconds. */
const CHECK_TIMEOUT_MS = 5000

/** Which listener failed, and how. */
export class ListenError extends Error {
  readonly listener: number

  constructor(listener: number, cause: unknown) {
    super('cannot listen', { cause })
    this.listener = listener
  }
}

/** What a worker tells its master when it cannot start. `file` is the application's. */
export function describeFailure(error: unknown, file: string): BootFailure {
  if (error instanceof ListenError) {
    const { cause, listener } = error
    const code = cause instanceof TsgiError ? cause.code : 'TSGI_ERR_LISTEN'
    return { code, message: describeThrown(cause), stack: [], listener }
  }
  if (!(error instanceof TsgiError))
    return { code: 'TSGI_ERR_APP_LOAD', message: describeThrown(error), stack: stackOf(error, file) }
  return { code: error.code, message: error.message, stack: error.cause === undefined ? [] : stackOf(error.cause, file) }
}

function stackOf(error: unknown, file: string): string[] {
  if (!(error instanceof Error)) return []
  const stack = error.stack ?? ''
  // V8 knows where a syntax error in a JavaScript module is, but tells only whom it prints it to.
  const place = error instanceof SyntaxError && !/^\S+:\d+$/m.test(stack) ? placeOfSyntaxError(file) : ''
  const own =
    error.cause === undefined
      ? ''
      : `\ncaused by ${error.cause instanceof Error ? (error.cause.stack ?? describeThrown(error.cause)) : describeThrown(error.cause)}`
  return `${place}${stack}${own}`.split('\n')
}

/** `file:line` and the line itself, as `node --check` shows them; empty where this file is not to blame. */
export function placeOfSyntaxError(file: string): string {
  // Before Node 24 the check of a .js file without a package.json says nothing of a broken ES module; read as one, it does.
  const text = readFileSync(file)
  const asModule = /^\s*(?:import|export)\b/m.test(text.toString('latin1'))
  const place = check([file]) || (asModule ? check(['--input-type=module', '-'], text) : '')
  return place === '' ? '' : `${place.replace('[stdin]', file)}\n`
}

function check(args: readonly string[], input?: Uint8Array): string {
  const checked = spawnSync(process.execPath, ['--check', ...args], {
    encoding: 'utf8',
    timeout: CHECK_TIMEOUT_MS,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
    ...(input === undefined ? {} : { input }),
  })
  const place = checked.stderr.split(/^\S*SyntaxError/m, 1)[0] ?? ''
  return checked.status !== 0 && /:\d+$/m.test(place) ? place.trim() : ''
}

/** One line for a log. */
export function describeThrown(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${quote(error)}`
}
