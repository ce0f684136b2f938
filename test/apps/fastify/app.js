import compress from '@fastify/compress'
import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import session from '@fastify/session'
import serveStatic from '@fastify/static'
import Fastify from 'fastify'
import { Readable } from 'node:stream'
import * as content from '../content.mjs'
import { PUBLIC } from '../static-files.mjs'

/** The application; it listens nowhere yet. */
export async function build(options = {}) {
  const app = Fastify(options)

  await app.register(cookie)
  await app.register(session, {
    secret: content.SESSION_SECRET,
    cookieName: 'sid',
    cookie: { secure: false },
    saveUninitialized: false,
  })
  await app.register(formbody)
  await app.register(multipart)
  await app.register(compress, { global: false })
  await app.register(serveStatic, { root: PUBLIC, prefix: '/static/' })

  app.get('/hello', async (request, reply) => {
    reply.type('text/plain; charset=utf-8')
    return 'Hello from Fastify\n'
  })

  app.get('/json', async () => ({ framework: 'fastify', list: [1, 2, 3], nested: { text: 'caf\u00e9' } }))

  // A part of the application with a body parser of its own: bytes as they came, whatever their type.
  await app.register(async (part) => {
    part.removeAllContentTypeParsers()
    part.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body))
    part.all('/echo', async (request) => ({
      method: request.method,
      url: request.originalUrl,
      query: request.query,
      headers: request.headers,
      body: request.body?.toString() ?? '',
      bytes: request.body?.length ?? 0,
    }))
  })

  app.get('/status/:code', async (request, reply) => {
    reply.code(Number(request.params.code)).type('text/plain')
    return `status ${request.params.code}\n`
  })

  app.get('/redirect', (request, reply) => {
    reply.redirect('/hello')
  })

  app.get('/cookies', (request, reply) => {
    reply
      .setCookie('first', 'one', { path: '/', httpOnly: true })
      .setCookie('second', 'two words', { sameSite: 'lax', maxAge: 3600 })
      .send('cookies\n')
  })

  app.get('/cookie-echo', async (request) => request.cookies)

  app.get('/headers-odd', (request, reply) => {
    reply
      .header('X-Long', content.LONG_VALUE)
      .header('X-Twice', ['one', 'two'])
      .header('Link', '</a>; rel=preload')
      .header('X-Latin', content.LATIN_VALUE)
      .header('X-Empty', '')
      .send('odd headers\n')
  })

  app.get('/stream', (request, reply) => {
    reply.type('text/plain').send(Readable.from(content.chunks()))
  })

  app.get('/big', (request, reply) => {
    reply.type('application/octet-stream').send(Readable.from(content.big(Number(request.query.bytes))))
  })

  app.get('/sse', (request, reply) => {
    reply.header('Content-Type', 'text/event-stream').header('Cache-Control', 'no-cache').send(Readable.from(content.events()))
  })

  app.get('/compressed', { compress: {} }, async (request, reply) => {
    reply.type('text/plain')
    return content.LONG_TEXT
  })

  app.post('/upload', async (request) => {
    const fields = {}
    const files = []
    for await (const part of request.parts()) {
      if (part.type === 'file') {
        files.push(content.describeFile(part.fieldname, part.filename, part.mimetype, await part.toBuffer()))
      } else fields[part.fieldname] = part.value
    }
    return { fields, files }
  })

  app.get('/session', async (request) => {
    request.session.count = (request.session.count ?? 0) + 1
    return { count: request.session.count }
  })

  app.post('/json-body', async (request) => ({ got: request.body }))
  app.post('/form', async (request) => ({ got: request.body }))

  app.get('/error', (request, reply) => {
    throw new Error('failed on purpose')
  })

  app.get('/error-async', async () => {
    await content.delay(1)
    throw Object.assign(new Error('failed on purpose, later'), { statusCode: 503 })
  })

  app.get('/error-late', (request, reply) => {
    reply.type('text/plain').send(Readable.from(content.fails()))
  })

  app.get('/slow', async (request) => {
    await content.delay(Number(request.query.ms))
    return 'slow\n'
  })

  app.get('/nobody', (request, reply) => {
    reply.code(204).send()
  })

  app.get('/not-modified', (request, reply) => {
    reply.code(304).header('ETag', content.ETAG).send()
  })

  app.get('/ip', async (request) => ({ ip: request.ip, protocol: request.protocol, secure: request.protocol === 'https' }))

  return app
}
