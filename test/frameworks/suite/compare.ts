import { caseId } from './case.ts'
import type { Case } from './case.ts'
import type { Conversation } from './client.ts'
import type { Difference } from './difference.ts'
import type { WayName } from './ways.ts'

/** What came of one case over one way. */
export interface Verdict {
  readonly way: WayName
  readonly case: Case
  /** Names of the documented differences that occurred. */
  readonly differences: readonly string[]
  /** What is not documented: what `node:http` gave, and what tsgi gave. */
  readonly undocumented: { readonly expected: string; readonly actual: string } | undefined
}

/**
 * Compares two conversations. They are the same, or become the same when documented differences are taken away from both.
 * One that is not needed for that has not occurred.
 */
export function compare(
  one: Case,
  way: WayName,
  expected: Conversation,
  actual: Conversation,
  differences: readonly Difference[],
): Verdict {
  const left = masked(expected)
  const right = masked(actual)
  if (text(left) === text(right)) return { way, case: one, differences: [], undocumented: undefined }
  const id = caseId(one)
  const candidates = differences.filter((difference) => difference.ways.includes(way) && difference.cases.test(id))
  if (!same(left, right, candidates)) {
    const shown = candidates.filter((difference) => difference.takesAway !== undefined)
    return {
      way,
      case: one,
      differences: [],
      undocumented: { expected: text(without(left, shown)), actual: text(without(right, shown)) },
    }
  }
  // Left out one after another: what the rest explains without it has not occurred.
  let needed = candidates
  for (const candidate of candidates) {
    const others = needed.filter((difference) => difference !== candidate)
    if (same(left, right, others)) needed = others
  }
  return { way, case: one, differences: needed.map((difference) => difference.name), undocumented: undefined }
}

function same(left: Conversation, right: Conversation, differences: readonly Difference[]): boolean {
  return text(without(left, differences)) === text(without(right, differences))
}

function without(conversation: Conversation, differences: readonly Difference[]): Conversation {
  const copy = structuredClone(conversation)
  for (const difference of differences) difference.takesAway(copy)
  return copy
}

function text(conversation: Conversation): string {
  return JSON.stringify(conversation, undefined, 1)
}

/** What differs from one request to the next on any server: the date, the names of sessions, and what stands between ranges. */
function masked(conversation: Conversation): Conversation {
  const copy = structuredClone(conversation)
  for (const answer of copy.answers) {
    answer.fields = answer.fields.map(maskField)
    if (answer.fields.some((field) => BOUNDARY.test(field))) maskBoundary(answer)
  }
  return copy
}

const DATE = /^(date): (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d GMT$/i
const SESSION = /^(set-cookie): ([\w.]*(?:sid|sess(?:ion)?(?:Id)?)(?:\.sig)?=)[^;]+/i
const EXPIRES = /(; expires=)(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d GMT/i

/** That of several ranges, which httpd serves with a name for what is between them. */
const BOUNDARY = /^(content-type: multipart\/byteranges; boundary=)(\w+)$/i

function maskBoundary(answer: Conversation['answers'][number]): void {
  answer.fields = answer.fields.map((field) => field.replace(BOUNDARY, '$1B').replace(/^(content-length: )\d+$/i, '$1N'))
  answer.body = answer.body.replaceAll(/(?<=\r\n--)\w+(?=\r\n|--\r\n)/g, 'B')
}

function maskField(field: string): string {
  return field.replace(DATE, '$1: NOW').replace(SESSION, '$1: $2SESSION').replace(EXPIRES, '$1LATER')
}
