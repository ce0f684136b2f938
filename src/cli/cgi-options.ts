import type { InterfaceChoice } from '../loading/detect-application.ts'
import { TsgiError, quote } from '../interface/errors.ts'
import { mountPoint } from '../settings/setting-kinds.ts'
import { variableName } from '../settings/setting-names.ts'
import { choice, duration, size } from '../settings/settings-values.ts'
import type { ValueKind } from '../settings/settings-values.ts'

/** What `tsgi cgi` may be told. */
export interface CgiOptions {
  readonly interface: InterfaceChoice
  /** Undefined: as the web server says. */
  readonly mountPoint: string | undefined
  readonly requestTimeoutMs: number
  readonly limitRequestBodyBytes: number
}

/** The names of its options, as those of `tsgi serve`: each is also a `TSGI_` variable. */
export const CGI_FLAGS = {
  interface: 'What kind of application it is: auto, tsgi, node or fetch (default: auto)',
  'mount-point': 'URL path that the application is under (default: as SCRIPT_NAME says)',
  'request-timeout': 'Time in which the application must begin to answer, else the client gets 504 (default: 1m)',
  'limit-request-body': 'Largest request body; 0 sets no limit (default: 10M)',
} as const

export type CgiFlag = keyof typeof CGI_FLAGS

const DEFAULT_REQUEST_TIMEOUT_MS = 60_000
const DEFAULT_BODY_BYTES = 10 * 1024 * 1024

/** Reads the options; `given` holds over the environment. Throws `TSGI_ERR_OPTION`. */
export function cgiOptions(given: Partial<Record<CgiFlag, string>>, environment: NodeJS.ProcessEnv): CgiOptions {
  const read = <T>(flag: CgiFlag, kind: ValueKind<T, unknown>): T | undefined => {
    const text = given[flag] ?? (environment[variableName(flag)] || undefined)
    if (text === undefined) return undefined
    const value = kind.parse(text)
    if (value === undefined) throw new TsgiError('TSGI_ERR_OPTION', `--${flag} is ${quote(text)}; it takes ${kind.accepted}`)
    return value
  }
  return {
    interface: read('interface', choice('KIND', ['auto', 'tsgi', 'node', 'fetch'])) ?? 'auto',
    mountPoint: read('mount-point', mountPoint),
    requestTimeoutMs: read('request-timeout', duration('TIME', 0)) ?? DEFAULT_REQUEST_TIMEOUT_MS,
    limitRequestBodyBytes: read('limit-request-body', size('SIZE')) ?? DEFAULT_BODY_BYTES,
  }
}

/**
 * The application and its options out of what stands behind `cgi` on a command line; undefined where that is anything but plain, which
 * is commander's to judge. What stands behind the application is nobody's: a web server may put there what its client has written
 * into a query without `=` (RFC 3875, section 4.4).
 */
export function plainCgiArguments(args: readonly string[]): { app: string; given: Partial<Record<CgiFlag, string>> } | undefined {
  const given: Partial<Record<CgiFlag, string>> = {}
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? ''
    if (!argument.startsWith('-')) return { app: argument, given }
    const [, name = '', joined] = /^--([a-z-]+)(?:=(.*))?$/s.exec(argument) ?? []
    const value = joined ?? args[++index]
    if (!isFlag(name) || value === undefined) return undefined
    given[name] = value
  }
  return undefined
}

function isFlag(name: string): name is CgiFlag {
  return Object.hasOwn(CGI_FLAGS, name)
}
