import { chunked, get, post, request, Theme, utf8 } from '../case.ts'

const BINARY = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')
const LONG = 'abcdefghij'.repeat(6000)

const theme = new Theme('requests')

for (const name of [
  'report',
  'raw',
  'socket',
  'local-address',
  'instances',
  'listeners',
  'own-properties',
  'dispose',
  'signal',
]) {
  theme.add(name, get(`/request/${name}`))
}
theme.add('raw names in small letters', get('/request/raw', 'x-small: a', 'X-ODD-case: b'))
theme.add('report of a body', post('/request/report', 'text/plain', utf8('naïve €')))
theme.add(
  'report of a body in chunks',
  request('POST', '/request/report', ['Transfer-Encoding: chunked'], chunked('one ', 'two')),
)
theme.add('report of every byte', post('/request/report', 'application/octet-stream', BINARY))
theme.add('report of an empty body', post('/request/report', 'text/plain', ''))
theme.add('report of fields that are listed twice', [
  get('/request/report', 'X-Twice: a', 'X-Twice: b', 'Accept: a', 'Accept: b', 'Cookie: a=1', 'Cookie: b=2'),
])
theme.add('report of fields that must not be listed twice', [
  get(
    '/request/report',
    'User-Agent: a',
    'User-Agent: b',
    'Referer: a',
    'Referer: b',
    'If-None-Match: "a"',
    'If-None-Match: "b"',
  ),
])
theme.add(
  'report of a field with spaces and an empty one',
  get('/request/report', 'X-Spaces:   a  b  ', 'X-Empty:', 'X-Tab: a\tb'),
)
theme.add('report of a field beyond ASCII', get('/request/report', `X-Text: ${utf8('naïve €')}`, 'X-Latin: caf\xe9'))
theme.add(
  'report of fields with odd names',
  get('/request/report', 'x!odd: 1', 'X.Dot: 2', 'X~Tilde: 3', '1-Digit: 4', 'X--Two: 5'),
)
theme.add('report of fields of one object', get('/request/report', '__proto__: a', 'constructor: b', 'hasOwnProperty: c'))
theme.add('report of trailers', [
  request('POST', '/request/report', ['Transfer-Encoding: chunked', 'Trailer: X-Sum'], '3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'),
])

for (const name of [
  'async-iterator',
  'events',
  'readable',
  'read-sizes',
  'pause',
  'late',
  'dump',
  'pipe-back',
  'web',
  'iterator-helpers',
  'unshift',
  'unread',
]) {
  theme.add(`${name}, no body`, get(`/request/${name}`))
  theme.add(`${name}, a short body`, post(`/request/${name}`, 'text/plain', 'a short body'))
  theme.add(`${name}, a long body`, post(name === 'read-sizes' ? '/request/readable' : `/request/${name}`, 'text/plain', LONG))
  theme.add(
    `${name}, a long body as it comes`,
    post(`/live/request/${name === 'read-sizes' ? 'readable' : name}`, 'text/plain', LONG),
  )
  theme.add(`${name}, a body in chunks`, [
    request('POST', `/request/${name}`, ['Transfer-Encoding: chunked'], chunked('one ', 'two ', 'three')),
  ])
}
theme.add('partly-read, a short body', post('/request/partly-read', 'text/plain', 'a short body'))
for (const encoding of ['utf8', 'latin1', 'hex', 'base64']) {
  theme.add(`setEncoding ${encoding}`, post(`/request/set-encoding?encoding=${encoding}`, 'text/plain', utf8('naïve €')))
}
theme.add('continues when it is told to', request('POST', '/request/events', ['Expect: 100-continue'], 'a body'), {
  expectContinue: true,
})
theme.add('reports Expect', request('POST', '/request/report', ['Expect: 100-continue'], 'a body'), { expectContinue: true })
theme.add('another Expect', request('POST', '/request/events', ['Expect: something-else'], 'a body'))

export const requestCases = theme.cases
