import type { HeaderPair } from '../interface/application.ts'
import { unifiedDiff } from '../launcher/unified-diff.ts'
import { keptBody } from '../recording/kept-body.ts'
import type { RecordedRequest } from '../recording/recorded-request.ts'
import type { Redactor } from '../recording/redactor.ts'
import type { ReplayAnswer } from './replay-messages.ts'

/** What an answer is held to. */
export interface Comparison {
  /** In lower case. */
  readonly headers: readonly string[]
  readonly body: boolean
  readonly status: boolean
}

/** Those that say what is in the response, and not when it was made. */
export const COMPARED_HEADERS = [
  ...['content-type', 'content-encoding', 'content-disposition', 'location', 'cache-control', 'vary'],
  ...['allow', 'www-authenticate', 'access-control-allow-origin', 'content-security-policy'],
]

export interface Difference {
  /** `status`, `body`, or the name of a header. */
  readonly what: string
  /** Null: it is not there. */
  readonly recorded: string | null
  readonly now: string | null
  /** Of bodies that can be read: how one becomes the other, as `diff -u` writes it. */
  readonly diff?: string
}

/** What has changed. The same secrets are taken out of the new answer as out of the recorded one. */
export function differences(
  { response }: RecordedRequest,
  answer: ReplayAnswer,
  { headers, body, status }: Comparison,
  redactor: Redactor,
): Difference[] {
  const found: Difference[] = []
  if (status && response.status.slice(0, 3) !== answer.status.slice(0, 3)) {
    found.push({ what: 'status', recorded: response.status, now: answer.status === '' ? null : answer.status })
  }
  const fields = pairsOf(answer.fields)
  const after = redactor.headers(fields)
  for (const name of headers) {
    const [recorded, now] = [valuesOf(response.headers, name), valuesOf(after, name)]
    if (recorded !== now) found.push({ what: name, recorded, now })
  }
  if (!body) return found
  const difference = bodyDifference(response, answer, fields, redactor)
  return difference === undefined ? found : [...found, difference]
}

function bodyDifference(
  { body: recorded, sha256 }: RecordedRequest['response'],
  answer: ReplayAnswer,
  fields: readonly HeaderPair[],
  redactor: Redactor,
): Difference | undefined {
  if (answer.complete && sha256 === answer.sha256) return undefined
  const type = valuesOf(fields, 'content-type') ?? undefined
  const seen = { chunks: [Buffer.from(answer.body, 'base64')], bytes: answer.bytes, complete: answer.complete }
  const now = keptBody(seen, type, valuesOf(fields, 'content-encoding') ?? undefined, redactor)
  // Of secrets only the hash is known, and they may be others every time.
  if (recorded.redacted === true && now.redacted === true && recorded.text !== undefined && recorded.text === now.text) {
    return undefined
  }
  const named = (bytes: number, hash: string): string => `${bytes} bytes, sha256 ${hash.slice(0, 12)}…`
  const cut = answer.complete ? '' : ', broken off'
  const both = { recorded: named(recorded.bytes, sha256), now: `${named(answer.bytes, answer.sha256)}${cut}` }
  if (recorded.text === undefined || now.text === undefined) return { what: 'body', ...both }
  const diff = unifiedDiff(readable(recorded.text), readable(now.text), { before: 'recorded', after: 'now' })
  return { what: 'body', ...both, ...(diff === '' ? {} : { diff }) }
}

/** JSON of one line is a bad line to compare. */
function readable(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return `${JSON.stringify(JSON.parse(text), null, 2)}\n`
  } catch {
    return text
  }
}

function pairsOf(fields: string): HeaderPair[] {
  return fields.split('\r\n').flatMap((line): HeaderPair[] => {
    const colon = line.indexOf(':')
    return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()]]
  })
}

function valuesOf(headers: readonly HeaderPair[], name: string): string | null {
  const values = headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? null : values.join(', ')
}
