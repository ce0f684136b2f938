import { availableParallelism } from 'node:os'

import { quote, TsgiError } from '../interface/errors.ts'

/**
 * How the text of one setting becomes a value. `W` is what the configuration file may hold instead of the text:
 * a number where a number is meant.
 */
export interface ValueKind<T, W = string> {
  /** What stands for the value in help text: `PORT`, `NAME VALUE`; empty for a switch. */
  readonly placeholder: string
  /** What is accepted, as the end of a sentence: `an integer from 0 to 65535`. */
  readonly accepted: string
  /** `one`: the last value given holds. `list`: every value given. `pairs`: every pair of values given. `switch`: no value. */
  readonly arity: 'one' | 'list' | 'pairs' | 'switch'
  /** The value, or undefined where the text is not accepted. Throws only a `TsgiError` that says more than `accepted` does. */
  parse(text: string): T | undefined
  /** For `list` and `pairs`: takes one environment variable apart into what the command line would have given one by one. */
  split?(text: string): string[]
  /** Only a type: nothing is ever here. */
  readonly written?: W
  /** `W` as the reference writes it, where it is not `string`. */
  readonly writtenAs?: string
  /** A `W` of the configuration file as the texts that the command line would have given; undefined: it is no `W`. */
  textsOf?(written: unknown): readonly string[] | undefined
  /** The value in the user's units: a `W` where it can be one. Default: the value itself. */
  show?(value: T): unknown
  /** A path: relative to the configuration file where that gives it, else to the current directory. */
  readonly path?: true
  /** Words that are no paths though all others are. */
  readonly noPath?: readonly string[]
  /** For `pairs`: the value is such a path. */
  readonly pathInPair?: true
  /** What the flag alone means: `--print-config` is `--print-config=text`. */
  readonly bare?: string
}

/** Parts a name from its value in one argument. NUL cannot occur in an argument or an environment variable. */
export const PAIR_SEPARATOR = '\0'

/** Any text that is not empty. `pattern` narrows it. */
export function text(placeholder: string, accepted = 'text that is not empty', pattern = /^[^\0]+$/): ValueKind<string> {
  return { placeholder, accepted, arity: 'one', parse: (value) => (pattern.test(value) ? value : undefined) }
}

/** The path of a file or a directory. */
export function path(placeholder: string): ValueKind<string> {
  return { ...text(placeholder), accepted: 'a path', path: true }
}

/** A path, or `off`, for which `no` and `false` stand too; the configuration file may have `false`. */
export function pathOrOff(placeholder: string): ValueKind<string, string | false> {
  return {
    ...path(placeholder),
    accepted: 'a path, or off',
    noPath: ['off'],
    parse: (value) => (/^(?:off|no|false)$/i.test(value) ? 'off' : /^[^\0]+$/.test(value) ? value : undefined),
    writtenAs: 'string | false',
    textsOf: (written) => (written === false ? ['off'] : typeof written === 'string' ? [written] : undefined),
  }
}

/** A switch: on the command line its name alone, elsewhere `1 true yes on` or `0 false no off`. */
export function boolean(): ValueKind<boolean, boolean> {
  return {
    placeholder: '',
    accepted: '1, true, yes, on, 0, false, no or off',
    arity: 'switch',
    writtenAs: 'boolean',
    textsOf: (written) => (typeof written === 'boolean' ? [String(written)] : undefined),
    parse(value) {
      if (/^(?:1|true|yes|on)$/i.test(value)) return true
      return /^(?:0|false|no|off)$/i.test(value) ? false : undefined
    },
  }
}

/** A whole decimal number. */
export function integer(placeholder: string, minimum: number, maximum: number): ValueKind<number, number> {
  return {
    ...numeric('number'),
    placeholder,
    accepted: `an integer from ${minimum} to ${maximum}`,
    arity: 'one',
    parse(value) {
      const negative = minimum < 0 && value.startsWith('-')
      const digits = wholeNumber(negative ? value.slice(1) : value)
      return between(negative && digits !== undefined ? -digits : digits, minimum, maximum)
    },
  }
}

/** A whole number from 1, or `auto`: as many as there are processors for this process. */
export function count(placeholder: string, maximum: number): ValueKind<number, number | 'auto'> {
  return {
    ...numeric("number | 'auto'"),
    placeholder: `${placeholder}|auto`,
    accepted: `auto, or an integer from 1 to ${maximum}`,
    arity: 'one',
    parse: (value) => (value === 'auto' ? availableParallelism() : between(wholeNumber(value), 1, maximum)),
  }
}

/** A file mode, octal: `660`, `0660` or `0o660`. */
export function fileMode(placeholder: string): ValueKind<number, number | string> {
  return {
    writtenAs: 'number | string',
    // 0o660 in the file is the number 432.
    textsOf: (written) => (typeof written === 'number' ? [formatMode(written)] : oneText(written)),
    show: formatMode,
    placeholder,
    accepted: 'an octal file mode such as 660',
    arity: 'one',
    parse: (value) => (/^(?:0o?)?[0-7]{3}$/.test(value) ? Number.parseInt(value.replace(/^0o?/, ''), 8) : undefined),
  }
}

/** One of a few words. */
export function choice<const T extends string>(placeholder: string, choices: readonly T[]): ValueKind<T, T> {
  const last = choices.at(-1) ?? ''
  return {
    writtenAs: choices.map((each) => `'${each}'`).join(' | '),
    placeholder,
    accepted: choices.length < 2 ? last : `${choices.slice(0, -1).join(', ')} or ${last}`,
    arity: 'one',
    parse: (value) => choices.find((each) => each === value),
  }
}

const DURATION_MS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['', 1000],
])

/** Longest wait a timer can be set for, milliseconds: a signed 32-bit count, rounded down to whole days. */
const LONGEST_WAIT_MS = 24 * 86_400_000

/** Milliseconds from `500ms`, `2s`, `5m`, `1h`, `1d` or plain seconds; fractions are allowed. */
export function duration(placeholder: string, minimumMs: number): ValueKind<number, number | string> {
  return {
    ...numeric('number | string'),
    show: formatDuration,
    placeholder,
    accepted: `a duration such as 500ms, 2s, 5m or 1h (a plain number counts seconds) from ${formatDuration(minimumMs)} to 24d`,
    arity: 'one',
    parse: (value) =>
      between(scaled(/^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|)$/.exec(value), DURATION_MS), minimumMs, LONGEST_WAIT_MS),
  }
}

const SIZE_BYTES = new Map(['', 'k', 'm', 'g', 't'].map((unit, power) => [unit, 1024 ** power]))

/** Bytes from `64k`, `10MB`, `1GiB` or plain bytes. Every unit is a power of 1024, as it is to nginx and Apache. */
export function size(placeholder: string): ValueKind<number, number | string> {
  return {
    ...numeric('number | string'),
    show: formatSize,
    placeholder,
    accepted: 'a size such as 64k, 10MB or 1GiB (powers of 1024; a plain number counts bytes)',
    arity: 'one',
    parse(value) {
      const match = /^(\d{1,15}(?:\.\d{1,6})?)(?:([kmgt])(?:i?b)?|b|)$/i.exec(value)
      return between(scaled(match, SIZE_BYTES), 0, Number.MAX_SAFE_INTEGER)
    },
  }
}

/** Several values of one kind; in an environment variable they are separated by commas or white space. */
export function list<T, W>(kind: ValueKind<T, W>): ValueKind<T, W | readonly W[]> & { readonly arity: 'list' } {
  const { writtenAs = 'string', written: _, ...rest } = kind
  return {
    ...rest,
    arity: 'list',
    writtenAs: `${writtenAs} | (${writtenAs})[]`.replaceAll('(string)', 'string'),
    textsOf(written) {
      const parts = (Array.isArray(written) ? written : [written]).map((part: unknown) => textsOf(kind, part))
      return parts.some((part) => part === undefined) ? undefined : parts.flatMap((part) => part ?? [])
    },
    split: (value) => value.split(/[\s,]+/).filter((part) => part !== ''),
  }
}

/**
 * Several `NAME VALUE` pairs; in an environment variable one `NAME=VALUE` a line.
 * `name` says which names are accepted, and must not accept a `=`; `content` which values.
 */
export function pairs(
  placeholder: string,
  accepted: string,
  name: RegExp,
  content = /^/,
): ValueKind<readonly [name: string, value: string], Readonly<Record<string, string | number | boolean>>> & {
  readonly arity: 'pairs'
} {
  return {
    placeholder,
    accepted,
    arity: 'pairs',
    writtenAs: 'Record<string, string | number | boolean>',
    textsOf(written) {
      if (typeof written !== 'object' || written === null || Array.isArray(written)) return undefined
      const entries = Object.entries(written)
      if (entries.some(([, value]) => !['string', 'number', 'boolean'].includes(typeof value))) return undefined
      return entries.map(([key, value]) => `${key}${PAIR_SEPARATOR}${String(value)}`)
    },
    parse(value) {
      const separator = value.search(/[\0=]/)
      if (separator < 0 || !name.test(value.slice(0, separator)) || !content.test(value.slice(separator + 1))) return undefined
      return [value.slice(0, separator), value.slice(separator + 1)]
    },
    split: (value) => value.split('\n').filter((line) => line !== ''),
  }
}

/** The same where the value is the path of a file or a directory. */
export function pathPairs(placeholder: string, accepted: string, name: RegExp): ReturnType<typeof pairs> {
  return { ...pairs(placeholder, accepted, name, /^[^\0]+$/), pathInPair: true }
}

/** A value of the configuration file as texts; undefined where it has a type that the kind does not take. */
export function textsOf(kind: ValueKind<unknown, unknown>, written: unknown): readonly string[] | undefined {
  return kind.textsOf === undefined ? oneText(written) : kind.textsOf(written)
}

function oneText(written: unknown): readonly string[] | undefined {
  return typeof written === 'string' ? [written] : undefined
}

/** What numbers have in common in the configuration file: a number there is what the same digits are on the command line. */
function numeric(writtenAs: string): Pick<ValueKind<number, unknown>, 'writtenAs' | 'textsOf'> {
  return { writtenAs, textsOf: (written) => (typeof written === 'number' ? [String(written)] : oneText(written)) }
}

/** `kind.parse`, or `TSGI_ERR_OPTION` that names where the value came from, the value and what is accepted. */
export function parseValue<T>(kind: ValueKind<T, unknown>, value: string, origin: string): T {
  const parsed = kind.parse(value)
  if (parsed === undefined) {
    const shown = kind.arity === 'pairs' ? value.replace(PAIR_SEPARATOR, ' ') : value
    throw new TsgiError('TSGI_ERR_OPTION', `${origin} is ${quote(shown)}, but takes ${kind.accepted}`)
  }
  return parsed
}

/** `0o660` → `660`. */
function formatMode(mode: number): string {
  return mode.toString(8).padStart(3, '0')
}

/** `1500` → `1.5s`, `120000` → `2m`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`
  for (const [unit, unitMs] of [
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const) {
    if (ms % unitMs === 0) return `${ms / unitMs}${unit}`
  }
  return `${ms / 1000}s`
}

/** `10485760` → `10MB`. */
export function formatSize(bytes: number): string {
  for (const [unit, unitBytes] of [
    ['GB', 1024 ** 3],
    ['MB', 1024 ** 2],
    ['KB', 1024],
  ] as const) {
    if (bytes >= unitBytes && bytes % unitBytes === 0) return `${bytes / unitBytes}${unit}`
  }
  return String(bytes)
}

function scaled(match: RegExpExecArray | null, units: ReadonlyMap<string, number>): number | undefined {
  const factor = units.get((match?.[2] ?? '').toLowerCase())
  return match === null || factor === undefined ? undefined : Math.round(Number(match[1]) * factor)
}

function wholeNumber(value: string): number | undefined {
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

function between(value: number | undefined, minimum: number, maximum: number): number | undefined {
  return value !== undefined && value >= minimum && value <= maximum ? value : undefined
}
