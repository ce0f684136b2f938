import {
  createEventStream,
  getQuery,
  getRequestIP,
  getRequestProtocol,
  getRouterParam,
  H3,
  HTTPError,
  iterable,
  noContent,
  parseCookies,
  readBody,
  redirect,
  serveStatic,
  setCookie,
  useSession,
} from 'h3'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as content from '../content.mjs'
import { PUBLIC } from '../static-files.mjs'

const app = new H3({ silent: true })

app.get('/hello', (event) => {
  event.res.headers.set('Content-Type', 'text/plain; charset=utf-8')
  return 'Hello from h3\n'
})

app.get('/json', () => ({ framework: 'h3', list: [1, 2, 3], nested: { text: 'caf\u00e9' } }))

app.all('/echo', async (event) => {
  const body = new Uint8Array(await event.req.arrayBuffer())
  return {
    method: event.req.method,
    url: event.req.url,
    query: getQuery(event),
    headers: Object.fromEntries(event.req.headers),
    body: new TextDecoder().decode(body),
    bytes: body.length,
  }
})

app.get('/status/:code', (event) => {
  const code = Number(getRouterParam(event, 'code'))
  event.res.status = code
  return [204, 205, 304].includes(code) ? null : `status ${code}\n`
})

app.get('/redirect', () => redirect('/hello'))

app.get('/cookies', (event) => {
  setCookie(event, 'first', 'one', { httpOnly: true })
  setCookie(event, 'second', 'two words', { sameSite: 'lax', maxAge: 3600, path: '/cookies' })
  return 'cookies\n'
})

app.get('/cookie-echo', (event) => ({ ...parseCookies(event) }))

app.get('/headers-odd', (event) => {
  event.res.headers.set('X-Long', content.LONG_VALUE)
  event.res.headers.append('X-Twice', 'one')
  event.res.headers.append('X-Twice', 'two')
  event.res.headers.set('Link', '</a>; rel=preload')
  event.res.headers.set('X-Latin', content.LATIN_VALUE)
  event.res.headers.set('X-Empty', '')
  return 'odd headers\n'
})

app.get('/stream', (event) => {
  event.res.headers.set('Content-Type', 'text/plain')
  return iterable(content.chunks())
})

app.get('/big', (event) => {
  event.res.headers.set('Content-Type', 'application/octet-stream')
  return ReadableStream.from(content.big(Number(getQuery(event).bytes)))
})

app.get('/sse', (event) => {
  const stream = createEventStream(event)
  const run = async () => {
    for (let index = 0; index < 3; index++) {
      await stream.push({ id: String(index), event: 'tick', data: JSON.stringify({ index }) })
      await content.delay(5)
    }
    await stream.close()
  }
  void run()
  return stream.send()
})

app.get('/static/**', (event) => {
  const path = (id) => join(PUBLIC, decodeURIComponent(id).replace(/^\/static/, ''))
  return serveStatic(event, {
    getContents: (id) => readFile(path(id)),
    getMeta: async (id) => {
      const found = await stat(path(id)).catch(() => {})
      if (!found?.isFile()) return undefined
      return { size: found.size, mtime: found.mtimeMs, etag: `"${found.size}-${Math.trunc(found.mtimeMs)}"` }
    },
  })
})

app.post('/upload', async (event) => {
  const fields = {}
  const files = []
  for (const [name, value] of await event.req.formData()) {
    if (typeof value === 'string') fields[name] = value
    else files.push(content.describeFile(name, value.name, value.type, new Uint8Array(await value.arrayBuffer())))
  }
  return { fields, files }
})

app.get('/session', async (event) => {
  const session = await useSession(event, { name: 'sid', password: content.SESSION_SECRET })
  await session.update({ count: (session.data.count ?? 0) + 1 })
  return { count: session.data.count }
})

app.post('/json-body', async (event) => ({ got: await readBody(event) }))
app.post('/form', async (event) => ({ got: await readBody(event) }))

app.get('/error', () => {
  throw new Error('failed on purpose')
})

app.get('/error-async', async () => {
  await content.delay(1)
  throw new HTTPError({ status: 503, message: 'failed on purpose, later' })
})

app.get('/error-late', (event) => {
  event.res.headers.set('Content-Type', 'text/plain')
  return iterable(content.fails())
})

app.get('/slow', async (event) => {
  await content.delay(Number(getQuery(event).ms))
  return 'slow\n'
})

app.get('/nobody', () => noContent())

app.get('/not-modified', (event) => {
  event.res.status = 304
  event.res.headers.set('ETag', content.ETAG)
  return null
})

app.get('/ip', (event) => ({ ip: getRequestIP(event), protocol: getRequestProtocol(event) }))

export default app
