import { APACHE, BINARY } from '../ways.ts'
import { get, request, Theme, utf8 } from '../case.ts'

const methods = new Theme('methods')
for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
  methods.add(`${method} where every method is answered`, request(method, '/echo'))
  methods.add(`${method} where only GET is`, request(method, '/hello'))
}
for (const method of [
  'PROPFIND',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'SEARCH',
  'REPORT',
  'LINK',
  'PURGE',
  'QUERY',
  'UNKNOWN',
  'get',
]) {
  methods.add(`the rare ${method}`, request(method, '/hello'))
}
methods.add('OPTIONS *', request('OPTIONS', '*'))
for (const path of [
  '/json',
  '/stream',
  '/big?bytes=100',
  '/compressed',
  '/nobody',
  '/redirect',
  '/status/404',
  '/nothing-here',
  '/sse',
]) {
  methods.add(`HEAD ${path}`, request('HEAD', path))
}

const targets = new Theme('targets')
for (const target of [
  '/echo?a=1&b=2',
  '/echo?',
  '/echo?a',
  '/echo?a=',
  '/echo?=b',
  '/echo?a=1&a=2',
  '/echo?a[b]=1',
  '/echo?a=b=c',
  '/echo??x',
  '/echo?a=%20+%2B',
  '/echo?q=%E2%82%AC',
  '/echo?q=%ff',
  '/echo?q=%',
  '/echo?q=%zz',
  '/echo?q=a%00b',
  '/echo?q=<>"{}|\\^`',
  `/echo?q=${utf8('€')}`,
  '/echo?a;b',
  '/echo?a#fragment',
  '/ECHO',
  '/Echo',
  '/echo/',
  '//echo',
  '/./echo',
  '/x/../echo',
  '/%65cho',
  '/echo%20',
  '/echo%2F',
  '/echo;x=1',
  '/echo%3Fa=1',
  `/${utf8('écho')}`,
  '/%C3%A9cho',
  '/%ff',
  '/a%2Fb',
  '/a%5Cb',
  '/a%00b',
  '/%',
  '/%zz',
  '/*',
  '/',
  '/~user',
  "/a'b(c)",
  '/a:b@c,d!e$f&g+h=i',
  `/echo?long=${'x'.repeat(3000)}`,
  `/${'deep/'.repeat(100)}`,
  'http://tsgi.test/echo?absolute=1',
  'http://other.test/echo',
  '/hello?unused=1',
]) {
  targets.add(target.length > 60 ? `${target.slice(0, 40)}…` : target, get(target))
}

// Node decides by the listeners that its server has by then: what it does with an upgrade has tests of its own.
const fields = new Theme('request fields')
fields
  .add(
    'usual fields of a browser',
    get(
      '/echo',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
      'Accept: text/html,*/*;q=0.8',
      'Accept-Language: en,de;q=0.5',
      'Accept-Encoding: gzip, deflate, br',
      'Referer: http://tsgi.test/',
      'Cookie: a=1; b=2',
      'DNT: 1',
      'Sec-Fetch-Mode: navigate',
      'Upgrade-Insecure-Requests: 1',
      'Cache-Control: max-age=0',
      'Pragma: no-cache',
      'If-None-Match: "x"',
      'Authorization: Basic YTpi',
    ),
  )
  .add('upper case', get('/echo', 'X-UPPER-CASE: VALUE'))
  .add('no value', get('/echo', 'X-Empty:'))
  .add('spaces around a value', get('/echo', 'X-Spaces:   a  b  '))
  .add('a tab in a value', get('/echo', 'X-Tab: a\tb'))
  .add('a field twice', get('/echo', 'X-Twice: a', 'X-Twice: b'))
  .add('Cookie twice', get('/echo', 'Cookie: a=1', 'Cookie: b=2'))
  .add('Accept twice', get('/echo', 'Accept: text/html', 'Accept: text/plain'))
  .add('User-Agent twice', get('/echo', 'User-Agent: a', 'User-Agent: b'))
  .add('bytes of UTF-8', get('/echo', `X-Text: ${utf8('naïve €')}`))
  .add('a byte of latin-1', get('/echo', 'X-Text: caf\xe9'))
  .add('commas and quotes', get('/echo', 'X-List: a, "b, c", d=\'e\''))
  .add('an underscore in a name', get('/echo', 'X_Under: 1', 'X-Under: 2'))
  .add('odd names', get('/echo', 'x!odd: 1', 'X.Dot: 2', '1-digit: 3'))
  .add('names of an object', get('/echo', '__proto__: a', 'constructor: b', 'toString: c'))
  .add('a value of 4 KB', get('/echo', `X-Long: ${'v'.repeat(4000)}`))
  .add('60 fields', get('/echo', ...Array.from({ length: 60 }, (_, index) => `X-Field-${index}: ${index}`)))
  .add(
    'forged X-Forwarded-*',
    get(
      '/echo',
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil.test',
      'X-Forwarded-Port: 666',
      'Forwarded: for=6.6.6.6',
      'X-Real-IP: 6.6.6.6',
    ),
  )
  .add('Proxy', get('/echo', 'Proxy: http://evil.test'))
  .add(
    'fields of a connection',
    get('/echo', 'Connection: keep-alive, X-Private', 'X-Private: 1', 'Keep-Alive: 5', 'TE: trailers'),
  )
  .add(
    'an upgrade that nobody takes',
    get('/echo', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAAA'),
    { ways: [...BINARY, 'HTTP', ...APACHE] },
  )
  .add('the peer', get('/ip'), { status: 200 })
  .add('the peer of forged fields', get('/ip', 'X-Forwarded-For: 6.6.6.6'))
  .add('another Host', '' + 'GET /echo HTTP/1.1\r\nHost: other.test:8080\r\n\r\n')
  .add('an upper-case Host', 'GET /echo HTTP/1.1\r\nHost: TSGI.Test\r\n\r\n')
  .add('no Host', 'GET /echo HTTP/1.1\r\n\r\n')
  .add('HTTP/1.0', 'GET /echo HTTP/1.0\r\nHost: tsgi.test\r\n\r\n')
  .add('HTTP/1.0 kept alive', 'GET /echo HTTP/1.0\r\nHost: tsgi.test\r\nConnection: keep-alive\r\n\r\n')
  .add('HTTP/1.0 and a stream', 'GET /stream HTTP/1.0\r\nHost: tsgi.test\r\n\r\n')

export const contractRequestCases = [...methods.cases, ...targets.cases, ...fields.cases]
