import { chunked, post, request, Theme, utf8 } from '../case.ts'

const BINARY = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')
const LONG = '0123456789abcdef'.repeat(4000)

const bodies = new Theme('request bodies')
for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
  bodies.add(`${method} with text`, request(method, '/echo', ['Content-Type: text/plain'], 'some text'))
  bodies.add(`${method} with no body`, request(method, '/echo'))
}
bodies
  .add('an empty body with a length', post('/echo', 'text/plain', ''))
  .add('text beyond ASCII', post('/echo', 'text/plain; charset=utf-8', utf8('naïve €')))
  .add('every byte', post('/echo', 'application/octet-stream', BINARY))
  .add('a body longer than any buffer', post('/echo', 'application/octet-stream', LONG))
  .add('no Content-Type', request('POST', '/echo', [], 'untyped'))
  .add('in one chunk', request('POST', '/echo', ['Transfer-Encoding: chunked', 'Content-Type: text/plain'], chunked('one chunk')))
  .add(
    'in many chunks',
    request('POST', '/echo', ['Transfer-Encoding: chunked', 'Content-Type: text/plain'], chunked('a', 'b', 'c', LONG)),
  )
  .add('in no chunk', request('POST', '/echo', ['Transfer-Encoding: chunked', 'Content-Type: text/plain'], chunked()))
  .add(
    'in chunks with extensions',
    request('POST', '/echo', ['Transfer-Encoding: chunked', 'Content-Type: text/plain'], '3;x=y\r\nabc\r\n0\r\n\r\n'),
  )
  .add(
    'with trailers',
    request(
      'POST',
      '/echo',
      ['Transfer-Encoding: chunked', 'Content-Type: text/plain', 'Trailer: X-T'],
      '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
    ),
  )
  .add('a malformed chunk', request('POST', '/echo', ['Transfer-Encoding: chunked'], 'xyz\r\n'))
  .add('a Content-Length that is no number', request('POST', '/echo', ['Content-Length: abc'], 'abc'))
  .add('a negative Content-Length', request('POST', '/echo', ['Content-Length: -1'], ''))
  .add('expecting to continue', request('POST', '/echo', ['Expect: 100-continue', 'Content-Type: text/plain'], 'continued'), {
    expectContinue: true,
  })
  .add('GET with a body', request('GET', '/echo', ['Content-Type: text/plain'], 'a body of GET'))
  .add('to a route that does not read it', request('POST', '/hello', ['Content-Type: text/plain'], 'unread'))

const json = new Theme('JSON')
const JSON_TYPE = 'application/json'
json
  .add('an object', post('/json-body', JSON_TYPE, '{"a": 1, "b": [true, null]}'), { status: 200 })
  .add('text beyond ASCII', post('/json-body', 'application/json; charset=utf-8', utf8('{"text": "naïve €"}')))
  .add('escapes', post('/json-body', JSON_TYPE, String.raw`{"text": "\u20ac\n\""}`))
  .add('malformed', post('/json-body', JSON_TYPE, '{"a": '))
  .add('empty', post('/json-body', JSON_TYPE, ''))
  .add('a number', post('/json-body', JSON_TYPE, '5'))
  .add('of another type', post('/json-body', 'text/plain', '{"a": 1}'))
  .add('an unknown charset', post('/json-body', 'application/json; charset=x-none', '{"a": 1}'))
  .add(
    'in chunks',
    request('POST', '/json-body', ['Transfer-Encoding: chunked', `Content-Type: ${JSON_TYPE}`], chunked('{"a"', ': 1}')),
  )
  .add('an encoding nobody knows', post('/json-body', JSON_TYPE, '{"a": 1}', 'Content-Encoding: x-none'))
  .add('50 KB', post('/json-body', JSON_TYPE, JSON.stringify({ list: Array.from({ length: 5000 }, (_, index) => index) })))
  .add('200 KB, over a usual limit', post('/json-body', JSON_TYPE, JSON.stringify({ text: 'x'.repeat(200_000) })))

const forms = new Theme('forms')
const FORM_TYPE = 'application/x-www-form-urlencoded'
forms
  .add('two fields', post('/form', FORM_TYPE, 'a=1&b=two+words'), { status: 200 })
  .add('escapes', post('/form', FORM_TYPE, 'name=na%C3%AFve+%E2%82%AC&sign=%2B%26%3D'))
  .add('a field twice', post('/form', FORM_TYPE, 'a=1&a=2'))
  .add('nested names', post('/form', FORM_TYPE, 'a[b]=1&a[c]=2&list[]=x&list[]=y'))
  .add('malformed escapes', post('/form', FORM_TYPE, 'a=%zz&b=%'))
  .add('empty', post('/form', FORM_TYPE, ''))
  .add('no values', post('/form', FORM_TYPE, 'a&b=&=c'))

const uploads = new Theme('uploads')
const BOUNDARY = '----boundary0123456789'
const UPLOAD_TYPE = `multipart/form-data; boundary=${BOUNDARY}`

function part(head: string, data: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${data}\r\n`
}

function parts(...all: string[]): string {
  return `${all.join('')}--${BOUNDARY}--\r\n`
}

const field = part('name="title"', 'a title')
const textFile = part('name="file"; filename="hello.txt"\r\nContent-Type: text/plain', 'hello, file\n')
const binaryFile = part('name="file"; filename="bytes.bin"\r\nContent-Type: application/octet-stream', BINARY)
uploads
  .add('a field', post('/upload', UPLOAD_TYPE, parts(field)), { status: 200 })
  .add('a file', post('/upload', UPLOAD_TYPE, parts(textFile)), { status: 200 })
  .add('fields and files', post('/upload', UPLOAD_TYPE, parts(field, textFile, part('name="more"', utf8('naïve €')), binaryFile)))
  .add('an empty file', post('/upload', UPLOAD_TYPE, parts(part('name="file"; filename="empty"', ''))))
  .add('a file of 1 MB', post('/upload', UPLOAD_TYPE, parts(part('name="file"; filename="long"', 'y'.repeat(1_000_000)))))
  .add('a file name beyond ASCII', post('/upload', UPLOAD_TYPE, parts(part(`name="file"; filename="${utf8('naïve.txt')}"`, 'x'))))
  .add(
    'a file that looks like a boundary',
    post('/upload', UPLOAD_TYPE, parts(part('name="file"; filename="f"', '--boundary\r\n--'))),
  )
  .add(
    'in chunks',
    request('POST', '/upload', ['Transfer-Encoding: chunked', `Content-Type: ${UPLOAD_TYPE}`], chunked(field, textFile, parts())),
  )
  .add('no boundary', post('/upload', 'multipart/form-data', parts(field)))
  .add('cut off', post('/upload', UPLOAD_TYPE, field))
  .add('not multipart', post('/upload', 'text/plain', 'text'))

export const contractBodyCases = [...bodies.cases, ...json.cases, ...forms.cases, ...uploads.cases]
