import { forgetAnswers, rewriteHeaders } from './difference.ts'
import type { Difference } from './difference.ts'
import { rewriteJson } from './json-body.ts'

/** What clients that come without a proxy are not allowed. */
export const WITHOUT_A_PROXY: readonly Difference[] = [
  {
    name: 'What a client says of others is taken out of its request',
    reason: "X-Forwarded-For, -Proto, -Host and -Port are a trusted proxy's to say: see --trust-proxy.",
    ways: ['embedded HTTP'],
    cases: /forged/,
    takesAway: (conversation) => {
      rewriteHeaders(conversation, (headers) => {
        for (const name of Object.keys(headers))
          if (/^(?:x-forwarded-|forwarded$)/.test(name)) Reflect.deleteProperty(headers, name)
      })
      rewriteJson(conversation, (value) => {
        if (typeof value.url === 'string') value.url = value.url.replace(/^https:/, 'http:')
      })
    },
  },
  {
    name: 'A request without a Host or with two is refused with a page',
    reason: 'Two Hosts are two readings of one request; `node:http` takes the first one. Where it refuses, it sends no page.',
    ways: ['embedded HTTP'],
    cases: /^(?:request fields: no Host|connections: two Hosts)$/,
    takesAway: forgetAnswers,
  },
]
