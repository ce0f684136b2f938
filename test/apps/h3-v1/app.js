import {
  appendResponseHeader,
  createApp,
  createError,
  createEventStream,
  createRouter,
  defineEventHandler,
  getQuery,
  getRequestHeaders,
  getRequestIP,
  getRequestProtocol,
  getRouterParam,
  parseCookies,
  readBody,
  readMultipartFormData,
  readRawBody,
  sendIterable,
  sendNoContent,
  sendRedirect,
  sendStream,
  serveStatic,
  setCookie,
  setResponseHeader,
  setResponseStatus,
  useSession,
} from 'h3'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as content from '../content.mjs'
import { PUBLIC } from '../static-files.mjs'

export const router = createRouter()

/** A route of the router. */
function route(method, path, handler) {
  router.add(path, defineEventHandler(handler), method)
}

route('get', '/hello', (event) => {
  setResponseHeader(event, 'Content-Type', 'text/plain; charset=utf-8')
  return 'Hello from h3\n'
})

route('get', '/json', () => ({ framework: 'h3', list: [1, 2, 3], nested: { text: 'caf\u00e9' } }))

router.use(
  '/echo',
  defineEventHandler(async (event) => {
    const body = ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(event.method) ? undefined : await readRawBody(event, false)
    return {
      method: event.method,
      url: event.path,
      query: getQuery(event),
      headers: getRequestHeaders(event),
      body: body?.toString() ?? '',
      bytes: body?.length ?? 0,
    }
  }),
)

route('get', '/status/:code', (event) => {
  const code = Number(getRouterParam(event, 'code'))
  setResponseStatus(event, code)
  return [204, 205, 304].includes(code) ? null : `status ${code}\n`
})

route('get', '/redirect', (event) => sendRedirect(event, '/hello'))

route('get', '/cookies', (event) => {
  setCookie(event, 'first', 'one', { httpOnly: true })
  setCookie(event, 'second', 'two words', { sameSite: 'lax', maxAge: 3600, path: '/cookies' })
  return 'cookies\n'
})

route('get', '/cookie-echo', (event) => parseCookies(event))

route('get', '/headers-odd', (event) => {
  setResponseHeader(event, 'X-Long', content.LONG_VALUE)
  appendResponseHeader(event, 'X-Twice', 'one')
  appendResponseHeader(event, 'X-Twice', 'two')
  setResponseHeader(event, 'Link', '</a>; rel=preload')
  setResponseHeader(event, 'X-Latin', content.LATIN_VALUE)
  setResponseHeader(event, 'X-Empty', '')
  return 'odd headers\n'
})

route('get', '/stream', (event) => {
  setResponseHeader(event, 'Content-Type', 'text/plain')
  return sendIterable(event, content.chunks())
})

route('get', '/big', (event) => {
  setResponseHeader(event, 'Content-Type', 'application/octet-stream')
  return sendStream(event, Readable.from(content.big(Number(getQuery(event).bytes)), { objectMode: false }))
})

route('get', '/sse', (event) => {
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

route('get', '/static/**', (event) => {
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

route('post', '/upload', async (event) => {
  const fields = {}
  const files = []
  for (const part of (await readMultipartFormData(event)) ?? []) {
    if (part.filename === undefined) fields[part.name] = part.data.toString()
    else files.push(content.describeFile(part.name, part.filename, part.type, part.data))
  }
  return { fields, files }
})

route('get', '/session', async (event) => {
  const session = await useSession(event, { name: 'sid', password: content.SESSION_SECRET })
  await session.update({ count: (session.data.count ?? 0) + 1 })
  return { count: session.data.count }
})

route('post', '/json-body', async (event) => ({ got: await readBody(event) }))
route('post', '/form', async (event) => ({ got: await readBody(event) }))

route('get', '/error', () => {
  throw createError({ status: 500, message: 'failed on purpose' })
})

route('get', '/error-async', async () => {
  await content.delay(1)
  throw createError({ status: 503, message: 'failed on purpose, later' })
})

route('get', '/error-late', (event) => {
  setResponseHeader(event, 'Content-Type', 'text/plain')
  return sendStream(event, Readable.from(content.fails(), { objectMode: false }))
})

route('get', '/slow', async (event) => {
  await content.delay(Number(getQuery(event).ms))
  return 'slow\n'
})

route('get', '/nobody', (event) => sendNoContent(event))

route('get', '/not-modified', (event) => {
  setResponseHeader(event, 'ETag', content.ETAG)
  return sendNoContent(event, 304)
})

route('get', '/ip', (event) => ({ ip: getRequestIP(event), protocol: getRequestProtocol(event) }))

export const app = createApp()
app.use(router)
