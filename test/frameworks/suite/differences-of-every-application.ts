import { STATUS_CODES } from 'node:http'
import { forgetAnswers, replaceFields, rewriteHeaders, sorted } from './difference.ts'
import type { Difference } from './difference.ts'
import { rewriteJson } from './json-body.ts'
import { EVERY_BINARY } from './ways.ts'

/** Differences that applications of every kind may show. */
export const OF_EVERY_APPLICATION: readonly Difference[] = [
  {
    name: 'The fields of the request come in another order',
    reason: 'Content-Type and Content-Length are variables of their own, which come before the other fields.',
    ways: EVERY_BINARY,
    cases: /./,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        for (const key of ['headers', 'distinct']) value[key] = sorted(value[key])
      })
    },
  },
  {
    name: 'An Upgrade that nobody takes is seen',
    reason: 'The configuration for HTTP drops it; a variable of the request it stays.',
    ways: EVERY_BINARY,
    cases: /^request fields: an upgrade that nobody takes/,
    takesAway: (conversation) => {
      rewriteHeaders(conversation, (headers) => {
        delete headers.upgrade
      })
    },
  },
  {
    name: 'The reason phrase loses what it begins and ends with',
    reason: "FastCGI has a field for it, whose spaces nginx takes off. Newer ones write the status's own where none is left.",
    ways: ['FastCGI'],
    cases: /./,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) answer.statusLine = withoutUsualPhrase(answer.statusLine.trimEnd())
    },
  },
  {
    name: "The application's own answer to what is no HTTP is not given",
    reason:
      "Fastify listens for 'clientError' on its server. Connections belong to tsgi's server, which answers 400 as `node:http` does.",
    ways: ['HTTP', 'Apache HTTP', 'embedded HTTP'],
    frameworks: ['Fastify'],
    cases:
      /^(?:methods: the rare (?:UNKNOWN|get)|targets: .*[^\0-\x7f]|request bodies: a (?:malformed|Content-Length|negative)|connections: )/,
    takesAway: forgetAnswers,
  },
  {
    name: 'Methods and targets that the parser of `node:http` refuses are served',
    reason:
      'It knows a list of methods, and no bytes beyond ASCII in a target: it answers 400. Over FastCGI and uwsgi nothing is parsed again.',
    ways: EVERY_BINARY,
    cases: /^(?:methods: the rare (?:UNKNOWN|get)|targets: .*[^\0-\x7f])/,
    takesAway: forgetAnswers,
  },
  {
    name: 'What begins with no capital letter is no HTTP',
    reason:
      'One port speaks three protocols, and the first byte of a connection tells which: it is closed, where `node:http` answers 400 or skips an empty line.',
    ways: ['embedded HTTP'],
    cases: /^(?:methods: the rare get|connections: (?:no HTTP|an empty line before a request))$/,
    takesAway: forgetAnswers,
  },
  {
    name: 'Keep-Alive names another time',
    reason:
      '`node:http` keeps an idle connection for 5 s, tsgi for 90 s, above the 60 s of nginx: the side that sends requests is the one to close.',
    ways: ['embedded HTTP'],
    cases: /./,
    takesAway: (conversation) => {
      replaceFields(conversation, /^Keep-Alive: timeout=\d+$/, 'Keep-Alive: timeout=N')
    },
  },
  {
    name: 'The loss of a response without a length is not seen',
    reason: 'uwsgi ends a response by closing the connection, and has no other sign for one that is incomplete.',
    ways: ['uwsgi', 'Apache uwsgi'],
    cases: /^(?:errors: behind the head|events: (?:destroy-|error-in-pipeline|abort-signal))/,
    takesAway: (conversation) => {
      conversation.connection = 'closed'
      for (const answer of conversation.answers) if (answer.end === 'chunked') answer.end = 'cut off'
    },
  },
  {
    name: 'The beginning of a lost response does not come',
    reason: 'nginx holds a short beginning back to send it with more, and drops it where a FastCGI response ends in a loss.',
    ways: ['FastCGI'],
    cases: /^(?:errors: behind the head|events: error-in-pipeline)/,
    takesAway: forgetAnswers,
  },
]

function withoutUsualPhrase(statusLine: string): string {
  const [version = '', status = '', ...phrase] = statusLine.split(' ')
  return phrase.join(' ') === STATUS_CODES[status] ? `${version} ${status}` : statusLine
}
