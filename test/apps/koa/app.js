import { bodyParser } from '@koa/bodyparser'
import multer from '@koa/multer'
import Router from '@koa/router'
import Koa from 'koa'
import compress from 'koa-compress'
import conditional from 'koa-conditional-get'
import etag from 'koa-etag'
import mount from 'koa-mount'
import session from 'koa-session'
import serveStatic from 'koa-static'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import * as content from '../content.mjs'
import { PUBLIC } from '../static-files.mjs'

const app = new Koa()
app.keys = [content.SESSION_SECRET]
// It logs what fails on purpose, else.
app.silent = true

const router = new Router()
const parser = bodyParser()
const upload = multer()

app.use(session({ key: 'sid' }, app))
app.use(mount('/static', conditional()))
app.use(mount('/static', etag()))
app.use(mount('/static', serveStatic(PUBLIC)))

router.get('/hello', (ctx) => {
  ctx.body = 'Hello from Koa\n'
})

router.get('/json', (ctx) => {
  ctx.body = { framework: 'koa', list: [1, 2, 3], nested: { text: 'caf\u00e9' } }
})

router.all('/echo', async (ctx) => {
  const body = await buffer(ctx.req)
  ctx.body = {
    method: ctx.method,
    url: ctx.originalUrl,
    query: ctx.query,
    headers: ctx.headers,
    body: body.toString(),
    bytes: body.length,
  }
})

router.get('/status/:code', (ctx) => {
  ctx.status = Number(ctx.params.code)
  if (![204, 205, 304].includes(ctx.status)) ctx.body = `status ${ctx.params.code}\n`
})

router.get('/redirect', (ctx) => {
  ctx.redirect('/hello')
})

router.get('/cookies', (ctx) => {
  ctx.cookies.set('first', 'one', { signed: false })
  ctx.cookies.set('second', 'two', { signed: true, httpOnly: false, sameSite: 'lax', path: '/cookies' })
  ctx.body = 'cookies\n'
})

router.get('/cookie-echo', (ctx) => {
  ctx.body = { first: ctx.cookies.get('first', { signed: false }), second: ctx.cookies.get('second', { signed: false }) }
})

router.get('/headers-odd', (ctx) => {
  ctx.set('X-Long', content.LONG_VALUE)
  ctx.append('X-Twice', 'one')
  ctx.append('X-Twice', 'two')
  ctx.append('Link', '</a>; rel=preload')
  ctx.set('X-Latin', content.LATIN_VALUE)
  ctx.set('X-Empty', '')
  ctx.body = 'odd headers\n'
})

router.get('/stream', (ctx) => {
  ctx.type = 'text/plain'
  ctx.body = Readable.from(content.chunks())
})

router.get('/big', (ctx) => {
  ctx.type = 'application/octet-stream'
  ctx.body = Readable.from(content.big(Number(ctx.query.bytes)))
})

router.get('/sse', (ctx) => {
  const stream = new PassThrough()
  ctx.status = 200
  ctx.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  ctx.flushHeaders()
  ctx.body = stream
  Readable.from(content.events()).pipe(stream)
})

router.get('/compressed', compress({ threshold: 1024 }), (ctx) => {
  ctx.type = 'text/plain'
  ctx.body = content.LONG_TEXT
})

router.post('/upload', upload.any(), (ctx) => {
  ctx.body = {
    fields: { ...ctx.request.body },
    files: ctx.files.map((file) => content.describeFile(file.fieldname, file.originalname, file.mimetype, file.buffer)),
  }
})

router.get('/session', (ctx) => {
  ctx.session.count = (ctx.session.count ?? 0) + 1
  ctx.body = { count: ctx.session.count }
})

router.post('/json-body', parser, (ctx) => {
  ctx.body = { got: ctx.request.body }
})

router.post('/form', parser, (ctx) => {
  ctx.body = { got: ctx.request.body }
})

router.get('/error', () => {
  throw new Error('failed on purpose')
})

router.get('/error-async', async (ctx) => {
  await content.delay(1)
  ctx.throw(503, 'failed on purpose, later')
})

router.get('/error-late', (ctx) => {
  ctx.type = 'text/plain'
  ctx.body = Readable.from(content.fails())
})

router.get('/slow', async (ctx) => {
  await content.delay(Number(ctx.query.ms))
  ctx.body = 'slow\n'
})

router.get('/nobody', (ctx) => {
  ctx.status = 204
})

router.get('/not-modified', (ctx) => {
  ctx.status = 304
  ctx.set('ETag', content.ETAG)
})

router.get('/ip', (ctx) => {
  ctx.body = { ip: ctx.ip, protocol: ctx.protocol, secure: ctx.secure }
})

app.use(router.routes())
app.use(router.allowedMethods())

export default app
