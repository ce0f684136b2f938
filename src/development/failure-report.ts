import { inspect } from 'node:util'

import type { FailedRequest } from '../gateway/failure-page.ts'
import { TsgiError } from '../interface/errors.ts'
import { importFrame } from './import-frame.ts'
import { framesIn } from './stack-frames.ts'
import type { Frame } from './stack-frames.ts'

/** What a page tells of a failure. */
export interface FailureReport {
  readonly status: number
  /** One line: what failed. */
  readonly title: string
  /** The error, then what caused it, and so on. */
  readonly errors: readonly ReportedError[]
  /** What to do, where there is more to say than the errors do. */
  readonly advice?: string
  readonly request: FailedRequest | undefined
}

export interface ReportedError {
  /** `TypeError`; of coded errors the code, too. */
  readonly name: string
  readonly message: string
  /** How it belongs to the one before it. */
  readonly relation: 'caused by' | 'one of'
  readonly frames: readonly Frame[]
}

/** Errors that one page shows: a chain may be a circle, and an AggregateError may hold thousands. */
const MAX_ERRORS = 8

/** Longer messages are cut, characters: some hold a whole document. */
const MAX_MESSAGE = 10_000

/** An error and those behind it. Never throws, whatever was thrown. */
export function reportedErrors(error: unknown): ReportedError[] {
  const errors: ReportedError[] = []
  const seen = new Set<unknown>()
  const add = (value: unknown, relation: ReportedError['relation']): void => {
    if (errors.length >= MAX_ERRORS || seen.has(value)) return
    seen.add(value)
    errors.push(reported(value, relation))
    if (!(value instanceof Error)) return
    // A getter of theirs may throw.
    const { cause } = value
    if (cause !== undefined) add(cause, 'caused by')
    if (value instanceof AggregateError) for (const each of value.errors) add(each, 'one of')
  }
  try {
    add(error, 'caused by')
  } catch {
    if (errors.length === 0) errors.push({ name: 'Thrown', message: 'something unreadable', relation: 'caused by', frames: [] })
  }
  return errors
}

/**
 * The errors in what a worker says of its failure to start: the message, then lines of stacks, of which each further one begins
 * with `caused by`.
 */
export function errorsInText(message: string, stack: readonly string[]): ReportedError[] {
  const parts: { headline: string; lines: string[] }[] = [{ headline: message, lines: [] }]
  for (const line of stack) {
    const caused = /^caused by (.*)$/.exec(line)?.[1]
    if (caused !== undefined) parts.push({ headline: caused, lines: [] })
    else parts.at(-1)?.lines.push(line)
  }
  return parts.slice(0, MAX_ERRORS).map(({ headline, lines }, index) => {
    const [name, text] = nameAndMessage(headline)
    // What stands between the headline and the stack belongs to the message: a loader draws the place of an error there.
    const extra = index === 0 ? [] : untilStack(lines)
    return { name, message: cut([text, ...extra].join('\n')), relation: 'caused by', frames: framesOf(text, lines) }
  })
}

function untilStack(lines: readonly string[]): readonly string[] {
  const end = lines.findIndex((line) => /^\s*at /.test(line))
  return end === -1 ? lines : lines.slice(0, end)
}

function reported(value: unknown, relation: ReportedError['relation']): ReportedError {
  if (!(value instanceof Error)) {
    return { name: 'Thrown', message: cut(inspect(value, { depth: 2, breakLength: 100 })), relation, frames: [] }
  }
  const code: unknown = Reflect.get(value, 'code')
  const stack: unknown = value.stack
  const message = String(value.message)
  const frames = typeof stack === 'string' ? framesOf(message, stack.split('\n')) : []
  if (value instanceof TsgiError) {
    // Ours: where in this server it was made says nothing, unless the application has called it.
    const isCalled = frames.some(({ owner }) => owner === 'application')
    return { name: value.code, message: cut(message), relation, frames: isCalled ? frames : [] }
  }
  return { name: typeof code === 'string' ? `${value.name} ${code}` : value.name, message: cut(message), relation, frames }
}

/** The frames of a stack; of a module that was not found, which has none of the application, the line that imports it. */
function framesOf(message: string, lines: readonly string[]): Frame[] {
  const frames = framesIn(lines)
  const importer = frames.some(({ owner }) => owner === 'application') ? undefined : importFrame(message)
  return importer === undefined ? frames : [importer, ...frames]
}

/** `TypeError: x is not a function` → both parts. That an application did not load is said elsewhere. */
function nameAndMessage(headline: string): [name: string, message: string] {
  const match = /^(?:TSGI_ERR_APP_LOAD (?:.*?: )?(?=\w*Error: ))?([A-Z]?\w*(?:Error|Exception)|TSGI_ERR_\w+):? (.*)$/s.exec(
    headline,
  )
  return match === null ? ['Error', headline] : [match[1] ?? '', match[2] ?? '']
}

function cut(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text
}
