import { attempt, json } from './reply.mjs'

/** What Node refuses, by the code of its error: `[what, attempt]`. */
const BEFORE = {
  'a field value with a line end': (res) => res.setHeader('X', 'a\r\nb'),
  'a field value beyond latin-1': (res) => res.setHeader('X', '\u20ac'),
  'a field value with a NUL': (res) => res.setHeader('X', 'a\0b'),
  'a field name with a space': (res) => res.setHeader('X Y', 'a'),
  'an empty field name': (res) => res.setHeader('', 'a'),
  'no field value': (res) => res.setHeader('X', undefined),
  'a field value that is null': (res) => res.setHeader('X-Null', null),
  'a field name that is a number': (res) => res.setHeader(5, 'a'),
  'an appended value beyond latin-1': (res) => res.appendHeader('X', '\u20ac'),
  'status 99': (res) => res.writeHead(99),
  'status 1000': (res) => res.writeHead(1000),
  'a status that is no number': (res) => res.writeHead('abc'),
  'a status message with a line end': (res) => res.writeHead(200, 'a\r\nb'),
  'an odd flat list of fields': (res) => res.writeHead(200, ['a']),
  'a head with a value beyond latin-1': (res) => res.writeHead(200, { X: '\u20ac' }),
  'a chunk that is a number': (res) => res.write(5),
  'a chunk that is null': (res) => res.write(null),
  'a chunk that is undefined': (res) => res.write(undefined),
  'a chunk that is an object': (res) => res.write({}),
  'an end with a number': (res) => res.end(5),
  'an early hint without a link': (res) => res.writeEarlyHints({ link: 5 }),
  'an early hint that is null': (res) => res.writeEarlyHints(null),
  'trailers with a bad name': (res) => res.addTrailers({ 'a b': 'c' }),
  'getting a field by a number': (res) => res.getHeader(5),
  'removing a field by a number': (res) => res.removeHeader(5),
  'unknown encoding': (res) => res.write('x', 'no-such-encoding'),
}

const AFTER = {
  'a field': (res) => res.setHeader('X', 'a'),
  'an appended field': (res) => res.appendHeader('X', 'a'),
  'removing a field': (res) => res.removeHeader('X'),
  'a second head': (res) => res.writeHead(200),
  'flushing the head again': (res) => res.flushHeaders(),
  'several fields': (res) => res.setHeaders(new Map([['a', 'b']])),
  'a status code': (res) => {
    res.statusCode = 500
  },
  'a chunk that is a number': (res) => res.write(5),
  'assigning another socket': (res) => res.assignSocket(res.socket),
}

export const refusals = {
  '/refusals/names': (_req, res) => json(res, { before: Object.keys(BEFORE), after: Object.keys(AFTER) }),
  '/refusals/before': (_req, res, url) => {
    const what = BEFORE[url.searchParams.get('what')]
    const code = attempt(() => what(res))
    // What was taken until it is sent.
    res.statusMessage = ''
    if (res.headersSent) {
      res.end(`sent, ${code}\n`)
      return
    }
    res.setHeader('X-Code', String(code))
    res.end(`${code}\n`)
  },
  '/refusals/after': (_req, res, url) => {
    const what = AFTER[url.searchParams.get('what')]
    res.write('sent ')
    const code = attempt(() => what(res))
    res.end(`${code} ${res.statusCode}\n`)
  },
}
