import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  abort,
  Aborter,
  ContentSecurityPolicy,
  Headers,
  HTTPException,
  MethodNotAllowed,
  redirect,
  Request,
  RequestedRangeNotSatisfiable,
  Response,
  ServiceUnavailable,
  SignedCookies,
  TooManyRequests,
  Unauthorized,
  WWWAuthenticate,
} from '../../src/toolkit/index.ts'
import * as toolkit from '../../src/toolkit/index.ts'
import type { Application } from '../../src/index.ts'
import { served } from '../middleware/served.ts'
import { until } from '../support/until.ts'
import { call, environOf } from './called.ts'

describe('a response', () => {
  it('is an application', async () => {
    const application: Application = (environ, startResponse) => new Response('hi', { status: 201 })(environ, startResponse)
    expect(await call(application)).toMatchObject({ statusLine: '201 Created', text: 'hi' })
    const response: Application = new Response('hi')
    expect(response).toBeInstanceOf(Response)
    expect(inspect(response)).toBe('Response <200 OK>')
    expect((await call(response)).pairs).toEqual([
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Content-Length', '2'],
    ])
    expect((await call(response)).text).toBe('hi')
  })

  it('can be made a class of its own', async () => {
    class Page extends Response {
      readonly #title: string
      constructor(title: string) {
        super(`<h1>${title}</h1>`, { mimetype: 'text/html' })
        this.#title = title
      }
      get title(): string {
        return this.#title
      }
    }
    const page = new Page('x')
    expect(page.title).toBe('x')
    expect(await call(page)).toMatchObject({ text: '<h1>x</h1>' })
  })

  it.each([
    [404, '404 Not Found'],
    ['404', '404 Not Found'],
    ['404 Nothing', '404 Nothing'],
    [299, '299 Unknown'],
  ])('has a status: %j is %s', (status, line) => {
    const response = new Response(null, { status })
    expect(response.status).toBe(line)
    expect(response.statusCode).toBe(Number(line.slice(0, 3)))
  })

  it.each([99, 100, 199, 600, 'OK', '20', '200OK', '200 a\r\nX: y', '200 \u20ac', NaN])('refuses the status %j', (status) => {
    expect(() => new Response(null, { status })).toThrow(expect.objectContaining({ code: 'TSGI_ERR_STATUS_INVALID' }))
  })

  it('has a type: text gets a charset, what is set by hand does not', () => {
    const typeOf = (options: object): string | undefined => new Response('', options).contentType
    expect(typeOf({ mimetype: 'text/html' })).toBe('text/html; charset=utf-8')
    expect(typeOf({ mimetype: 'image/svg+xml' })).toBe('image/svg+xml; charset=utf-8')
    expect(typeOf({ mimetype: 'image/png' })).toBe('image/png')
    expect(typeOf({ contentType: 'text/html' })).toBe('text/html')
    expect(typeOf({ contentType: null })).toBeUndefined()
    expect(typeOf({ headers: { 'content-type': 'a/b' } })).toBe('a/b')
  })

  it('takes every kind of body, and says the length where it is known', async () => {
    const stream = new globalThis.Response('streamed').body
    async function* chunks() {
      yield 'a'
      yield Buffer.from('b')
    }
    const lengthAndText = async (body: ConstructorParameters<typeof Response>[0]) => {
      const answer = await call(new Response(body))
      return [answer.headers.get('content-length'), answer.text]
    }
    expect(await lengthAndText('grün')).toEqual(['5', 'grün'])
    expect(await lengthAndText(Buffer.from('x'))).toEqual(['1', 'x'])
    expect(await lengthAndText(['a', Buffer.from('b')])).toEqual(['2', 'ab'])
    expect(await lengthAndText(null)).toEqual(['0', ''])
    expect(await lengthAndText(chunks())).toEqual([null, 'ab'])
    expect(await lengthAndText(stream)).toEqual([null, 'streamed'])
    const response = new Response(chunks())
    expect(response.isStreamed).toBe(true)
    expect(await response.text()).toBe('ab')
    expect(response.isStreamed).toBe(false)
    expect((await call(response)).headers.get('content-length')).toBe('2')
    expect(await Response.json([1]).json()).toEqual([1])
    expect(() => Response.json(undefined)).toThrow(TypeError)
  })

  it('sends no body where there is none to send, and closes it all the same', async () => {
    for (const [status, method, length] of [
      [204, 'GET', null],
      [304, 'GET', null],
      [200, 'HEAD', '3'],
    ] as const) {
      const events: string[] = []
      const body = {
        *[Symbol.iterator]() {
          events.push('read')
          yield 'abc'
        },
        close: () => events.push('closed'),
      }
      const response = new Response(body, { status, headers: { 'Content-Length': 3 } }).callOnClose(() => events.push('callback'))
      const answer = await call(response, environOf({ REQUEST_METHOD: method }))
      expect([answer.text, answer.headers.get('content-length'), ...events]).toEqual(['', length, 'closed', 'callback'])
    }
  })

  it('runs every callback when it has ended, after the body is closed', async () => {
    const events: string[] = []
    const body = {
      *[Symbol.iterator]() {
        yield 'a'
      },
      close: () => events.push('body'),
    }
    const failing = new Response(body)
      .callOnClose(() => {
        events.push('first')
        throw new Error('failed')
      })
      .callOnClose(async () => events.push('second'))
    await expect(call(failing)).rejects.toThrow('failed')
    expect(events).toEqual(['body', 'first', 'second'])
    let closed = 0
    await new Response('x').callOnClose(() => closed++).close()
    expect(closed).toBe(1)
  })

  it('runs the callbacks when a client leaves a server in the middle', async () => {
    let over: () => void = () => {}
    const ended = new Promise<void>((resolve) => {
      over = resolve
    })
    async function* endless() {
      for (;;) {
        yield 'x'.repeat(1000)
        await new Promise(setImmediate)
      }
    }
    const { base } = await served(Request.application(() => new Response(endless()).callOnClose(over)))
    const leaving = new AbortController()
    const answer = await fetch(base, { signal: leaving.signal })
    await answer.body?.getReader().read()
    leaving.abort()
    await ended
  })

  it('cancels a stream that a client does not wait for', async () => {
    let cancelled: () => void = () => {}
    const over = new Promise<void>((resolve) => {
      cancelled = resolve
    })
    const events: string[] = []
    const application = Request.application(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(Buffer.from('first')),
        // The second chunk never comes.
        pull: () => new Promise(() => {}),
        cancel: () => {
          events.push('cancelled')
          cancelled()
        },
      })
      return new Response(body).callOnClose(() => events.push('closed'))
    })
    const { base } = await served(application)
    const leaving = new AbortController()
    const answer = await fetch(base, { signal: leaving.signal })
    await answer.body?.getReader().read()
    leaving.abort()
    await over
    await until(() => events.length === 2, 'the callback')
  })

  it('has typed fields', () => {
    const response = new Response('')
    response.cacheControl.maxAge = 60
    response.cacheControl.public = true
    expect(response.headers.get('cache-control')).toBe('max-age=60, public')
    response.cacheControl.maxAge = undefined
    response.cacheControl.set('no-cache', 'Set-Cookie, X')
    expect(response.headers.get('cache-control')).toBe('public, no-cache="Set-Cookie, X"')
    response.expires = new Date(0)
    response.lastModified = new Date(Date.UTC(2020, 1, 29))
    response.retryAfter = 120
    response.vary = ['Accept', 'Cookie']
    response.contentLanguage = ['de', 'en']
    response.location = '/x'
    response.age = 5
    expect(response.expires?.getTime()).toBe(0)
    expect(response.headers.get('last-modified')).toBe('Sat, 29 Feb 2020 00:00:00 GMT')
    expect([response.retryAfter, response.vary, response.age]).toEqual([120, ['Accept', 'Cookie'], 5])
    response.vary = []
    expect(response.headers.has('vary')).toBe(false)
  })

  it('has the fields that keep browsers safe', () => {
    const response = new Response('')
    response.contentSecurityPolicy.set('default-src', "'none'").add('script-src', "'self'").addNonce('abc')
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; script-src 'self' 'nonce-abc'")
    response.contentSecurityPolicy.add('default-src', 'https:').delete('script-src')
    expect(response.headers.get('content-security-policy')).toBe('default-src https:')
    response.contentSecurityPolicyReportOnly = new ContentSecurityPolicy({ 'img-src': ['*'], 'upgrade-insecure-requests': [] })
    expect(response.headers.get('content-security-policy-report-only')).toBe('img-src *; upgrade-insecure-requests')
    for (const bad of ["'self'; script-src *", 'a,b', 'a b', 'a\r\nX: y', '']) {
      expect(() => response.contentSecurityPolicy.set('img-src', bad)).toThrow(
        expect.objectContaining({ code: 'TSGI_ERR_HEADER_INVALID' }),
      )
    }
    response.crossOriginOpenerPolicy = 'same-origin'
    response.crossOriginEmbedderPolicy = 'require-corp'
    response.crossOriginResourcePolicy = 'same-site'
    response.accessControlAllowOrigin = 'https://example.org'
    response.accessControlAllowCredentials = true
    response.accessControlAllowMethods = ['GET', 'PUT']
    response.accessControlMaxAge = 600
    expect(response.headers.toList().slice(3)).toEqual([
      ['Cross-Origin-Opener-Policy', 'same-origin'],
      ['Cross-Origin-Embedder-Policy', 'require-corp'],
      ['Cross-Origin-Resource-Policy', 'same-site'],
      ['Access-Control-Allow-Origin', 'https://example.org'],
      ['Vary', 'Origin'],
      ['Access-Control-Allow-Credentials', 'true'],
      ['Access-Control-Allow-Methods', 'GET, PUT'],
      ['Access-Control-Max-Age', '600'],
    ])
  })
})

describe('a field', () => {
  const injections = ['a\r\nSet-Cookie: x=1', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'a\u010ab', '\u560a\u560d']

  it.each(injections)('is refused with %j in it, wherever it is set', (value) => {
    const refused = expect.objectContaining({ code: 'TSGI_ERR_HEADER_INVALID' })
    const response = new Response('')
    expect(() => response.headers.set('X', value)).toThrow(refused)
    expect(() => response.headers.add('X', value)).toThrow(refused)
    expect(() => response.headers.set(value, 'x')).toThrow(refused)
    expect(() => new Response('', { headers: { X: value } })).toThrow(refused)
    expect(() => new Response('', { mimetype: value })).toThrow(refused)
    expect(() => (response.location = value)).toThrow(refused)
    expect(() => response.setEtag(value)).toThrow(refused)
    expect(() => (response.vary = ['a', value])).toThrow(refused)
    expect(() => response.cacheControl.set('no-cache', value)).toThrow(refused)
    expect(() => response.setCookie(value, 'x')).toThrow(refused)
    expect(() => response.setCookie('x', 'x', { path: value })).toThrow(refused)
    expect(() => response.setCookie('x', 'x', { domain: value })).toThrow(refused)
    expect(response.headers.toString()).toBe('Content-Type: text/plain; charset=utf-8\r\n')
  })

  it.each(injections.slice(0, 5))('is refused in a redirect to %j', (value) => {
    expect(() => redirect(value)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_HEADER_INVALID' }))
  })

  it('may occur more than once, and capitals in its name do not count', () => {
    const headers = new Headers([
      ['A', '1'],
      ['b', '2'],
      ['a', '3'],
    ])
    expect([headers.get('a'), headers.getAll('A'), headers.get('c', 'none'), headers.size]).toEqual(['1', ['1', '3'], 'none', 3])
    headers.set('a', 4).setDefault('B', 9)
    expect(headers.toList()).toEqual([
      ['a', '4'],
      ['b', '2'],
    ])
    expect(headers.delete('B')).toBe(true)
    expect(
      new globalThis.Headers([...headers.add('a', 5)].map(([name, value]): [string, string] => [name, value])).get('a'),
    ).toBe('4, 5')
    expect(headers.addToken('Vary', 'Accept').addToken('vary', 'accept').addToken('Vary', 'Cookie').get('vary')).toBe(
      'Accept, Cookie',
    )
  })
})

describe('a cookie', () => {
  it('has attributes', () => {
    const response = new Response('')
      .setCookie('a', 'grün; "x", 1%')
      .setCookie('b', '1', {
        maxAge: 60,
        expires: new Date(0),
        domain: 'example.org',
        path: '/x',
        secure: true,
        httpOnly: true,
        sameSite: 'none',
        partitioned: true,
      })
      .deleteCookie('c', { path: '/x' })
    expect(response.headers.getAll('set-cookie')).toEqual([
      'a=gr%C3%BCn%3B%20%22x%22%2C%201%25; Path=/',
      'b=1; Max-Age=60; Domain=example.org; Path=/x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; Partitioned; SameSite=None',
      'c=; Max-Age=0; Path=/x; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ])
    const back = new Request(environOf({ HTTP_COOKIE: 'a=gr%C3%BCn%3B%20%22x%22%2C%201%25' }))
    expect(back.cookies.get('a')).toBe('grün; "x", 1%')
  })

  it.each([
    ['', 'x', {}],
    ['a b', 'x', {}],
    ['a=b', 'x', {}],
    ['a;b', 'x', {}],
    ['ü', 'x', {}],
    ['a', 'x'.repeat(4096), {}],
    ['a', 'x', { sameSite: 'none' }],
    ['a', 'x', { partitioned: true }],
    ['__Secure-a', 'x', {}],
    ['__Host-a', 'x', { secure: true, path: '/x' }],
    ['__Host-a', 'x', { secure: true, domain: 'example.org' }],
    ['a', 'x', { domain: 'a;b' }],
    ['a', 'x', { path: '/;b' }],
    ['a', 'x', { path: `/${'x'.repeat(1024)}` }],
    ['a', 'x', { maxAge: 1.5 }],
    ['a', 'x', { expires: new Date(NaN) }],
    ['a', '\ud800', {}],
  ] as const)('is refused: %j', (name, value, options) => {
    expect(() => new Response('').setCookie(name, value, options)).toThrow(
      expect.objectContaining({ code: 'TSGI_ERR_HEADER_INVALID' }),
    )
  })
})

describe('a signed cookie', () => {
  const [key, newer] = ['k'.repeat(32), 'n'.repeat(32)]
  const cookies = new SignedCookies({ keys: [key], maxAge: 100 })

  it('comes back as it was', () => {
    const response = new Response('')
    cookies.set(response, 'session', 'grün', { secure: true })
    const [field = ''] = response.headers.getAll('set-cookie')
    expect(field).toMatch(/; Max-Age=100; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    const request = new Request(environOf({ HTTP_COOKIE: field.split(';')[0] }))
    expect(cookies.get(request, 'session')).toBe('grün')
    expect(cookies.get(request, 'other')).toBeUndefined()
  })

  it('is none when anything of it was changed, or it is that of another name or use', () => {
    const signed = cookies.sign('a', 'value')
    expect(cookies.unsign('a', signed)).toBe('value')
    expect(cookies.unsign('b', signed)).toBeUndefined()
    expect(new SignedCookies({ keys: [key], salt: 'other' }).unsign('a', signed)).toBeUndefined()
    for (let index = 0; index < signed.length; index++) {
      // The last character of base64url has two bits that say nothing.
      const changed = signed.slice(0, index) + (signed[index] === 'x' ? 'y' : 'x') + signed.slice(index + 1)
      if (index < signed.length - 1) expect(cookies.unsign('a', changed)).toBeUndefined()
    }
    for (const other of [
      undefined,
      '',
      '..',
      'a.b',
      'a.b.c',
      `${signed}x`,
      signed.slice(1),
      `a.zzzzzzzzz.${signed.split('.')[2]}`,
      'x'.repeat(5000),
    ]) {
      expect(cookies.unsign('a', other)).toBeUndefined()
    }
  })

  it('is none when it is too old', () => {
    const signed = cookies.sign('a', 'x', 1_000_000)
    expect(cookies.unsign('a', signed, 1_100_000)).toBe('x')
    expect(cookies.unsign('a', signed, 1_101_000)).toBeUndefined()
  })

  it('outlives a change of keys as long as the old one is known', () => {
    const old = cookies.sign('a', 'x')
    const rotated = new SignedCookies({ keys: [newer, key] })
    expect(rotated.unsign('a', old)).toBe('x')
    expect(cookies.unsign('a', rotated.sign('a', 'x'))).toBeUndefined()
    expect(new SignedCookies({ keys: [newer] }).unsign('a', old)).toBeUndefined()
  })

  it('needs a key that cannot be guessed', () => {
    expect(() => new SignedCookies({ keys: [] })).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
    expect(() => new SignedCookies({ keys: ['secret'] })).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
  })
})

describe('an HTTP exception', () => {
  const STATUSES = [
    400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 428, 429, 431, 451,
    500, 501, 502, 503, 504, 505,
  ]

  it.each(STATUSES)('of status %i is a class of its own, and what abort() throws', async (status) => {
    let thrown: unknown
    try {
      abort(status)
    } catch (error) {
      thrown = error
    }
    if (!(thrown instanceof HTTPException)) throw new Error('not thrown')
    expect(Object.values<unknown>({ ...toolkit })).toContain(thrown.constructor)
    expect(thrown).toMatchObject({ status, code: status, name: thrown.constructor.name })
    expect(thrown.constructor).not.toBe(HTTPException)
    const answer = await call(thrown.getResponse(environOf()))
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.text).toContain(`<p>${thrown.description.replaceAll("'", '&#39;')}</p>`)
  })

  it('is HTML that nobody can write into, or JSON where the client prefers that', async () => {
    const exception = new toolkit.NotFound('<script>"&\'</script>')
    expect((await call(exception.getResponse())).text).toBe(
      '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;</p>\n',
    )
    const json = exception.getResponse(environOf({ HTTP_ACCEPT: 'application/json' }))
    expect([json.contentType, await json.json()]).toEqual([
      'application/json',
      { status: 404, title: 'Not Found', detail: '<script>"&\'</script>' },
    ])
    expect(exception.getResponse(environOf({ HTTP_ACCEPT: 'application/problem+json' })).contentType).toBe(
      'application/problem+json',
    )
    expect(exception.getResponse(environOf({ HTTP_ACCEPT: 'text/html,*/*;q=0.8' })).contentType).toBe('text/html; charset=utf-8')
    expect(exception.getResponse(environOf({ HTTP_ACCEPT: 'image/png' })).vary).toEqual(['Accept'])
  })

  it('carries the fields of its status', () => {
    const fieldOf = (exception: HTTPException, name: string): string | undefined => exception.getResponse().headers.get(name)
    expect(fieldOf(new MethodNotAllowed(['GET', 'HEAD']), 'allow')).toBe('GET, HEAD')
    expect(fieldOf(new TooManyRequests(undefined, { retryAfter: 30 }), 'retry-after')).toBe('30')
    expect(fieldOf(new ServiceUnavailable(undefined, { retryAfter: new Date(0) }), 'retry-after')).toBe(
      'Thu, 01 Jan 1970 00:00:00 GMT',
    )
    expect(fieldOf(new RequestedRangeNotSatisfiable(10), 'content-range')).toBe('bytes */10')
    const challenge = new WWWAuthenticate('Basic', { realm: 'a "b"' })
    expect(fieldOf(new Unauthorized(undefined, { wwwAuthenticate: challenge }), 'www-authenticate')).toBe(
      'Basic realm="a \\"b\\""',
    )
    expect(fieldOf(new HTTPException(499, 'x', { headers: { 'X-A': 'b' } }), 'x-a')).toBe('b')
  })

  it('may be a response, or of a status of your own', async () => {
    const application = Request.application(() => abort(redirect('/login')))
    expect((await call(application)).headers.get('location')).toBe('/login')
    class Custom extends HTTPException {
      constructor() {
        super(460, 'mine')
      }
    }
    expect(() => new Aborter([[460, () => new Custom()]]).abort(460)).toThrow(Custom)
    expect(() => abort(460)).toThrow(expect.objectContaining({ status: 460 }))
    for (const status of [200, 399, 600, 404.5])
      expect(() => abort(status)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_STATUS_INVALID' }))
  })
})

describe('a redirect', () => {
  it.each([
    ['/a b', '/a%20b'],
    ['/ü?q=ü#ü', '/%C3%BC?q=%C3%BC#%C3%BC'],
    ['/a%20b', '/a%20b'],
    ['https://example.org/"<>`', 'https://example.org/%22%3C%3E%60'],
    ['/\ud800', '/%EF%BF%BD'],
    ['/back\\slash', '/back%5Cslash'],
  ])('to %j goes to %s', (location, sent) => {
    const response = redirect(location)
    expect([response.statusCode, response.location]).toEqual([302, sent])
  })

  it('has one of the statuses of redirects', () => {
    expect(redirect('/', 308).status).toBe('308 Permanent Redirect')
    // A JavaScript application could.
    expect(() => redirect('/', 200 as 302)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_STATUS_INVALID' }))
  })
})
