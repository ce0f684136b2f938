import type { Answer } from './answer.ts'
import type { Conversation } from './client.ts'

/** Rewrites the JSON body of every answer that has one. */
export function rewriteJson(conversation: Conversation, rewrite: (value: Record<string, unknown>) => void): void {
  for (const answer of conversation.answers) {
    const value = jsonObject(answer)
    if (value === undefined) continue
    rewrite(value)
    answer.body = JSON.stringify(value)
    // Its length and its tag say no more than the body does.
    answer.fields = answer.fields.map((field) =>
      field.replace(/^(content-length): \d+$/i, '$1: N').replace(/^(etag): .*$/i, '$1: T'),
    )
  }
}

function jsonObject(answer: Answer): Record<string, unknown> | undefined {
  if (!answer.body.startsWith('{')) return undefined
  try {
    return JSON.parse(answer.body) as Record<string, unknown> // it begins with a brace
  } catch {
    return undefined
  }
}
