import { json } from './reply.mjs'

/** Every way to say a response's head. */
export const heads = {
  '/head/object': (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain', 'X-Mixed-Case': 'a', 'x-lower': 'b', 'X-UPPER': 'c' })
    res.end('object\n')
  },
  '/head/flat-array': (_req, res) => {
    res.writeHead(200, ['X-A', '1', 'x-b', '2', 'X-A', '3', 'Content-Type', 'text/plain'])
    res.end('flat\n')
  },
  '/head/flat-array-over-set': (_req, res) => {
    res.setHeader('X-A', 'set')
    res.setHeader('X-Kept', 'kept')
    res.writeHead(200, ['x-a', '1', 'X-A', '2'])
    res.end('flat over set\n')
  },
  '/head/pairs': (_req, res) => {
    try {
      res.writeHead(200, [
        ['X-A', '1'],
        ['x-b', '2'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ])
    } catch (error) {
      res.setHeader('X-Refused', error.code)
    }
    res.end('pairs\n')
  },
  '/head/message': (_req, res) => {
    res.writeHead(200, 'All is well', { 'Content-Type': 'text/plain' })
    res.end('message\n')
  },
  '/head/message-and-array': (_req, res) => {
    res.writeHead(202, 'Later', ['X-A', '1']).end('message and array\n')
  },
  '/head/empty-message': (_req, res) => {
    res.statusMessage = ''
    res.writeHead(200, '')
    res.end('empty message\n')
  },
  '/head/latin1-message': (_req, res) => {
    res.writeHead(200, 'Tr\xe8s bien')
    res.end('latin-1 message\n')
  },
  '/head/code': (_req, res, url) => {
    res.statusCode = Number(url.searchParams.get('n'))
    res.setHeader('Content-Type', 'text/plain')
    res.end('a body\n')
  },
  '/head/status-properties': (_req, res) => {
    res.statusCode = 201
    res.statusMessage = 'Made'
    res.end('made\n')
  },
  '/head/set-then-write': (_req, res) => {
    res.setHeader('x-First', '1')
    res.setHeader('X-Second', '2')
    res.writeHead(200, { 'X-first': '3', 'X-Third': '4' })
    res.end('set, then write\n')
  },
  '/head/set-twice': (_req, res) => {
    res.setHeader('X-Twice', 'one')
    res.setHeader('x-twice', 'two')
    res.end('set twice\n')
  },
  '/head/append': (_req, res) => {
    res.appendHeader('X-List', 'a')
    res.appendHeader('x-list', 'b')
    res.appendHeader('X-LIST', ['c', 'd'])
    res.appendHeader('Set-Cookie', 'a=1')
    res.appendHeader('Set-Cookie', 'b=2')
    res.end('append\n')
  },
  '/head/lists': (_req, res) => {
    res.setHeader('X-Multi', ['a', 'b'])
    res.setHeader('Vary', ['Accept', 'Origin'])
    res.setHeader('Cache-Control', ['no-cache', 'no-store'])
    res.setHeader('Link', ['</a>; rel=preload', '</b>; rel=preload'])
    res.setHeader('WWW-Authenticate', ['Basic realm="a"', 'Bearer'])
    res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2; HttpOnly'])
    res.end('lists\n')
  },
  '/head/set-headers': (_req, res) => {
    res.setHeaders(
      new Map([
        ['X-One', '1'],
        ['X-Two', ['2', '3']],
      ]),
    )
    res.setHeaders(new Headers({ 'X-Three': '3' }))
    res.end('setHeaders\n')
  },
  '/head/report': (_req, res) => {
    res.setHeader('X-Case', 'a')
    res.setHeader('X-Number', 5)
    res.setHeader('X-List', ['a', 'b'])
    res.setHeader('X-Gone', 'x')
    res.removeHeader('x-gone')
    json(res, {
      headers: res.getHeaders(),
      nullPrototype: Object.getPrototypeOf(res.getHeaders()) === null,
      names: res.getHeaderNames(),
      raw: res.getRawHeaderNames?.(),
      has: [res.hasHeader('x-case'), res.hasHeader('X-GONE'), res.hasHeader('connection'), res.hasHeader('date')],
      get: [res.getHeader('X-CASE'), res.getHeader('x-number'), res.getHeader('x-list'), res.getHeader('none')].map(String),
      sendDate: res.sendDate,
      statusMessage: String(res.statusMessage),
    })
  },
  '/head/report-sent': (_req, res) => {
    res.setHeader('X-Case', 'a')
    res.writeHead(200, { 'Content-Type': 'application/json' })
    res.end(JSON.stringify({ sent: res.headersSent, names: res.getHeaderNames(), message: res.statusMessage }))
  },
  '/head/implicit-write': (_req, res) => {
    res.write('implicit ')
    res.end('write\n')
  },
  '/head/implicit-end': (_req, res) => res.end('implicit end\n'),
  '/head/implicit-empty': (_req, res) => res.end(),
  '/head/no-date': (_req, res) => {
    res.sendDate = false
    res.end('no date\n')
  },
  '/head/own-date': (_req, res) => {
    res.setHeader('Date', 'Sun, 06 Nov 1994 08:49:37 GMT')
    res.end('own date\n')
  },
  '/head/own-server': (_req, res) => {
    res.setHeader('Server', 'by-hand/1.0')
    res.setHeader('X-Powered-By', 'hands')
    res.end('own server\n')
  },
  '/head/flush': (_req, res) => {
    res.setHeader('X-Early', 'yes')
    res.flushHeaders()
    setTimeout(() => res.end('flushed before\n'), 20)
  },
  '/head/flush-with-length': (_req, res) => {
    res.setHeader('Content-Length', 8)
    res.flushHeaders()
    setTimeout(() => res.end('flushed\n'), 20)
  },
  '/head/flush-empty': (_req, res) => {
    res.flushHeaders()
    setTimeout(() => res.end(), 20)
  },
  '/head/flush-then-set': (_req, res) => {
    res.flushHeaders()
    let code
    try {
      res.setHeader('X-Late', '1')
    } catch (error) {
      code = error.code
    }
    res.end(`${code}\n`)
  },
  '/head/latin1-with-text': (_req, res) => {
    res.setHeader('X-Latin', 'caf\xe9')
    res.end('text \u20ac\n')
  },
  '/head/latin1-with-bytes': (_req, res) => {
    res.setHeader('X-Latin', 'caf\xe9')
    res.end(Buffer.from('bytes\n'))
  },
  '/head/latin1-without-body': (_req, res) => {
    res.setHeader('X-Latin', 'caf\xe9')
    res.end()
  },
  '/head/latin1-flushed': (_req, res) => {
    res.setHeader('X-Latin', 'caf\xe9')
    res.flushHeaders()
    res.end('flushed\n')
  },
  '/head/latin1-disposition': (_req, res) => {
    res.writeHead(200, { 'Content-Disposition': `attachment; filename="${Buffer.from('h\u20acllo').toString('latin1')}"` })
    res.end('file\n')
  },
  '/head/many-fields': (_req, res) => {
    for (let index = 0; index < 100; index++) res.setHeader(`X-Field-${index}`, `value ${index}`)
    res.end('many fields\n')
  },
  '/head/long-field': (_req, res, url) => {
    res.setHeader('X-Long', 'x'.repeat(Number(url.searchParams.get('n'))))
    res.end('long field\n')
  },
  '/head/empty-value': (_req, res) => {
    res.setHeader('X-Empty', '')
    res.setHeader('X-After', '1')
    res.end('empty value\n')
  },
  '/head/spaces': (_req, res) => {
    res.setHeader('X-Spaces', '  a\tb  c  ')
    res.end('spaces\n')
  },
  '/head/number': (_req, res) => {
    res.setHeader('X-Number', 5)
    res.setHeader('Content-Length', 7)
    res.end('number\n')
  },
  '/head/odd-name': (_req, res) => {
    res.setHeader('x!odd#name', '1')
    res.setHeader('X_Under_Score', '2')
    res.setHeader('X.Dot', '3')
    res.setHeader('constructor', '4')
    res.end('odd name\n')
  },
  '/head/content-type-empty': (_req, res) => {
    res.setHeader('Content-Type', '')
    res.end('no type\n')
  },
  '/head/content-type-charset': (_req, res) => {
    res.setHeader('content-type', 'text/html; charset=ISO-8859-1')
    res.end('<p>typed\n')
  },
  '/head/caching': (_req, res) => {
    res.writeHead(200, {
      ETag: 'W/"weak"',
      'Last-Modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
      Expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
      'Cache-Control': 'private, max-age=0',
      Age: '5',
      Vary: '*',
    })
    res.end('caching\n')
  },
  '/head/content-encoding': (_req, res) => {
    res.writeHead(200, { 'Content-Encoding': 'identity', 'Accept-Ranges': 'none' })
    res.end('encoded\n')
  },
  '/head/location': (_req, res) => {
    res.writeHead(302, { Location: '/elsewhere?a=b#c' })
    res.end()
  },
  '/head/location-absolute': (req, res) => {
    res.writeHead(301, { Location: `http://${req.headers.host}/elsewhere`, Refresh: '0; url=/elsewhere' })
    res.end('moved\n')
  },
  '/head/unauthorized': (_req, res) => {
    res.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' })
    res.end('who?\n')
  },
  '/head/interim-callbacks': (_req, res) => {
    const called = []
    res.writeContinue(() => called.push('continue'))
    res.writeProcessing(() => called.push('processing'))
    const hints = { link: ['</style.css>; rel=preload; as=style', '</script.js>; rel=preload; as=script'], 'x-hint': '1' }
    res.writeEarlyHints(hints, () => {
      called.push('early hints')
      json(res, { called, headersSent: res.headersSent })
    })
  },
}

/** What is said of the connection, which is not the application's to keep. */
export const connectionHeads = {
  '/head/connection-close': (_req, res) => {
    res.setHeader('Connection', 'close')
    res.end('close\n')
  },
  '/head/connection-keep-alive': (_req, res) => {
    res.setHeader('Connection', 'keep-alive')
    res.setHeader('Keep-Alive', 'timeout=77')
    res.end('keep-alive\n')
  },
  '/head/connection-token': (_req, res) => {
    res.setHeader('Connection', 'X-Private')
    res.setHeader('X-Private', '1')
    res.end('token\n')
  },
  '/head/should-keep-alive': (_req, res) => {
    res.shouldKeepAlive = false
    res.end('not kept alive\n')
  },
  '/head/remove-connection': (_req, res) => {
    res.removeHeader('Connection')
    res.end('no Connection\n')
  },
  '/head/chunked-by-hand': (_req, res) => {
    res.setHeader('Transfer-Encoding', 'chunked')
    res.write('chunked ')
    res.end('by hand\n')
  },
  '/head/chunked-in-head': (_req, res) => {
    res.writeHead(200, { 'Transfer-Encoding': 'chunked' })
    res.end('chunked in writeHead\n')
  },
  '/head/chunked-in-array': (_req, res) => {
    res.writeHead(200, ['Transfer-Encoding', 'chunked'])
    res.write('chunked in ')
    res.end('an array\n')
  },
  '/head/remove-transfer-encoding': (_req, res) => {
    res.removeHeader('Transfer-Encoding')
    res.write('until ')
    res.end('the end\n')
  },
  '/head/no-chunked-by-default': (_req, res) => {
    res.useChunkedEncodingByDefault = false
    res.write('not ')
    res.end('chunked\n')
  },
  '/head/trailers': (_req, res) => {
    res.writeHead(200, { Trailer: 'X-Checksum', 'Content-Type': 'text/plain' })
    res.write('with trailers\n')
    res.addTrailers({ 'X-Checksum': 'abc', 'X-Other': 'def' })
    res.end()
  },
  '/head/trailers-and-length': (_req, res) => {
    try {
      res.writeHead(200, { Trailer: 'X-Checksum', 'Content-Length': 3 })
      res.end('abc')
    } catch (error) {
      res.end(error.code)
    }
  },
  '/head/status-field': (_req, res) => {
    res.setHeader('Status', '404 Not Here')
    res.end('a field called Status\n')
  },
  '/head/proxy-authenticate': (_req, res) => {
    res.writeHead(407, { 'Proxy-Authenticate': 'Basic realm="x"' })
    res.end('proxy\n')
  },
  '/head/upgrade-required': (_req, res) => {
    res.writeHead(426, { Upgrade: 'TLS/1.3', Connection: 'Upgrade' })
    res.end('upgrade\n')
  },
  '/head/accel-buffering': (_req, res) => {
    res.setHeader('X-Accel-Buffering', 'no')
    res.write('not ')
    res.end('buffered\n')
  },
  '/head/accel-expires': (_req, res) => {
    res.setHeader('X-Accel-Expires', '0')
    res.end('expires\n')
  },
}
