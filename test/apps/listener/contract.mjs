import { createHash, randomUUID } from 'node:crypto'
import { createGzip } from 'node:zlib'
import { json, readAll } from './reply.mjs'
import { parseMultipart } from './multipart.mjs'

const LONG_TEXT = Array.from({ length: 1000 }, (_, index) => `line ${index} of what is compressed\n`).join('')
const SESSIONS = new Map()
const MAX_SESSIONS = 1000

function setSessionCookie(res, id) {
  res.setHeader('Set-Cookie', `sid=${id}; Path=/; HttpOnly`)
}

function cookiesOf(req) {
  const cookies = {}
  for (const part of (req.headers.cookie ?? '').split('; ')) {
    const equals = part.indexOf('=')
    if (equals > 0) cookies[part.slice(0, equals)] = part.slice(equals + 1)
  }
  return cookies
}

/** What every application of these tests answers, here with nothing but Node. */
export const contract = {
  '/hello': (_req, res) => {
    res.setHeader('Content-Type', 'text/plain')
    res.end('hello, world\n')
  },
  '/json': (_req, res) => json(res, { hello: 'world', list: [1, 2, 3], text: 'na\xefve \u20ac' }),
  '/echo': async (req, res, url) => {
    const body = await readAll(req)
    json(res, {
      method: req.method,
      originalUrl: req.url,
      query: Object.fromEntries(url.searchParams),
      headers: req.headers,
      body: body.toString(),
      bytes: body.length,
    })
  },
  '/redirect': (_req, res) => res.writeHead(302, { Location: '/hello' }).end(),
  '/cookies': (_req, res) => {
    res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2; HttpOnly; SameSite=Lax'])
    res.end('cookies\n')
  },
  '/cookie-echo': (req, res) => json(res, cookiesOf(req)),
  '/headers-odd': (_req, res) => {
    res.setHeader('X-Empty', '')
    res.setHeader('x-lower', 'lower')
    res.setHeader('X-Latin', 'caf\xe9')
    res.setHeader('X-List', ['one', 'two'])
    res.setHeader('X-Long', 'x'.repeat(4000))
    res.end('odd\n')
  },
  '/stream': (_req, res) => {
    res.setHeader('Content-Type', 'text/plain')
    let count = 0
    const timer = setInterval(() => {
      res.write(`chunk ${count++}\n`)
      if (count < 10) return
      clearInterval(timer)
      res.end()
    }, 1)
  },
  '/big': (_req, res, url) => res.end(Buffer.alloc(Number(url.searchParams.get('bytes')), 'b')),
  '/sse': (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' })
    for (let index = 0; index < 3; index++) res.write(`id: ${index}\ndata: event ${index}\n\n`)
    res.end()
  },
  '/compressed': (req, res) => {
    res.setHeader('Content-Type', 'text/plain')
    res.setHeader('Vary', 'Accept-Encoding')
    if (!/\bgzip\b/.test(req.headers['accept-encoding'] ?? '')) {
      res.end(LONG_TEXT)
      return
    }
    res.setHeader('Content-Encoding', 'gzip')
    const gzip = createGzip()
    gzip.pipe(res)
    gzip.end(LONG_TEXT)
  },
  '/upload': async (req, res) => {
    const parts = parseMultipart(await readAll(req), req.headers['content-type'] ?? '')
    if (parts === undefined) {
      json(res, { error: 'no multipart body' }, 400)
      return
    }
    json(res, {
      fields: Object.fromEntries(
        parts.filter((part) => part.filename === undefined).map((part) => [part.name, String(part.data)]),
      ),
      files: parts
        .filter((part) => part.filename !== undefined)
        .map(({ name, filename, data }) => ({ name, filename, size: data.length, sha256: sha256(data) })),
    })
  },
  '/session': (req, res) => {
    let id = cookiesOf(req).sid
    if (!SESSIONS.has(id)) {
      id = randomUUID()
      setSessionCookie(res, id)
    }
    const count = (SESSIONS.get(id) ?? 0) + 1
    SESSIONS.set(id, count)
    if (SESSIONS.size > MAX_SESSIONS) SESSIONS.delete(SESSIONS.keys().next().value)
    json(res, { count })
  },
  '/json-body': async (req, res) => {
    try {
      json(res, { got: JSON.parse(await readAll(req)) })
    } catch {
      json(res, { error: 'not JSON' }, 400)
    }
  },
  '/form': async (req, res) => json(res, Object.fromEntries(new URLSearchParams(String(await readAll(req))))),
  // Nothing catches what a listener throws: these fail as one does that knows it.
  '/error': (_req, res) => json(res, { error: 'error' }, 500),
  '/error-async': (_req, res) => setTimeout(() => json(res, { error: 'error, later' }, 500), 1),
  '/error-late': (_req, res) => {
    res.write('begun\n', () => setTimeout(() => res.destroy(new Error('too late')), 5))
  },
  '/slow': (_req, res, url) => {
    setTimeout(() => res.end('slow\n'), Number(url.searchParams.get('ms')))
  },
  '/nobody': (_req, res) => res.writeHead(204).end(),
  '/not-modified': (_req, res) => res.writeHead(304, { ETag: '"same"' }).end(),
  '/ip': (req, res) => json(res, { ip: req.socket.remoteAddress }),
}

export const contractPrefixes = {
  '/status/': (_req, res, url) => {
    res.statusCode = Number(url.pathname.slice(8))
    res.end(`status ${res.statusCode}\n`)
  },
}

function sha256(data) {
  return createHash('sha256').update(data).digest('hex')
}
