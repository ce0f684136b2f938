import type { Conversation } from './client.ts'
import { rewriteJson } from './json-body.ts'
import type { WayName } from './ways.ts'

/** A way in which an answer of tsgi is another than that of `node:http`, on purpose or of necessity. */
export interface Difference {
  /** For the table. */
  readonly name: string
  readonly reason: string
  readonly ways: readonly WayName[]
  /** Names of the only frameworks that show it. */
  readonly frameworks?: readonly string[]
  /** The first major version of Node that shows it; every one when left out. */
  readonly sinceNode?: number
  /** The first version of nginx that shows it. The tables, which are made with an older one, do not say where it did. */
  readonly sinceNginx?: string
  /** True: whether it occurs depends on the time. The tables do not say where it did. */
  readonly atTimes?: true
  /** The cases that it may occur in, by `theme: name`. */
  readonly cases: RegExp
  /** Removes it from what one side gave: what is left must be equal. */
  readonly takesAway: (conversation: Conversation) => void
}

/** Rewrites the fields of the request that applications answer with, in a JSON body. */
export function rewriteHeaders(conversation: Conversation, rewrite: (headers: Record<string, unknown>) => void): void {
  rewriteJson(conversation, (value) => {
    for (const headers of [value.headers, value.distinct]) if (isRecord(headers)) rewrite(headers)
  })
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object with its keys in order. */
export function sorted(value: unknown): unknown {
  return isRecord(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value
}

export type Answer = Conversation['answers'][number]

/** Rewrites field lines of the responses. */
export function replaceFields(
  conversation: Conversation,
  what: RegExp,
  by: string,
  where: (answer: Answer) => boolean = () => true,
): void {
  for (const answer of conversation.answers) {
    if (where(answer)) answer.fields = answer.fields.map((field) => field.replace(what, by))
  }
}

/** Takes field lines away from the responses. */
export function dropFields(conversation: Conversation, what: RegExp): void {
  for (const answer of conversation.answers) answer.fields = answer.fields.filter((field) => !what.test(field))
}

/** For cases that are answered in different ways altogether. */
export function forgetAnswers(conversation: Conversation): void {
  conversation.answers = []
  conversation.connection = 'closed'
  conversation.stray = ''
}
