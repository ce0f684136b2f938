import { rewriteHeaders } from './difference.ts'
import type { Difference } from './difference.ts'
import { BINARY } from './ways.ts'

/** Differences that nginx shows since a version that is newer than the oldest one that is tested. */
export const OF_NEWER_NGINX: readonly Difference[] = [
  {
    name: 'Request fields that are there twice are one',
    reason: 'nginx joins them for its variables; before 1.23 each was a variable of its own.',
    ways: BINARY,
    sinceNginx: '1.23',
    cases: /^request(?: fields|s): .*twice$/,
    takesAway: (conversation) => {
      rewriteHeaders(conversation, (headers) => {
        for (const [name, value] of Object.entries(headers)) headers[name] = firstOf(value)
      })
    },
  },
]

/** The first of values that were listed, apart or joined. */
function firstOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(firstOf)
  return typeof value === 'string' ? value.replace(/[,;] .*$/, '') : value
}
