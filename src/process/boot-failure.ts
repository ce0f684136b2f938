import { quote, TsgiError } from '../interface/errors.ts'
import { placeOfSyntaxError } from '../loading/check-syntax.ts'
import { placeInTypeScript } from '../loading/typescript-syntax-error.ts'
import type { BootFailure } from './worker-messages.ts'

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
    return { code, message: cause instanceof TsgiError ? cause.message : describeThrown(cause), stack: [], listener }
  }
  if (!(error instanceof TsgiError))
    return { code: 'TSGI_ERR_APP_LOAD', message: describeThrown(error), stack: stackOf(error, file) }
  return { code: error.code, message: error.message, stack: error.cause === undefined ? [] : stackOf(error.cause, file) }
}

function stackOf(error: unknown, file: string): string[] {
  if (!(error instanceof Error)) return []
  const stack = error.stack ?? ''
  const inTypeScript = placeInTypeScript(error, file)
  // V8 knows where a syntax error in a JavaScript module is, but tells only whom it prints it to.
  const isPlaced = inTypeScript !== '' || !(error instanceof SyntaxError) || /^\S+:\d+$/m.test(stack)
  const place = isPlaced ? inTypeScript : placeOfSyntaxError(error, file)
  // Of a place in TypeScript V8 knows the line of what was made of it.
  const trace = inTypeScript === '' ? stack : stack.slice(Math.max(0, stack.indexOf(`${error.name}: `)))
  const own =
    error.cause === undefined
      ? ''
      : `\ncaused by ${error.cause instanceof Error ? (error.cause.stack ?? describeThrown(error.cause)) : describeThrown(error.cause)}`
  return `${place}${trace}${own}`.split('\n')
}

/** One line for a log. */
export function describeThrown(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${quote(error)}`
}
