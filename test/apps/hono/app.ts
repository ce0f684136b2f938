import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { getCookie, getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie'
import { etag } from 'hono/etag'
import { HTTPException } from 'hono/http-exception'
import { stream, streamSSE, streamText } from 'hono/streaming'
import * as content from '../content.mjs'
import { PUBLIC } from '../static-files.mjs'

const app = new Hono()

app.get('/hello', (c) => c.text('Hello from Hono\n'))

app.get('/json', (c) => c.json({ framework: 'hono', list: [1, 2, 3], nested: { text: 'caf\u00e9' } }))

app.all('/echo', async (c) => {
  const body = new Uint8Array(await c.req.arrayBuffer())
  return c.json({
    method: c.req.method,
    url: c.req.url,
    query: c.req.queries(),
    headers: c.req.header(),
    body: new TextDecoder().decode(body),
    bytes: body.length,
  })
})

app.get('/status/:code', (c) => {
  const code = Number(c.req.param('code'))
  return new Response([204, 205, 304].includes(code) ? null : `status ${code}\n`, { status: code })
})

app.get('/redirect', (c) => c.redirect('/hello'))

app.get('/cookies', (c) => {
  setCookie(c, 'first', 'one', { httpOnly: true })
  setCookie(c, 'second', 'two words', { sameSite: 'Lax', maxAge: 3600, path: '/cookies' })
  return c.text('cookies\n')
})

app.get('/cookie-echo', (c) => c.json(getCookie(c)))

app.get('/headers-odd', (c) => {
  c.header('X-Long', content.LONG_VALUE)
  c.header('X-Twice', 'one')
  c.header('X-Twice', 'two', { append: true })
  c.header('Link', '</a>; rel=preload')
  c.header('X-Latin', content.LATIN_VALUE)
  c.header('X-Empty', '')
  return c.text('odd headers\n')
})

app.get('/stream', (c) =>
  streamText(c, async (out) => {
    for await (const chunk of content.chunks()) await out.write(chunk)
  }),
)

app.get('/big', (c) => {
  c.header('Content-Type', 'application/octet-stream')
  return stream(c, async (out) => {
    for (const block of content.big(Number(c.req.query('bytes')))) await out.write(block)
  })
})

app.get('/sse', (c) =>
  streamSSE(c, async (out) => {
    for (let index = 0; index < 3; index++) {
      await out.writeSSE({ id: String(index), event: 'tick', data: JSON.stringify({ index }) })
      await out.sleep(5)
    }
  }),
)

app.get('/compressed', compress(), (c) => c.text(content.LONG_TEXT))

app.use('/static/*', etag())
app.use('/static/*', serveStatic({ root: PUBLIC, rewriteRequestPath: (path) => path.replace(/^\/static/, '') }))

app.post('/upload', async (c) => {
  const form = await c.req.formData()
  const fields: Record<string, string> = {}
  const files: object[] = []
  for (const [name, value] of form) {
    if (typeof value === 'string') fields[name] = value
    else files.push(content.describeFile(name, value.name, value.type, new Uint8Array(await value.arrayBuffer())))
  }
  return c.json({ fields, files })
})

app.get('/session', async (c) => {
  const count = Number((await getSignedCookie(c, content.SESSION_SECRET, 'sid')) || 0) + 1
  await setSignedCookie(c, 'sid', String(count), content.SESSION_SECRET, { httpOnly: true })
  return c.json({ count })
})

app.post('/json-body', async (c) => c.json({ got: await c.req.json() }))
app.post('/form', async (c) => c.json({ got: await c.req.parseBody() }))

app.get('/error', () => {
  throw new Error('failed on purpose')
})

app.get('/error-async', async () => {
  await content.delay(1)
  throw new HTTPException(503, { message: 'failed on purpose, later' })
})

app.get('/error-late', () => {
  const chunks = content.fails()
  const encoder = new TextEncoder()
  const body = new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
  return new Response(body, { headers: { 'Content-Type': 'text/plain' } })
})

app.get('/slow', async (c) => {
  await content.delay(Number(c.req.query('ms')))
  return c.text('slow\n')
})

app.get('/nobody', (c) => c.body(null, 204))

app.get('/not-modified', (c) => c.body(null, 304, { ETag: content.ETAG }))

app.get('/ip', (c) => c.json({ protocol: new URL(c.req.url).protocol, host: new URL(c.req.url).host }))

export default app
