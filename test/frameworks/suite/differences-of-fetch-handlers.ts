import { dropFields, forgetAnswers, replaceFields } from './difference.ts'
import type { Difference } from './difference.ts'
import { BINARY, EVERY_WAY } from './ways.ts'

/** Differences of applications that are functions of a Request, and were made servers by an adapter of their framework. */
export const OF_FETCH_HANDLERS: readonly Difference[] = [
  {
    name: 'Names of response fields are written otherwise, and in another order',
    reason: 'A Headers object has them in lower case and sorted. The adapters of the frameworks add some of their own.',
    ways: EVERY_WAY,
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases: /./,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) {
        answer.fields = answer.fields.map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase())).toSorted()
      }
    },
  },
  {
    name: 'The reason phrase is that of the status',
    reason: "h3's adapter sends none.",
    ways: EVERY_WAY,
    frameworks: ['h3, fetch'],
    cases: /./,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) answer.statusLine = answer.statusLine.slice(0, 12)
    },
  },
  {
    name: 'The URL of a Request has no fragment',
    reason: 'A target with one is malformed (RFC 9112, section 3.2); a Request is made of what is before it.',
    ways: [...BINARY, 'HTTP', 'embedded HTTP'],
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases: /^targets: .*#/,
    takesAway: forgetAnswers,
  },
  {
    name: 'A Request has no fields of the connection, nor Proxy, nor names with an underscore',
    reason: 'It is made of variables, as behind a proxy, whichever way the request came.',
    ways: ['embedded HTTP'],
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases:
      /^request (?:fields: (?:an underscore|names of an object|Proxy|fields of a connection|an upgrade|HTTP\/1\.0 kept)|bodies: )/,
    takesAway: forgetAnswers,
  },
  {
    name: 'The host of a Request is that of its one Host, and its target is a path',
    reason: "What a target in absolute form says of the host is the proxy's to look at; `*` makes no URL.",
    ways: ['embedded HTTP'],
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases: /^(?:targets: http:|methods: OPTIONS \*|request fields: (?:no|an upper-case) Host|connections: two Hosts)/,
    takesAway: forgetAnswers,
  },
  {
    name: 'HEAD says nothing of chunks',
    reason: 'They are the framing of a body, and there is none.',
    ways: ['embedded HTTP'],
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases: /^(?:methods|errors|static files|compression): .*HEAD/,
    takesAway: (conversation) => {
      dropFields(conversation, /^transfer-encoding: chunked$/i)
    },
  },
  {
    name: 'A response that is short has a Content-Length',
    reason: 'Where the whole body is there at once, its length is said. The adapters send chunks, to HTTP/1.0 as well.',
    ways: EVERY_WAY,
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases: /^(?:responses|streams|errors|compression|static files|sessions|connections|request fields|uploads|JSON|forms): /,
    takesAway: (conversation) => {
      dropFields(conversation, /^(?:content-length|transfer-encoding): /i)
      for (const answer of conversation.answers) answer.end = answer.end === 'cut off' ? 'cut off' : 'length'
    },
  },
  {
    name: 'Field values are the bytes that a Headers object has',
    reason: 'Each character of one is a byte. Node sends them as UTF-8 with a body of text.',
    ways: EVERY_WAY,
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases: /^responses: odd fields$/,
    takesAway: (conversation) => {
      dropFields(conversation, /^x-latin: /i)
    },
  },
  {
    name: 'An unknown status has no reason phrase',
    reason: 'Node calls it unknown.',
    ways: EVERY_WAY,
    frameworks: ['Hono, fetch'],
    cases: /^responses: status 599$/,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) answer.statusLine = answer.statusLine.slice(0, 12)
    },
  },
  {
    name: "Connection is not the handler's to say",
    reason: 'A handler that sends it takes Keep-Alive away from what Node sends; tsgi drops it.',
    ways: ['embedded HTTP'],
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases: /^(?:methods: HEAD \/sse|streams: server-sent events)$/,
    takesAway: (conversation) => {
      dropFields(conversation, /^(?:connection|keep-alive): /i)
    },
  },
  {
    name: 'Content-Type of text is written without a space',
    reason: "Node's own Response writes it so; the adapters replace that class by one of their own.",
    ways: EVERY_WAY,
    frameworks: ['Hono, fetch', 'h3, fetch'],
    cases: /./,
    takesAway: (conversation) => {
      replaceFields(conversation, /^(content-type: text\/plain); charset/i, '$1;charset')
    },
  },
]
