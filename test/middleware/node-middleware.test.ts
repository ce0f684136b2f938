import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Application } from '../../src/index.ts'
import { compose, dispatcher, nodeApplication, nodeListener, nodeMiddleware } from '../../src/middleware/index.ts'
import type { NodeMiddleware } from '../../src/middleware/index.ts'
import { until } from '../support/until.ts'
import { reporter, saying, served } from './served.ts'

/** Express has no types of its own; what of it is used here. */
interface ExpressApp extends RequestListener {
  (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): unknown
  get(path: string, handler: (request: ExpressRequest, response: { json(value: unknown): void }) => void): void
  use(...handlers: readonly (string | NodeMiddleware)[]): void
}

interface ExpressRequest {
  readonly url: string
  readonly baseUrl: string
  readonly originalUrl: string
}

type Express = (() => ExpressApp) & Record<'json' | 'urlencoded', (options?: object) => NodeMiddleware>

const express = createRequire(import.meta.url)('express') as Express

const echo: Application = async (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return environ['tsgi.input'].read()
}

describe('nodeMiddleware', () => {
  it('adds header fields to what the application answers, which has the last word', async () => {
    const helmet: NodeMiddleware = (_request, response, next) => {
      response.setHeader('X-Frame-Options', 'DENY')
      response.setHeader('Content-Type', 'text/wrong')
      next()
    }
    const application: Application = (_environ, startResponse) => {
      startResponse('201 Made Here', [
        ['Content-Type', 'text/plain'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ])
      return ['one ', 'two']
    }
    const { base } = await served(nodeMiddleware(helmet)(application))
    const response = await fetch(base)
    expect([response.status, response.statusText, await response.text()]).toEqual([201, 'Made Here', 'one two'])
    expect(response.headers.get('x-frame-options')).toBe('DENY')
    expect(response.headers.get('content-type')).toBe('text/plain')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  it('lets the middleware answer by itself', async () => {
    const gate: NodeMiddleware = (request, response, next) => {
      if (request.headers.authorization === 'yes') return next()
      response.statusCode = 401
      response.end(`not ${request.method} ${request.url}`)
    }
    const { base } = await served(nodeMiddleware(gate)(saying('in')))
    const refused = await fetch(`${base}/a?b=c`)
    expect([refused.status, await refused.text()]).toEqual([401, 'not GET /a?b=c'])
    expect(await (await fetch(base, { headers: { Authorization: 'yes' } })).text()).toBe('in')
  })

  it('lets the middleware stand in the way of the body', async () => {
    const loud: NodeMiddleware = (_request, response, next) => {
      const write = response.write.bind(response)
      response.write = (chunk: unknown) => write(String(chunk).toUpperCase())
      next()
    }
    const streaming: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']])
      return (async function* () {
        yield 'a'
        yield 'b'
      })()
    }
    const { base } = await served(nodeMiddleware(loud)(streaming))
    expect(await (await fetch(base)).text()).toBe('AB')
  })

  it('leaves the body to the application, unless the middleware reads it', async () => {
    const plain = await served(nodeMiddleware((_request, _response, next) => next())(echo))
    const body = 'x'.repeat(300_000)
    expect(await (await fetch(plain.base, { method: 'POST', body })).text()).toBe(body)
    const parsing = compose(nodeMiddleware(express.json()), nodeMiddleware(express.urlencoded({ extended: false })))
    const seeing: Application = (environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'application/json']])
      return JSON.stringify((environ['tsgi.node_request'] as { body: unknown }).body)
    }
    const { base } = await served(nodeMiddleware(express.json())(seeing))
    const headers = { 'Content-Type': 'application/json' }
    expect(await (await fetch(base, { method: 'POST', body: '{"a":[1]}', headers })).json()).toEqual({ a: [1] })
    const both = await served(parsing(echo))
    expect(await (await fetch(both.base, { method: 'POST', body: '{"a":1}', headers })).text()).toBe('')
  })

  it('fails the request by next(error), by a throw and by a rejection', async () => {
    const ways: NodeMiddleware[] = [
      (_request, _response, next) => next(new Error('passed on')),
      () => {
        throw new Error('thrown')
      },
      () => Promise.reject(new Error('rejected')),
    ]
    for (const way of ways) {
      const { base, errors } = await served(nodeMiddleware(way)(saying('in')))
      expect((await fetch(base)).status).toBe(500)
      expect(errors.join()).toMatch(/passed on|thrown|rejected/)
    }
    const { base, errors } = await served(
      nodeMiddleware((_request, _response, next) => next())(() => Promise.reject(new Error('of the application'))),
    )
    expect((await fetch(base)).status).toBe(500)
    expect(errors.join()).toContain('of the application')
  })

  it('closes the body of an application whose client leaves', async () => {
    let closed = 0
    const endless: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']])
      async function* chunks(): AsyncGenerator<string> {
        for (;;) {
          yield 'x'.repeat(10_000)
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      }
      return Object.assign(chunks(), { close: () => void closed++ })
    }
    const { base } = await served(nodeMiddleware((_request, _response, next) => next())(endless))
    const controller = new AbortController()
    const response = await fetch(base, { signal: controller.signal })
    await response.body?.getReader().read()
    controller.abort()
    await until(() => closed === 1, 'close()')
  })
})

describe('nodeApplication', () => {
  it('serves an Express application on a mount, and 404 for what it passes on', async () => {
    const app = express()
    app.get('/hello', (request, response) =>
      response.json({ url: request.url, baseUrl: request.baseUrl, original: request.originalUrl }),
    )
    // An Express application calls next() where nothing answers.
    const { base } = await served(dispatcher({ '/admin': nodeApplication(app) })(saying('inner')))
    expect(await (await fetch(`${base}/admin/hello?x`)).json()).toEqual({
      url: '/hello?x',
      baseUrl: '/admin',
      original: '/admin/hello?x',
    })
    const missing = await fetch(`${base}/admin/nowhere`)
    expect([missing.status, await missing.text()]).toEqual([404, 'Not Found\n'])
    expect(await (await fetch(`${base}/other`)).text()).toBe('inner')
  })

  it('is told of the path that a middleware has put in the place of the first', async () => {
    const rewrite =
      (application: Application): Application =>
      (environ, startResponse) => {
        environ.PATH_INFO = '/ä b'
        return application(environ, startResponse)
      }
    const { base } = await served(rewrite(nodeApplication((request, response) => response.end(request.url))))
    expect(await (await fetch(`${base}/x?q=1`)).text()).toBe('/%C3%A4%20b?q=1')
  })
})

describe('nodeListener', () => {
  async function listening(listener: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('serves a TSGI application on node:http', async () => {
    const base = await listening(nodeListener(echo))
    expect(await (await fetch(base, { method: 'POST', body: 'abc' })).text()).toBe('abc')
  })

  it('serves one below a path of Express', async () => {
    const app = express()
    app.use('/shop', nodeListener(reporter('SCRIPT_NAME', 'PATH_INFO', 'REQUEST_URI', 'QUERY_STRING')))
    expect(await (await fetch(`${await listening(app)}/shop/a%20b?c`)).json()).toEqual({
      SCRIPT_NAME: '/shop',
      PATH_INFO: '/a b',
      REQUEST_URI: '/shop/a%20b?c',
      QUERY_STRING: 'c',
    })
  })

  it('finds the end of a body that was read before', async () => {
    const app = express()
    app.use(express.json(), nodeListener(echo))
    const response = await fetch(await listening(app), {
      method: 'POST',
      body: '{}',
      headers: { 'Content-Type': 'application/json' },
    })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('answers 413 to what is over the limit', async () => {
    const base = await listening(
      nodeListener(echo, { maxRequestBodyBytes: 2, log: { error() {}, warn() {}, info() {}, debug() {} } }),
    )
    expect((await fetch(base, { method: 'POST', body: 'abc' })).status).toBe(413)
  })
})
