import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Authorization, HTTPException, NotFound, Request, required, responder, Response } from '../../src/toolkit/index.ts'
import { call, environOf, pieces } from './called.ts'

function posted(body: string | Uint8Array, variables: Readonly<Record<string, unknown>> = {}, options = {}): Request {
  const bytes = Buffer.from(body)
  const environ = environOf({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: String(bytes.length), ...variables }, pieces(bytes, 1000))
  return new Request(environ, options)
}

/** The status that a promise, or a call, is refused with. */
async function refusal(action: () => unknown): Promise<number> {
  try {
    await action()
  } catch (error) {
    if (error instanceof HTTPException) return error.status
    throw error
  }
  return 200
}

describe('the URL of a request', () => {
  const request = new Request(
    environOf({
      SCRIPT_NAME: '/mönt',
      PATH_INFO: '/a b/ü?#%',
      QUERY_STRING: 'x=1&x=2&y=%C3%BC&z',
      HTTP_HOST: 'example.org:8080',
      'tsgi.url_scheme': 'https',
    }),
  )

  it('is put together of its parts, percent-encoded', () => {
    expect(request.url).toBe('https://example.org:8080/m%C3%B6nt/a%20b/%C3%BC%3F%23%25?x=1&x=2&y=%C3%BC&z')
    expect(request.baseUrl).toBe('https://example.org:8080/m%C3%B6nt/a%20b/%C3%BC%3F%23%25')
    expect(request.rootUrl).toBe('https://example.org:8080/m%C3%B6nt/')
    expect(request.hostUrl).toBe('https://example.org:8080/')
    expect(request.path).toBe('/a b/ü?#%')
    expect(request.fullPath).toBe('/a b/ü?#%?x=1&x=2&y=%C3%BC&z')
    expect(request.isSecure).toBe(true)
    expect(new URL(request.url).href).toBe(request.url)
  })

  it('has arguments, all of them', () => {
    expect([...request.args]).toEqual([
      ['x', '1'],
      ['x', '2'],
      ['y', 'ü'],
      ['z', ''],
    ])
    expect(request.args.get('x', 0, Number)).toBe(1)
    expect(request.args.get('y', 7, Number)).toBe(7)
    expect(request.args.getList('x', Number)).toEqual([1, 2])
    expect(() => required(request.args, 'absent')).toThrow(expect.objectContaining({ status: 400, key: 'absent' }))
  })

  it('takes bytes in a query that nobody has encoded for UTF-8', () => {
    const raw = Buffer.from('q=ü').toString('latin1')
    const bare = new Request(environOf({ QUERY_STRING: raw }))
    expect(bare.args.get('q')).toBe('ü')
    expect(bare.url).toBe('http://localhost/?q=%C3%BC')
  })

  it.each([
    ['example.org', 'http', 'example.org'],
    ['example.org:80', 'http', 'example.org'],
    ['example.org:443', 'https', 'example.org'],
    ['example.org:443', 'http', 'example.org:443'],
    ['[2001:db8::1]:8000', 'http', '[2001:db8::1]:8000'],
    [undefined, 'http', 'localhost'],
    ['', 'http', 'localhost'],
  ])('has a host: %s by %s is %s', (field, scheme, host) => {
    expect(new Request(environOf({ HTTP_HOST: field, 'tsgi.url_scheme': scheme })).host).toBe(host)
  })

  it.each(['a/b', 'a@b', 'a b', 'a"b', 'a:b', 'a:1:2', '\u00fc.org', '[::1', 'x'.repeat(300), 'a,b'])(
    'refuses the host %j with 400',
    async (host) => {
      expect(await refusal(() => new Request(environOf({ HTTP_HOST: host })).host)).toBe(400)
    },
  )

  it.each([
    ['example.org', 200],
    ['EXAMPLE.org', 200],
    ['example.org:8000', 200],
    ['www.example.org', 400],
    ['a.b.example.com', 200],
    ['example.com', 200],
    ['example.com.', 200],
    ['evilexample.com', 400],
    ['example.net:81', 200],
    ['example.net', 400],
    ['', 400],
  ])('lets only trusted hosts in: %s gets %i', async (host, status) => {
    const application = Request.application(() => new Response('in'), {
      trustedHosts: ['example.org', '.example.com', 'example.net:81'],
    })
    expect((await call(application, environOf({ HTTP_HOST: host }))).status).toBe(status)
  })
})

describe('the fields of a request', () => {
  const request = new Request(
    environOf({
      CONTENT_TYPE: 'Text/HTML; Charset="utf-8"',
      HTTP_COOKIE: 'a=1; b="two"; a=3; c=%C3%BC; __proto__=x; broken',
      HTTP_ACCEPT: 'text/html;q=0.8, application/json, */*;q=0.1',
      HTTP_ACCEPT_LANGUAGE: 'de-CH, de;q=0.9, en;q=0.5',
      HTTP_ACCEPT_ENCODING: 'gzip, br;q=0.5',
      HTTP_AUTHORIZATION: `Basic ${Buffer.from('üser:pa:ss').toString('base64')}`,
      HTTP_CACHE_CONTROL: 'max-age=0, no-cache',
      HTTP_X_FORWARDED_FOR: '198.51.100.1, 198.51.100.2',
      HTTP_X_THING: 'yes',
    }),
  )

  it('are had by name, as an environ has them', () => {
    expect(request.headers.get('x-thing')).toBe('yes')
    expect(request.headers.get('Content-Type')).toBe('Text/HTML; Charset="utf-8"')
    expect(request.headers.get('X_Thing')).toBeUndefined()
    expect([...request.headers]).toContainEqual(['X-Thing', 'yes'])
    expect(request.mimetype).toBe('text/html')
    expect(request.mimetypeParams.charset).toBe('utf-8')
  })

  it('have cookies, the first of a name, none of which reaches a prototype', () => {
    expect(request.cookies.get('a')).toBe('1')
    expect(request.cookies.get('c')).toBe('ü')
    expect(request.cookies.get('__proto__')).toBe('x')
    expect(Object.getPrototypeOf(request.cookies.toObject())).toBeNull()
  })

  it('have what the client prefers', () => {
    expect(request.accept.bestMatch(['text/html', 'application/json'])).toBe('application/json')
    expect(request.accept.bestMatch(['image/png'])).toBe('image/png')
    expect(request.acceptLanguages.bestMatch(['en', 'de'])).toBe('de')
    expect(request.acceptLanguages.bestMatch(['fr'], 'en')).toBe('en')
    expect(request.acceptEncodings.matches(['br', 'gzip', 'zstd'])).toEqual(['gzip', 'br'])
    expect(request.acceptCharsets.accepts('utf-8')).toBe(true)
  })

  it('have credentials', () => {
    expect(request.authorization).toMatchObject({ type: 'basic', username: 'üser', password: 'pa:ss' })
    expect(Authorization.parse('Bearer a.b-c_d~e+f/g==')).toMatchObject({ type: 'bearer', token: 'a.b-c_d~e+f/g==' })
    const digest = Authorization.parse('Digest username="a, b", realm="x\\"y", nc=00000001')
    expect(Object.fromEntries(digest?.parameters ?? [])).toEqual({ username: 'a, b', realm: 'x"y', nc: '00000001' })
    for (const bad of [
      'Digest ,x',
      'Di,gest realm="x"',
      undefined,
      '',
      'Basic',
      'Basic !!!',
      'Basic bm9jb2xvbg==',
      'Bearer',
      'Bearer a b',
    ]) {
      expect(Authorization.parse(bad)).toBeUndefined()
    }
    expect(Authorization.parse(Authorization.basic('ü', ':').toString())).toMatchObject({ username: 'ü', password: ':' })
  })

  it('say how old an answer may be, and which way the request came', () => {
    expect(request.cacheControl.maxAge).toBe(0)
    expect(request.cacheControl.noCache).toBe(true)
    expect(request.accessRoute).toEqual(['198.51.100.1', '198.51.100.2'])
    expect(request.remoteAddr).toBe('192.0.2.1')
    expect(new Request(environOf()).accessRoute).toEqual(['192.0.2.1'])
  })
})

describe('the body of a request', () => {
  it('is text of its charset', async () => {
    expect(await posted('grün').text()).toBe('grün')
    expect(await posted(Buffer.from('grün', 'latin1'), { CONTENT_TYPE: 'text/plain; charset=iso-8859-1' }).text()).toBe('grün')
    expect(await refusal(() => posted('x', { CONTENT_TYPE: 'text/plain; charset=klingon' }).text())).toBe(415)
  })

  it('is JSON where it says so', async () => {
    const json = { CONTENT_TYPE: 'application/json' }
    expect(await posted('{"a":[1]}', json).json()).toEqual({ a: [1] })
    expect(await posted('1', { CONTENT_TYPE: 'application/problem+json' }).json()).toBe(1)
    expect(await posted('1', { CONTENT_TYPE: 'text/plain' }).json({ force: true })).toBe(1)
    expect(await posted('1', { CONTENT_TYPE: 'text/plain' }).json({ silent: true })).toBeUndefined()
    expect(await refusal(() => posted('1', { CONTENT_TYPE: 'text/plain' }).json())).toBe(415)
    expect(await refusal(() => posted('1').json())).toBe(415)
    expect(await refusal(() => posted('{', json).json())).toBe(400)
    expect(await refusal(() => posted('', json).json())).toBe(400)
    expect(await refusal(() => posted(Buffer.from([0x22, 0xff, 0x22]), json).json())).toBe(400)
    expect(await refusal(() => posted('['.repeat(1_000_000), json).json())).toBe(400)
  })

  it('is read once, and kept where it was read as a whole', async () => {
    const request = posted('a=1', { CONTENT_TYPE: 'application/x-www-form-urlencoded' })
    expect(Buffer.from(await request.data()).toString()).toBe('a=1')
    expect((await request.form()).get('a')).toBe('1')
    expect(await request.text()).toBe('a=1')
    const chunks: Uint8Array[] = []
    for await (const chunk of request.stream) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe('a=1')
    const streamed = posted('abc')
    for await (const _ of streamed.stream);
    await expect(streamed.data()).rejects.toMatchObject({ code: 'TSGI_ERR_APPLICATION' })
  })

  it('has values of the query and of the form', async () => {
    const request = posted('x=2&y=3', { CONTENT_TYPE: 'application/x-www-form-urlencoded', QUERY_STRING: 'x=1' })
    expect((await request.values()).toJSON()).toEqual({ x: ['1', '2'], y: ['3'] })
  })

  it('is refused with 413 before it is read, when it says that it is too large', async () => {
    const request = posted('x'.repeat(5000), {}, { maxContentLength: 4999 })
    expect(await refusal(() => request.data())).toBe(413)
    expect(request.environ['tsgi.input']).toMatchObject({ left: 5 })
  })

  it('is refused with 413 while it is read, when it does not say how large it is', async () => {
    const options = { maxContentLength: 2500 }
    const request = posted('x'.repeat(5000), { CONTENT_LENGTH: undefined }, options)
    expect(await refusal(() => request.data())).toBe(413)
    expect(request.environ['tsgi.input']).toMatchObject({ left: 2 })
    const streamed = posted('x'.repeat(5000), { CONTENT_LENGTH: undefined }, options)
    expect(
      await refusal(async () => {
        for await (const _ of streamed.stream);
      }),
    ).toBe(413)
  })

  it('is held in memory up to a limit of its own', async () => {
    expect(await refusal(() => posted('x'.repeat(5000), {}, { maxDataSize: 4999 }).data())).toBe(413)
    expect((await posted('x'.repeat(5000), {}, { maxDataSize: 5000 }).data()).length).toBe(5000)
  })

  it.each(['x', '-1', '1e3', '+5', '0x10', ' 5'])('of length %j is refused with 400', async (length) => {
    expect(await refusal(() => posted('abc', { CONTENT_LENGTH: length }).data())).toBe(400)
  })

  describe('with a content coding', () => {
    const text = 'compress me '.repeat(1000)
    const codings = { gzip: gzipSync(text), deflate: deflateSync(text), br: brotliCompressSync(text) }

    it.each(Object.entries(codings))('%s is unpacked where the application wants that', async (coding, bytes) => {
      expect(await posted(bytes, { HTTP_CONTENT_ENCODING: coding }, { decompress: true }).text()).toBe(text)
    })

    it('is refused with 415 otherwise, and so is one that nobody knows', async () => {
      expect(await refusal(() => posted(codings.gzip, { HTTP_CONTENT_ENCODING: 'gzip' }).data())).toBe(415)
      expect(await refusal(() => posted('x', { HTTP_CONTENT_ENCODING: 'gzip, gzip' }, { decompress: true }).data())).toBe(415)
      expect(await refusal(() => posted('x', { HTTP_CONTENT_ENCODING: 'constructor' }, { decompress: true }).data())).toBe(415)
    })

    it.each(Object.entries(codings))('%s that is cut off or mangled is refused with 400', async (coding, bytes) => {
      const options = { decompress: true }
      expect(
        await refusal(() => posted(bytes.subarray(0, bytes.length - 4), { HTTP_CONTENT_ENCODING: coding }, options).data()),
      ).toBe(400)
      expect(await refusal(() => posted('no such thing', { HTTP_CONTENT_ENCODING: coding }, options).data())).toBe(400)
    })

    it('says what an error of the client is when it leaves in the middle', async () => {
      const gone = new Error('gone')
      const input = {
        async *[Symbol.asyncIterator]() {
          yield codings.gzip.subarray(0, 10)
          throw gone
        },
      }
      const request = new Request(environOf({ 'tsgi.input': input, HTTP_CONTENT_ENCODING: 'gzip' }), { decompress: true })
      await expect(request.data()).rejects.toBe(gone)
    })
  })
})

describe('Request.application', () => {
  it('is an application of a function from request to response', async () => {
    const application = Request.application((request) => new Response(`hello ${request.path}`))
    expect(await call(application, environOf({ PATH_INFO: '/x' }))).toMatchObject({ status: 200, text: 'hello /x' })
    expect(await call(responder(async () => Response.json({ a: 1 })))).toMatchObject({ text: '{"a":1}\n' })
  })

  it('makes requests of a class of its own', async () => {
    class Named extends Request {
      get visitor(): string {
        return this.args.get('name', 'nobody')
      }
    }
    expect(await call(Named.application((request) => new Response(request.visitor)))).toMatchObject({ text: 'nobody' })
  })

  it('answers with an HTTP exception, thrown or given', async () => {
    const thrown = Request.application(() => {
      throw new NotFound()
    })
    expect((await call(thrown)).status).toBe(404)
    expect((await call(Request.application(() => new NotFound()))).status).toBe(404)
  })

  it('leaves other errors to the server', async () => {
    const failing = Request.application(() => {
      throw new Error('broken')
    })
    await expect(call(failing)).rejects.toThrow('broken')
  })

  it('passes the request on to an application that is no response', async () => {
    const inner = Request.application(() => new Response('inner'))
    expect((await call(Request.application(() => inner))).text).toBe('inner')
  })
})
