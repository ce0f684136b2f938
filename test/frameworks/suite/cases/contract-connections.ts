import { get, post, request, Theme } from '../case.ts'

const series = new Theme('connections')
series
  .add(
    'ten requests, one after another',
    Array.from({ length: 10 }, (_, index) => get(`/echo?n=${index}`)),
  )
  .add('answers of every framing', [
    get('/hello'),
    get('/stream'),
    get('/nobody'),
    request('HEAD', '/json'),
    get('/not-modified'),
    get('/big?bytes=70000'),
  ])
  .add('bodies and none', [
    post('/echo', 'text/plain', 'one'),
    get('/echo'),
    post('/echo', 'text/plain', 'two'),
    request('DELETE', '/echo'),
  ])
  .add('errors between', [get('/error'), get('/hello'), get('/nothing-here'), get('/hello'), get('/error-async'), get('/hello')])
  .add('unread bodies between', [request('POST', '/nothing-here', ['Content-Type: text/plain'], 'unread'), get('/hello')])
  .add('closed when asked to', get('/hello', 'Connection: close'))
  .add('pipelined', [get('/hello'), get('/json'), get('/stream'), get('/echo?last')], { pipelined: true })
  .add('pipelined, the slow one first', [get('/slow?ms=30'), get('/hello')], { pipelined: true })
  .add('pipelined with bodies', [post('/echo', 'text/plain', 'one'), post('/echo', 'text/plain', 'two'), get('/hello')], {
    pipelined: true,
  })
  .add('an empty line before a request', `\r\n${get('/hello')}`)
  .add('a line end of one character', get('/hello').replaceAll('\r\n', '\n'))
  .add('no HTTP', 'hello\r\n\r\n')
  .add('a field without a colon', get('/hello', 'no colon'))
  .add('a space before a colon', get('/hello', 'X-Space : 1'))
  .add('a folded field', get('/hello', 'X-Folded: a', ' b'))
  .add('a NUL in a field', get('/hello', 'X-Nul: a\0b'))
  .add('a version that is not', 'GET /hello HTTP/3.7\r\nHost: tsgi.test\r\n\r\n')
  .add('two lengths', request('POST', '/echo', ['Content-Length: 3', 'Content-Length: 4'], 'abc'))
  .add('a length and chunks', request('POST', '/echo', ['Content-Length: 3', 'Transfer-Encoding: chunked'], '0\r\n\r\n'))
  .add('two Hosts', get('/hello', 'Host: other.test'))

const aborts = new Theme('leaving')
for (const how of ['end', 'reset'] as const) {
  const leaves = (when: 'sent' | { bodyBytes: number }) => ({ leaves: { how, when } })
  aborts
    .add(`within the head, by ${how}`, 'GET /hello HTTP/1.1\r\nHost: ts', leaves('sent'))
    .add(
      `within the body, by ${how}`,
      request('POST', '/echo', ['Content-Type: text/plain', 'Content-Length: 100'], 'a part'),
      leaves('sent'),
    )
    .add(`within a chunk, by ${how}`, request('POST', '/echo', ['Transfer-Encoding: chunked'], '64\r\na part'), leaves('sent'))
    .add(
      `within an upload, by ${how}`,
      [
        request(
          'POST',
          '/upload',
          ['Content-Type: multipart/form-data; boundary=b', 'Content-Length: 1000'],
          '--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\npart',
        ),
      ],
      leaves('sent'),
    )
    .add(`before a slow answer, by ${how}`, get('/slow?ms=50'), leaves('sent'))
    .add(`within a stream, by ${how}`, get('/stream'), leaves({ bodyBytes: 8 }))
    .add(`within a long answer, by ${how}`, get('/big?bytes=5000000'), leaves({ bodyBytes: 1000 }))
}

export const contractConnectionCases = [...series.cases, ...aborts.cases]
