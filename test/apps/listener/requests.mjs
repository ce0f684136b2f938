import http from 'node:http'
import { Duplex, EventEmitter, Readable, Stream, Writable } from './stream-classes.mjs'
import { json, readAll } from './reply.mjs'

/** Everything that a request can be asked. */
export const requests = {
  '/request/report': async (req, res) => {
    const before = { complete: req.complete, aborted: req.aborted, destroyed: req.destroyed, readable: req.readable }
    const body = await readAll(req)
    json(res, {
      method: req.method,
      url: req.url,
      httpVersion: [req.httpVersion, req.httpVersionMajor, req.httpVersionMinor],
      headers: req.headers,
      distinct: req.headersDistinct,
      trailers: req.trailers,
      trailersDistinct: req.trailersDistinct,
      rawTrailers: req.rawTrailers,
      before,
      after: { complete: req.complete, aborted: req.aborted, ended: req.readableEnded, statusCode: req.statusCode },
      body: body.toString('latin1'),
    })
  },
  '/request/raw': (req, res) => json(res, { names: req.rawHeaders.filter((_, index) => index % 2 === 0), raw: req.rawHeaders }),
  '/request/socket': (req, res) => {
    const { socket } = req
    json(res, {
      remoteAddress: socket.remoteAddress,
      remoteFamily: socket.remoteFamily,
      remotePort: typeof socket.remotePort,
      encrypted: Boolean(socket.encrypted),
      destroyed: socket.destroyed,
      writable: socket.writable,
      readable: socket.readable,
      connecting: socket.connecting,
      pending: socket.pending,
      readyState: socket.readyState,
      // Not known until it is set, and set for all that comes over one connection.
      timeout: typeof (socket.timeout ?? 0),
      same: [req.connection === socket, res.socket === socket, res.connection === socket, res.req === req],
      functions: ['setTimeout', 'setNoDelay', 'setKeepAlive', 'ref', 'unref', 'address', 'destroySoon', 'pause', 'resume', 'cork']
        .map((name) => [name, typeof socket[name]])
        .filter(([, type]) => type !== 'function'),
      chained: [socket.setNoDelay(true), socket.setKeepAlive(true), socket.ref()].map((result) => result === socket),
      bytes: [typeof socket.bytesRead, typeof socket.bytesWritten],
      stream: socket instanceof Duplex,
      server: socket.server === undefined ? 'none' : typeof socket.server,
    })
  },
  '/request/local-address': (req, res) => {
    json(res, { address: typeof req.socket.localAddress, port: typeof req.socket.localPort, family: req.socket.localFamily })
  },
  '/request/instances': (req, res) => {
    json(res, {
      request: [http.IncomingMessage, Readable, Stream, EventEmitter].map((type) => req instanceof type),
      response: [http.ServerResponse, http.OutgoingMessage, Stream, EventEmitter, Writable].map((type) => res instanceof type),
      constructors: [req.constructor.name, res.constructor.name],
      prototypes: [
        Object.getPrototypeOf(req) === http.IncomingMessage.prototype,
        Object.getPrototypeOf(res) === http.ServerResponse.prototype,
      ],
      keys: Object.keys(req)
        .filter((key) => !key.startsWith('_'))
        .toSorted(),
      responseKeys: Object.keys(res)
        .filter((key) => !key.startsWith('_'))
        .toSorted(),
    })
  },
  '/request/listeners': (req, res) => {
    json(res, { request: req.eventNames().map(String), response: res.eventNames().map(String) })
  },
  '/request/async-iterator': async (req, res) => {
    let bytes = 0
    for await (const chunk of req) bytes += chunk.length
    json(res, { bytes, ended: req.readableEnded, complete: req.complete })
  },
  '/request/events': (req, res) => {
    let bytes = 0
    req.on('data', (chunk) => (bytes += chunk.length))
    req.on('end', () => json(res, { bytes, complete: req.complete }))
  },
  '/request/readable': (req, res) => {
    const chunks = []
    req.on('readable', () => {
      for (let chunk = req.read(); chunk !== null; chunk = req.read()) chunks.push(chunk)
    })
    req.on('end', () => res.end(Buffer.concat(chunks)))
  },
  '/request/read-sizes': (req, res) => {
    let text = ''
    req.on('readable', () => {
      for (let chunk = req.read(3); chunk !== null; chunk = req.read(3)) text += `[${chunk}]`
    })
    req.on('end', () => res.end(text))
  },
  '/request/pause': (req, res) => {
    let bytes = 0
    let pauses = 0
    req.on('data', (chunk) => {
      bytes += chunk.length
      if (pauses++ > 20) return
      req.pause()
      setTimeout(() => req.resume(), 1)
    })
    req.on('end', () => json(res, { bytes, paused: pauses > 0 }))
  },
  '/request/late': (req, res) => {
    setTimeout(async () => json(res, { bytes: (await readAll(req)).length }), 30)
  },
  '/request/set-encoding': async (req, res, url) => {
    req.setEncoding(url.searchParams.get('encoding'))
    let text = ''
    for await (const chunk of req) text += chunk
    json(res, { text, encoding: req.readableEncoding })
  },
  '/request/unread': (_req, res) => res.end('not read\n'),
  '/request/partly-read': (req, res) => {
    req.once('data', () => {
      req.pause()
      res.end('partly read\n')
    })
  },
  '/request/dump': (req, res) => {
    req.resume()
    req.on('end', () => res.end('dumped\n'))
  },
  '/request/pipe-back': (req, res) => {
    res.writeHead(200, { 'Content-Type': req.headers['content-type'] ?? 'application/octet-stream' })
    req.pipe(res)
  },
  '/request/web': async (req, res) => {
    const reader = Readable.toWeb(req).getReader()
    let bytes = 0
    for (let step = await reader.read(); !step.done; step = await reader.read()) bytes += step.value.length
    json(res, { bytes })
  },
  '/request/iterator-helpers': async (req, res) => {
    const sizes = await req.map((chunk) => chunk.length).toArray()
    json(res, { bytes: sizes.reduce((sum, size) => sum + size, 0) })
  },
  '/request/unshift': async (req, res) => {
    req.unshift(Buffer.from('before '))
    res.end(await readAll(req))
  },
  '/request/own-properties': (req, res) => {
    req.id = 7
    req.url = '/rewritten'
    req.method = 'REWRITTEN'
    req.headers['x-added'] = 'yes'
    json(res, [req.id, req.url, req.method, req.headers['x-added'], typeof req.headers.host])
  },
  '/request/dispose': (req, res) => {
    json(res, { request: typeof req[Symbol.asyncDispose ?? 'none'], response: typeof res[Symbol.asyncDispose ?? 'none'] })
  },
  '/request/signal': (req, res) => {
    // Newer Node versions have a signal for each request.
    json(res, { signal: req.signal === undefined ? 'none' : String(req.signal.aborted) })
  },
}
