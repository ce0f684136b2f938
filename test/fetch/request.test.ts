import { getConnInfo } from '@hono/node-server/conninfo'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DIRECT_WAYS, EVERY_WAY, expectComplete } from '../conformance/bench.ts'
import { latin1, pattern } from '../wire/bytes.ts'
import { formOf } from './looks.ts'
import { overFetch } from './served.ts'

const DIRECT_GATEWAYS = DIRECT_WAYS.filter(({ wire }) => wire !== 'http')

overFetch(EVERY_WAY, 'a request to a fetch application', (bench, use) => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('comes by its method, %s', async (method) => {
    use((request) => new Response(request.method))
    const answer = await bench.send({ method, ...(method === 'GET' ? {} : { body: latin1('x') }) })
    expectComplete(answer)
    expect(answer.text).toBe(method)
  })

  it.each([
    ['/', '/'],
    ['/a/b?c=d&e', '/a/b?c=d&e'],
    ['/a%2Fb%20c', '/a%2Fb%20c'],
    ['//a//b', '//a//b'],
    ['/a;b=c,d:e@f!$&()*+=~[]|', '/a;b=c,d:e@f!$&()*+=~[]|'],
    ['/?', '/?'],
    ['/?a?b/c', '/?a?b/c'],
    ["/it's?it's", "/it's?it%27s"],
    ['/.well-known/x', '/.well-known/x'],
  ])('has the url of target %s', async (target, url) => {
    use((request) => new Response(request.url))
    const answer = await bench.send({ target, headers: [['Host', 'Example.TEST:8080']] })
    expectComplete(answer)
    expect(answer.text).toBe(`http://example.test:8080${url}`)
  })

  it('has its fields, joined where they are repeated, without those of the connection', async () => {
    // A proxy adds some of its own.
    use((request) => Response.json([...request.headers].filter(([name]) => !name.startsWith('x-forwarded-'))))
    const answer = await bench.send({
      method: 'POST',
      headers: [
        ['Host', 'tsgi.test'],
        ['X-A', '1'],
        ['X-A', '2'],
        ['Cookie', 'a=1'],
        ['Content-Type', 'text/x'],
        ['X-Latin', 'caf\xe9'],
        ['Connection', 'close'],
        ['Keep-Alive', 'timeout=5'],
        ['TE', 'trailers'],
        ['Proxy', 'http://evil.test'],
      ],
      body: latin1('abc'),
    })
    expectComplete(answer)
    expect(JSON.parse(answer.text)).toEqual([
      ['content-length', '3'],
      ['content-type', 'text/x'],
      ['cookie', 'a=1'],
      ['host', 'tsgi.test'],
      ['x-a', '1, 2'],
      ['x-latin', 'caf\xe9'],
    ])
  })

  it('gives its body as text, JSON, bytes and a form', async () => {
    use(async (request) => {
      const copies = [request.clone(), request.clone(), request.clone()]
      const [text, json, buffer] = await Promise.all([copies[0]?.text(), copies[1]?.json(), copies[2]?.arrayBuffer()])
      return Response.json([text, json, buffer?.byteLength, await request.text()])
    })
    const body = Buffer.from('{"ä":1}')
    const answer = await bench.send({ method: 'POST', headers: [['Content-Type', 'application/json']], body })
    expectComplete(answer)
    expect(JSON.parse(answer.text)).toEqual(['{"ä":1}', { ä: 1 }, body.length, '{"ä":1}'])
  })

  it('takes an upload as a form', async () => {
    use(async (request) => {
      const form = await formOf(request)
      const file = form.get('file')
      if (!(file instanceof File)) throw new Error('no file')
      const bytes = Buffer.from(await file.arrayBuffer())
      return Response.json([form.get('name'), file.name, file.type, bytes.length, bytes.equals(Buffer.from(pattern(300_000)))])
    })
    const boundary = 'a-boundary'
    const part = (head: string, content: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), content, Buffer.from('\r\n')])
    const body = Buffer.concat([
      part('Content-Disposition: form-data; name="name"', Buffer.from('välue')),
      part(
        'Content-Disposition: form-data; name="file"; filename="f.bin"\r\nContent-Type: application/octet-stream',
        pattern(300_000),
      ),
      Buffer.from(`--${boundary}--\r\n`),
    ])
    const answer = await bench.send({
      method: 'POST',
      headers: [['Content-Type', `multipart/form-data; boundary=${boundary}`]],
      body,
    })
    expectComplete(answer)
    expect(JSON.parse(answer.text)).toEqual(['välue', 'f.bin', 'application/octet-stream', 300_000, true])
  })

  it('has no body by GET, whatever was sent', async () => {
    use(async (request) => Response.json([request.body, await request.text(), await request.text(), request.bodyUsed]))
    const answer = await bench.send({ method: 'GET', body: latin1('ignored') })
    expectComplete(answer)
    expect(JSON.parse(answer.text)).toEqual([null, '', '', false])
  })

  it('has an empty body by POST without one', async () => {
    use(async (request) => Response.json([request.body !== null, await request.text()]))
    const answer = await bench.send({ method: 'POST', length: 0 })
    expectComplete(answer)
    expect(JSON.parse(answer.text)).toEqual([true, ''])
  })

  it('says who the client is, to Hono by @hono/node-server/conninfo', async () => {
    const app = new Hono()
    app.get('/', (c) => c.json(getConnInfo(c).remote))
    use((request, env, context) => app.fetch(request, env, { ...context, props: {} }))
    const answer = await bench.send({ headers: [['X-Forwarded-For', '203.0.113.9']] })
    expectComplete(answer)
    const expected = bench.way.proxied ? '127.0.0.1' : bench.way.wire === 'http' ? '203.0.113.9' : '192.0.2.7'
    expect(JSON.parse(answer.text)).toMatchObject({ address: expected, addressType: 'IPv4' })
  })

  it('has what srvx adds: ip and waitUntil', async () => {
    let done = false
    use((request) => {
      const { ip, waitUntil } = request as Request & { ip?: string; waitUntil: (promise: Promise<unknown>) => void }
      waitUntil.call(
        request,
        Promise.resolve().then(() => {
          done = true
        }),
      )
      return new Response(typeof ip)
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toMatch(bench.way.name === 'HTTP' ? /^(?:string|undefined)$/ : /^string$/)
    expect(done).toBe(true)
  })

  it('gives environment variables by the second argument', async () => {
    use((_request, env) => Response.json([typeof env['PATH'], env['NO_SUCH_VARIABLE'] ?? null, 'PATH' in env]))
    const answer = await bench.send({})
    expectComplete(answer)
    expect(JSON.parse(answer.text)).toEqual(['string', null, true])
  })
})

overFetch(DIRECT_WAYS, 'the url of a request', (bench, use) => {
  it.each([
    ['/a/../b/./c', '/b/c'],
    ['/a/%2e%2e/b', '/b'],
    ['/a/%2E/b', '/a/b'],
    ['/a"b<c>d`e{f}', '/a%22b%3Cc%3Ed%60e%7Bf%7D'],
    ['/a?b\\c', '/a?b\\c'],
    ['http://other.test/a?b', '/a?b'],
  ])('is what the URL standard says of target %s', async (target, url) => {
    use((request) => new Response(request.url))
    const answer = await bench.send({ target, headers: [['Host', 'tsgi.test']] })
    expectComplete(answer)
    expect(answer.text).toBe(`http://tsgi.test${url}`)
  })

  it.each([
    ['tsgi.test:80', 'http://tsgi.test/'],
    ['tsgi.test:', 'http://tsgi.test/'],
    ['127.0.0.1:99', 'http://127.0.0.1:99/'],
    ['[::1]:8000', 'http://[::1]:8000/'],
    ['xn--bcher-kva.test', 'http://xn--bcher-kva.test/'],
  ])('takes host %s', async (host, url) => {
    use((request) => new Response(request.url))
    const answer = await bench.send({ headers: [['Host', host]] })
    expectComplete(answer)
    expect(answer.text).toBe(url)
  })

  it.each(['a b', 'a/b', 'a?b', 'a#b', 'user@a', 'a\\b', 'a:b', 'a:99999', '[::1', '%41', '<a>', '\xe9'])(
    'refuses host %s with 400',
    async (host) => {
      let called = false
      use(() => {
        called = true
        return new Response()
      })
      const answer = await bench.send({ headers: [['Host', host]] })
      expect(answer.status).toBe(400)
      expect(called).toBe(false)
      if (bench.way.wire !== 'http') expect(bench.log.codes).toEqual(['TSGI_ERR_REQUEST_INVALID'])
    },
  )

  it.each(['/a\\b', '*'])('refuses target %s with 400', async (target) => {
    use((request) => new Response(request.url))
    const answer = await bench.send({ method: 'OPTIONS', target })
    expect(answer.status).toBe(400)
    expect(bench.log.codes).toEqual(['TSGI_ERR_REQUEST_INVALID'])
  })
})

overFetch(DIRECT_GATEWAYS, 'the variables of a gateway', (bench, use) => {
  it.each([
    [{ HTTPS: 'on' }, 'https://tsgi.test:8000/'],
    [{ HTTPS: '1' }, 'https://tsgi.test:8000/'],
    [{ HTTPS: 'off' }, 'http://tsgi.test:8000/'],
    [{ REQUEST_SCHEME: 'https' }, 'https://tsgi.test:8000/'],
    [{ HTTP_HOST: 'tsgi.test:443', HTTPS: 'on' }, 'https://tsgi.test/'],
    [{ HTTP_HOST: undefined }, 'http://tsgi.test:8000/'],
    [{ HTTP_HOST: '', SERVER_NAME: '::1', SERVER_PORT: '80' }, 'http://[::1]/'],
    [{ HTTP_HOST: undefined, SERVER_NAME: '~^www(.*)$' }, 'http://localhost/'],
    [{ REQUEST_URI: '/caf\xc3\xa9?\xc3\xa9' }, 'http://tsgi.test:8000/caf%C3%A9?%C3%A9'],
    [{ REQUEST_URI: undefined, PATH_INFO: '/a b', QUERY_STRING: 'c' }, 'http://tsgi.test:8000/a%20b?c'],
  ])('%j make the url', async (params, url) => {
    use((request) => new Response(request.url))
    const answer = await bench.send({ params })
    expectComplete(answer)
    expect(answer.text).toBe(url)
  })

  it.each([
    [
      'two hosts',
      [
        ['Host', 'a.test'],
        ['Host', 'a.test'],
      ],
      {},
    ],
    ['no method', [], { REQUEST_METHOD: '' }],
    ['a method that is no token', [], { REQUEST_METHOD: 'G T' }],
    ['no target', [], { REQUEST_URI: undefined, PATH_INFO: '' }],
  ] as const)('%s are refused with 400', async (_what, headers, params) => {
    use(() => new Response('called'))
    const answer = await bench.send({ headers, params })
    expect(answer.status).toBe(400)
    expect(bench.log.codes).toEqual(['TSGI_ERR_REQUEST_INVALID'])
  })

  it('a field with a line end in it is refused when it is looked at', async () => {
    use((request) => new Response(request.headers.get('x-a')))
    const answer = await bench.send({ params: { HTTP_X_A: 'a\r\nb' } })
    expect(answer.status).toBe(400)
    expect(bench.log.codes).toEqual(['TSGI_ERR_REQUEST_INVALID'])
  })
})

overFetch(
  EVERY_WAY,
  'under a mount point',
  (bench, use) => {
    it.each([
      ['/app', '/'],
      ['/app/', '/'],
      ['/app/a%2Fb?c', '/a%2Fb?c'],
      ['/app?q', '/?q'],
      ['/%61pp/x', '/x'],
    ])('%s is seen as %s', async (target, url) => {
      use((request) => new Response(request.url))
      const answer = await bench.send({ target, headers: [['Host', 'tsgi.test']] })
      expectComplete(answer)
      expect(answer.text).toBe(`http://tsgi.test${url}`)
    })

    it.each(['/', '/apple', '/other/app'])('%s is not found', async (target) => {
      use(() => new Response('called'))
      expect((await bench.send({ target })).status).toBe(404)
    })
  },
  { server: { mountPoint: '/app' } },
)

describe('a request that is passed on', () => {
  let upstream: Server
  let origin = ''

  beforeAll(async () => {
    upstream = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (request.url === '/gzip') {
          // Twenty bytes of gzip: the empty text.
          const empty = Buffer.from('H4sIAAAAAAAAAwMAAAAAAAAAAAA=', 'base64')
          response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': empty.length })
          response.end(empty)
          return
        }
        response.writeHead(
          201,
          'Made Up',
          [
            ['X-Method', request.method ?? ''],
            ['X-A', String(request.headers['x-a'])],
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
          ].flat(),
        )
        response.end(Buffer.concat(chunks))
      })
    })
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    // The server listens on a port.
    origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  })
  afterAll(() => new Promise((resolve) => upstream.close(resolve)))

  overFetch(EVERY_WAY, 'fetch() of a Request', (bench, use) => {
    it('goes out by its method, with its fields and its body, and the answer comes back', async () => {
      use((request) => {
        const other = new Request(`${origin}/x`, request)
        other.headers.delete('content-length')
        return fetch(other)
      })
      const body = pattern(200_000)
      const answer = await bench.send({ method: 'PUT', headers: [['X-A', 'kept']], body })
      expectComplete(answer, 201)
      expect(answer.all('x-method')).toEqual(['PUT'])
      expect(answer.all('x-a')).toEqual(['kept'])
      expect(answer.all('set-cookie')).toEqual(['a=1', 'b=2'])
      expect(answer.body.equals(body)).toBe(true)
    })

    it('takes the Request itself', async () => {
      use((request) => fetch(request))
      const answer = await bench.send({
        headers: [
          ['Host', new URL(origin).host],
          ['X-A', 'itself'],
        ],
      })
      expectComplete(answer, 201)
      expect(answer.all('x-a')).toEqual(['itself'])
    })

    it('gives an answer whose encoding is undone without the field that said so', async () => {
      use(() => fetch(`${origin}/gzip`))
      const answer = await bench.send({})
      expectComplete(answer)
      expect(answer.text).toBe('')
      expect(answer.all('content-encoding')).toEqual([])
    })
  })
})
