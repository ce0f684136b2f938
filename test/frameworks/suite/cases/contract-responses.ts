import { valueOf } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { get, post, request, Theme } from '../case.ts'

const responses = new Theme('responses')
responses
  .add('text', get('/hello'), { status: 200 })
  .add('JSON', get('/json'), { status: 200 })
  .add('a redirect', get('/redirect'), { status: 302 })
  .add('two cookies', get('/cookies'), { status: 200 })
  .add('cookies sent back', get('/cookie-echo', 'Cookie: a=1; b=two%20words; c="quoted"'))
  .add('odd fields', get('/headers-odd'), { status: 200 })
  .add('none, 204', get('/nobody'), { status: 204 })
  .add('none, 304', get('/not-modified'), { status: 304 })
  .add('what is not there', get('/nothing-here'), { status: 404 })
for (const code of [
  200, 201, 202, 203, 206, 300, 301, 400, 401, 403, 404, 405, 409, 410, 418, 422, 429, 451, 500, 501, 502, 503, 504, 599,
]) {
  responses.add(`status ${code}`, get(`/status/${code}`))
}
for (const bytes of [0, 1, 1000, 16_384, 65_536, 200_000, 5_000_000]) responses.add(`${bytes} bytes`, get(`/big?bytes=${bytes}`))

const streams = new Theme('streams')
streams
  .add('ten chunks', get('/stream'), { status: 200 })
  .add('ten chunks, then close', get('/stream', 'Connection: close'), { status: 200 })
  .add('server-sent events', get('/sse', 'Accept: text/event-stream'), { status: 200 })
  .add('a slow answer', get('/slow?ms=30'), { status: 200 })

const errors = new Theme('errors')
errors
  .add('thrown', get('/error'), { status: 500 })
  .add('thrown, JSON wanted', get('/error', 'Accept: application/json'))
  .add('thrown later', get('/error-async'))
  .add('behind the head', get('/error-late'))
  .add('of POST', post('/error', 'text/plain', 'body'))
  .add('of HEAD', request('HEAD', '/error'))

const compression = new Theme('compression')
for (const accepted of ['gzip', 'deflate', 'br', 'identity', '*', 'gzip;q=0', 'gzip, deflate, br', 'x-none']) {
  compression.add(`accepting ${accepted}`, get('/compressed', `Accept-Encoding: ${accepted}`))
}
compression.add('accepting nothing', get('/compressed'), { status: 200 })
compression.add('HEAD, accepting gzip', request('HEAD', '/compressed', ['Accept-Encoding: gzip']))

const files = new Theme('static files')
for (const path of [
  'hello.txt',
  'empty.txt',
  'text.txt',
  'bytes.bin',
  'page.html',
  'data.json',
  'style.css',
  'script.js',
  'a%20file.txt',
  '%C3%BCn%C3%AFcode.txt',
  '.hidden',
  'sub',
  'sub/',
  'sub/index.html',
  'none.txt',
  '../app.js',
  '%2e%2e/package.json',
  'hello.txt/',
  'hello.txt?query=1',
  '%ff',
  'a%00b',
]) {
  files.add(path, get(`/static/${path}`))
}
for (const range of ['0-4', '5-', '-5', '0-0', '3-100', '100-200', '5-2', '0-1,4-5', 'abc', '0-4, 100-', '-0']) {
  files.add(`range ${range}`, get('/static/hello.txt', `Range: bytes=${range}`))
}
files
  .add('a range of other units', get('/static/hello.txt', 'Range: lines=1-2'))
  .add('a range of a long file', get('/static/bytes.bin', 'Range: bytes=1000-90000'))
  .add('a range with a tag that is another', get('/static/hello.txt', 'Range: bytes=0-4', 'If-Range: "other"'))
  .add('a range with an old date', get('/static/hello.txt', 'Range: bytes=0-4', 'If-Range: Thu, 01 Jan 1970 00:00:00 GMT'))
  .add('a range with the tag', [
    get('/static/hello.txt'),
    (answers) => get('/static/hello.txt', 'Range: bytes=0-4', `If-Range: ${tag(answers)}`),
  ])
  .add('what is known by its tag', [
    get('/static/hello.txt'),
    (answers) => get('/static/hello.txt', `If-None-Match: ${tag(answers)}`),
  ])
  .add('what is known by any tag', get('/static/hello.txt', 'If-None-Match: *'))
  .add('what is known by another tag', get('/static/hello.txt', 'If-None-Match: "other"'))
  .add('what is known by its date', [
    get('/static/hello.txt'),
    (answers) => get('/static/hello.txt', `If-Modified-Since: ${valueOf(answers[0]?.fields ?? [], 'last-modified') ?? ''}`),
  ])
  .add('what has changed since', get('/static/hello.txt', 'If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT'))
  .add('not if it is another', get('/static/hello.txt', 'If-Match: "other"'))
  .add('not if it has changed', get('/static/hello.txt', 'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT'))
  .add('HEAD', request('HEAD', '/static/text.txt'))
  .add('HEAD of a range', request('HEAD', '/static/text.txt', ['Range: bytes=0-4']))
  .add('POST', post('/static/hello.txt', 'text/plain', 'x'))

function tag(answers: readonly Answer[]): string {
  return valueOf(answers[0]?.fields ?? [], 'etag') ?? '"none"'
}

const sessions = new Theme('sessions')
function cookie(answers: readonly Answer[]): string {
  const pairs = (answers[0]?.fields ?? [])
    .filter((field) => /^set-cookie:/i.test(field))
    .map((field) => field.slice(12).split(';')[0] ?? '')
  return `Cookie: ${pairs.join('; ')}`
}
sessions
  .add('a new one', get('/session'), { status: 200 })
  .add('counts', [get('/session'), (answers) => get('/session', cookie(answers)), (answers) => get('/session', cookie(answers))])
  .add('of another', get('/session', 'Cookie: sid=none; connect.sid=s%3Anone.none; sessionId=none'))

export const contractResponseCases = [
  ...responses.cases,
  ...streams.cases,
  ...errors.cases,
  ...compression.cases,
  ...files.cases,
  ...sessions.cases,
]
