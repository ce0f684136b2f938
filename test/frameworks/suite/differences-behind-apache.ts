import { dropFields, forgetAnswers, isRecord, rewriteHeaders } from './difference.ts'
import type { Answer, Difference } from './difference.ts'
import { rewriteJson } from './json-body.ts'
import { APACHE, APACHE_BINARY } from './ways.ts'

const FETCH = ['Hono, fetch', 'h3, fetch']

/** What httpd says of an error, with the id of the request or without it. */
const OWN_PAGE = /^(?:<!DOCTYPE HTML PUBLIC|[A-Z][A-Za-z ]+\. Request id: )/

/** Differences that come from httpd: its modules for FastCGI and uwsgi treat requests and responses otherwise than that for HTTP. */
export const BEHIND_APACHE: readonly Difference[] = [
  {
    name: "The Connection of the proxy's own request is not seen",
    reason: 'mod_proxy_http says Keep-Alive to the server that it asks; among variables there is no field of that connection.',
    ways: APACHE_BINARY,
    cases: /./,
    takesAway: (conversation) => {
      rewriteHeaders(conversation, (headers) => {
        delete headers.connection
      })
      rewriteJson(conversation, (value) => {
        for (const key of ['names', 'raw']) {
          const texts = value[key]
          if (Array.isArray(texts)) value[key] = texts.filter((text) => !/^(?:connection|keep-alive)$/i.test(String(text)))
        }
      })
    },
  },
  {
    name: 'A Request has no fields of the connection to the proxy, nor names that variables cannot have',
    reason: 'It is made of variables, whichever way the request came; mod_proxy_http sends both.',
    ways: APACHE,
    frameworks: FETCH,
    cases: /^(?:methods|targets|request fields|request bodies|connections): /,
    takesAway: (conversation) => {
      rewriteHeaders(conversation, (headers) => {
        for (const name of ['connection', 'expect', 'transfer-encoding', 'x_under', '__proto__'])
          Reflect.deleteProperty(headers, name)
      })
    },
  },
  {
    name: 'HEAD tells of what is one field shorter',
    reason: 'Length and tag are those of the request as the application saw it, without that Connection.',
    ways: APACHE_BINARY,
    cases: /^methods: HEAD where every method is answered$/,
    takesAway: (conversation) => {
      dropFields(conversation, /^(?:content-length|etag): /i)
    },
  },
  {
    name: 'A response of 500 and above tells the id of its request',
    reason:
      "It is what a client can quote, and what the line in the error log has that says why. httpd's own pages are that and no more.",
    ways: APACHE,
    cases: /./,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) {
        if (!answer.statusLine.startsWith('HTTP/1.1 5')) continue
        answer.fields = answer.fields.filter((field) => !/^x-request-id: /i.test(field))
        if (!OWN_PAGE.test(answer.body)) continue
        answer.body = ''
        answer.fields = answer.fields.filter((field) => !/^content-length: /i.test(field))
      }
    },
  },
  {
    name: 'The fields of the response come in another order',
    reason: 'mod_proxy_fcgi and mod_proxy_uwsgi keep Set-Cookie and the type apart, and httpd adds them behind the others.',
    ways: APACHE_BINARY,
    cases: /./,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) answer.fields = sortedFields(answer.fields)
    },
  },
  {
    name: 'Repeated fields of the response are joined',
    reason: 'mod_proxy_fcgi makes one of several with the same name, but for Set-Cookie.',
    ways: ['Apache FastCGI'],
    cases: /./,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) answer.fields = joinedFields(answer.fields)
    },
  },
  {
    name: 'A field of the response keeps the spaces behind its value',
    reason: 'mod_proxy_fcgi takes off those before it alone.',
    ways: ['Apache FastCGI'],
    cases: /^heads: spaces$/,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) answer.fields = answer.fields.map((field) => field.trimEnd())
    },
  },
  {
    name: 'Content-Type and Last-Modified are written by httpd',
    reason:
      'mod_proxy_fcgi takes them out of the fields of the response: their names are written so, and a type is not empty, nor there for 204 and 304.',
    ways: ['Apache FastCGI'],
    cases: /./,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) {
        const hasType = !/ (?:204|304) /.test(answer.statusLine)
        answer.fields = answer.fields
          .filter((field) => (hasType ? !/^content-type: ?$/i.test(field) : !/^content-type:/i.test(field)))
          .map((field) => field.replace(/^content-type:/i, 'Content-Type:').replace(/^last-modified:/i, 'Last-Modified:'))
      }
    },
  },
  {
    name: 'A response without a body is framed otherwise',
    reason:
      'Where no length is said, httpd counts what is there when it writes the head: mod_proxy_uwsgi has it write sooner, mod_proxy_fcgi later.',
    ways: APACHE,
    atTimes: true,
    cases: /./,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) {
        if (answer.body !== '' || answer.end === 'cut off') continue
        answer.end = 'length'
        answer.fields = answer.fields.filter((field) => !/^(?:content-length: 0|transfer-encoding: chunked)$/i.test(field))
      }
    },
  },
  {
    name: 'What begins with no capital letter is answered 502 on a new connection to the workers',
    reason:
      'One socket speaks three protocols, and the first byte of a connection tells which. On a kept one, the answer is 400.',
    ways: ['Apache HTTP'],
    atTimes: true,
    cases: /^methods: the rare get$/,
    takesAway: forgetAnswers,
  },
  {
    name: 'Another page stands for a response that did not come',
    reason:
      'mod_proxy_http answers 502 and keeps the connection; mod_proxy_fcgi answers 503, or 500 for a head that is too large; mod_proxy_uwsgi 500.',
    ways: APACHE_BINARY,
    cases: /^(?:events|errors|bodies|heads): /,
    takesAway: (conversation) => {
      if (conversation.answers.some(({ statusLine }) => / 50[023] /.test(statusLine))) forgetAnswers(conversation)
    },
  },
  {
    name: 'The head of a response comes with the first byte of its body',
    reason: 'mod_proxy_fcgi does not send it before: a client that waits for it and then leaves cannot be played.',
    ways: ['Apache FastCGI'],
    cases: /^events: head-then-waits, left by /,
    takesAway: (conversation) => {
      forgetAnswers(conversation)
      conversation.log = []
    },
  },
  {
    name: 'Names of request fields with other signs than letters, digits and hyphens are dropped',
    reason: 'A variable has no other name; httpd drops what could be taken for another field.',
    ways: APACHE_BINARY,
    cases:
      /^(?:request fields: (?:an underscore in a name|odd names|names of an object)|requests: report of fields (?:with odd names|of one object))$/,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        for (const key of ['headers', 'distinct']) {
          const fields = value[key]
          if (isRecord(fields))
            value[key] = Object.fromEntries(
              Object.entries(fields).filter(([name]) => /^[\w-]+$/.test(name) && !name.includes('_')),
            )
        }
      })
    },
  },
  {
    name: "Fields that belong to the client's connection are seen",
    reason: 'mod_proxy_http drops what Connection names, and Trailer; the variables have them.',
    ways: APACHE_BINARY,
    cases:
      /^(?:request fields: (?:fields of a connection|an upgrade that nobody takes)|request bodies: with trailers|requests: report of trailers)$/,
    takesAway: (conversation) => {
      rewriteHeaders(conversation, (headers) => {
        delete headers['x-private']
        delete headers.trailer
        delete headers['http2-settings']
      })
    },
  },
  {
    name: 'What Connection names in a response reaches the client',
    reason: 'mod_proxy_http drops it.',
    ways: APACHE_BINARY,
    cases: /^heads: connection-token$/,
    takesAway: (conversation) => {
      dropFields(conversation, /^x-private: /i)
    },
  },
  {
    name: 'Expect is not seen',
    reason: "It is the connection's, and httpd has answered it.",
    ways: APACHE_BINARY,
    cases: /^(?:request bodies: expecting to continue|requests: reports Expect)$/,
    takesAway: (conversation) => {
      rewriteHeaders(conversation, (headers) => {
        delete headers.expect
      })
    },
  },
  {
    name: 'Several ranges of a file come as the whole file',
    reason: 'httpd itself cuts them out of what mod_proxy_http brings, where the application does not.',
    ways: APACHE_BINARY,
    cases: /^static files: range 0-1,4-5$/,
    takesAway: forgetAnswers,
  },
  {
    name: 'A range of a file comes as the whole file',
    reason: 'Where the application has no ranges, httpd cuts one out of what mod_proxy_http brings.',
    ways: APACHE_BINARY,
    frameworks: ['Koa', 'h3', 'h3, fetch', 'h3 v1', 'Nitro', 'Nitro v2'],
    cases: /^static files: (?:range|a range with the tag)/,
    takesAway: forgetAnswers,
  },
  {
    name: 'Slashes that a target begins with stay what they are',
    reason: 'ProxyPass makes one of them. What tsgi-express writes passes targets on as they came.',
    ways: APACHE,
    cases: /^targets: \/\//,
    takesAway: forgetAnswers,
  },
]

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(':')).toLowerCase()
}

/** By name; those with one name stay as they are. */
function sortedFields(fields: Answer['fields']): Answer['fields'] {
  return fields.toSorted((a, b) => Number(nameOf(a) > nameOf(b)) - Number(nameOf(a) < nameOf(b)))
}

function joinedFields(fields: Answer['fields']): Answer['fields'] {
  const joined: string[] = []
  for (const field of fields) {
    const index = nameOf(field) === 'set-cookie' ? -1 : joined.findIndex((one) => nameOf(one) === nameOf(field))
    if (index === -1) joined.push(field)
    else joined[index] += `, ${field.slice(field.indexOf(':') + 1).trim()}`
  }
  return joined
}
