import { describe, expect, it } from 'vitest'
import { lint } from '../../src/middleware/lint/index.ts'
import type { LintFinding } from '../../src/middleware/lint/index.ts'
import { Client, EnvironBuilder, Map as UrlMap, redirect, Request, Response, Rule } from '../../src/toolkit/index.ts'
import type { Application, ClientOptions } from '../../src/toolkit/index.ts'

/** Says what it was asked, as JSON. */
const echo = Request.application(async (request) =>
  Response.json({
    method: request.method,
    url: request.url,
    type: request.contentType,
    cookies: request.cookies.toObject(),
    authorization: request.headers.get('authorization'),
    host: request.headers.get('host'),
    remote: request.remoteAddr,
    body: await request.text(),
  }),
)

describe('a client', () => {
  it.each(['get', 'post', 'put', 'patch', 'delete', 'options', 'trace'] as const)('has %s()', async (method) => {
    const response = await new Client(echo).open('/x?a=b', { method })
    expect(response.statusCode).toBe(200)
    expect(await response.json()).toMatchObject({ method: method.toUpperCase(), url: 'http://localhost/x?a=b' })
    expect(await (await new Client(echo)[method]('/')).json()).toMatchObject({ method: method.toUpperCase() })
  })

  it('has head()', async () => {
    const response = await new Client(echo).head('/')
    expect(response.statusCode).toBe(200)
    expect(await response.text()).toBe('')
  })

  it('sends bodies, headers and queries', async () => {
    const client = new Client(echo)
    expect(await (await client.post('/', { json: [1] })).json()).toMatchObject({ type: 'application/json', body: '[1]' })
    expect(await (await client.post('/', { data: { a: 'b' } })).json()).toMatchObject({ body: 'a=b' })
    const response = await client.get('/', { headers: { Authorization: 'Bearer x' }, queryString: { q: 'ü' } })
    expect(await response.json()).toMatchObject({ authorization: 'Bearer x', url: 'http://localhost/?q=%C3%BC' })
  })

  it('opens what a builder makes, or its options', async () => {
    const client = new Client(echo, { baseUrl: 'https://example.org/app', environBase: { REMOTE_ADDR: '10.1.1.1' } })
    expect(await (await client.open({ path: '/a' })).json()).toMatchObject({
      url: 'https://example.org/app/a',
      remote: '10.1.1.1',
    })
    expect(await (await client.open(new EnvironBuilder({ path: '/b' }))).json()).toMatchObject({ url: 'http://localhost/b' })
    expect(await (await client.get('/', { environBase: { REMOTE_ADDR: '10.2.2.2' } })).json()).toMatchObject({
      remote: '10.2.2.2',
    })
  })

  it('gives the request with its response', async () => {
    const response = await new Client(echo).get('/a')
    expect(response.request.path).toBe('/a')
    expect(response.history).toEqual([])
  })

  it('reads no stream to its end where it is told so', async () => {
    const endless: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/event-stream']])
      return (async function* () {
        for (let index = 0; ; index++) yield `data: ${index}\n\n`
      })()
    }
    const response = await new Client(endless).get('/', { buffered: false })
    const seen: string[] = []
    for await (const chunk of response.body as AsyncIterable<Uint8Array>)
      if (seen.push(Buffer.from(chunk).toString()) === 3) break
    expect(seen).toEqual(['data: 0\n\n', 'data: 1\n\n', 'data: 2\n\n'])
  })

  it('throws what the application throws, unless it is told not to', async () => {
    const failing: Application = () => {
      throw new RangeError('mine')
    }
    await expect(new Client(failing).get('/')).rejects.toThrow('mine')
    const quiet = { errors: { write() {}, flush() {} } }
    expect((await new Client(failing, { raiseErrors: false }).get('/', quiet)).statusCode).toBe(500)
  })
})

describe('a client and the rules of TSGI', () => {
  it('keeps those of servers', async () => {
    const findings: LintFinding[] = []
    const linted = lint(echo, { onFinding: (finding) => findings.push(finding) })
    const client = new Client(linted, { baseUrl: 'https://example.org/app' })
    await client.get('/a%2Fb//c?q=é', { headers: { Cookie: 'a=b', 'X-A': 'ü' } })
    await client.post('', { data: { file: new File(['x'], 'x.txt') } })
    await client.head('/')
    await client.put('/', { json: {} })
    expect(findings).toEqual([])
  })

  it('starts and ends the lifespan when it is asked to', async () => {
    const seen: string[] = []
    const application: Application = (_environ, startResponse) => {
      seen.push('request')
      startResponse('204 No Content', [])
      return null
    }
    application.lifespan = { startup: () => seen.push('startup'), shutdown: () => seen.push('shutdown') }
    const client = new Client(application)
    await client.startup()
    await client.get('/')
    await client.shutdown()
    expect(seen).toEqual(['startup', 'request', 'shutdown'])
  })
})

describe('cookies', () => {
  /** Sets the cookies that the query lists, and says which came. */
  const jar = Request.application((request) => {
    const response = Response.json(request.headers.get('cookie') ?? null)
    for (const field of request.args.getList('set')) response.headers.add('Set-Cookie', field)
    return response
  })
  const setting = async (client: Client, ...fields: string[]): Promise<void> => {
    await client.get('/dir/page', { queryString: { set: fields } })
  }

  it('come back', async () => {
    const client = new Client(jar)
    await setting(client, 'a=1; Path=/', 'b=2; Path=/')
    expect(await (await client.get('/')).json()).toBe('a=1; b=2')
    await setting(client, 'a=; Max-Age=0; Path=/')
    expect(await (await client.get('/')).json()).toBe('b=2')
    expect(await (await new Client(jar).get('/')).json()).toBeNull()
  })

  it.each([
    ['a=1; Path=/dir', 'http://localhost/dir', true],
    ['a=1; Path=/dir', 'http://localhost/dir/sub', true],
    ['a=1; Path=/dir', 'http://localhost/directory', false],
    ['a=1', 'http://localhost/dir/other', true],
    ['a=1', 'http://localhost/', false],
    ['a=1; Path=/', 'http://sub.localhost/', false],
    ['a=1; Path=/; Domain=localhost', 'http://sub.localhost/', true],
    ['a=1; Path=/; Domain=.localhost', 'http://localhost:81/', true],
    ['a=1; Path=/; Domain=example.org', 'http://example.org/', false],
    ['a=1; Path=/; Domain=host', 'http://localhost/', false],
    ['a=1; Path=/; Expires=Thu, 01 Jan 2015 00:00:00 GMT', 'http://localhost/', false],
    ['a=1; Path=/; Expires=Thu, 01 Jan 2015 00:00:00 GMT; Max-Age=60', 'http://localhost/', true],
  ])('%s goes to %s: %s', async (field, url, goes) => {
    const client = new Client(jar)
    await setting(client, field)
    expect(await (await client.get(url)).json()).toBe(goes ? 'a=1' : null)
  })

  it('that are for HTTPS alone go and come only there', async () => {
    const client = new Client(jar)
    await client.get('http://example.org/', { queryString: { set: 'a=1; Secure' } })
    expect(client.cookies.size).toBe(0)
    await client.get('https://example.org/', { queryString: { set: 'a=1; Secure' } })
    expect(await (await client.get('https://example.org/')).json()).toBe('a=1')
    expect(await (await client.get('http://example.org/')).json()).toBeNull()
  })

  it('of longer paths come first', async () => {
    const client = new Client(jar)
    await setting(client, 'a=1; Path=/', 'b=2; Path=/dir')
    expect(await (await client.get('/dir/x')).json()).toBe('b=2; a=1')
  })

  it('can be given, looked at and taken away', async () => {
    const client = new Client(jar)
    client.setCookie('a', '1', { path: '/x' })
    expect(await (await client.get('/x')).json()).toBe('a=1')
    expect(client.getCookie('a', { path: '/x' })).toMatchObject({ value: '1', hostOnly: true })
    client.deleteCookie('a', { path: '/x' })
    expect(client.getCookie('a', { path: '/x' })).toBeUndefined()
    expect([...client.cookies]).toEqual([])
  })

  it('stay where they are with useCookies: false', async () => {
    const client = new Client(jar, { useCookies: false })
    await setting(client, 'a=1; Path=/')
    expect(await (await client.get('/')).json()).toBeNull()
  })
})

describe('redirects', () => {
  const application = Request.application((request) => {
    const [, to, code] = /^\/to\/(\w+)\/(\d+)$/.exec(request.path) ?? []
    if (to === 'loop') return redirect(request.path, 302)
    if (to === 'out') return redirect('https://other.example/', 302)
    if (to === 'sub') return redirect('http://sub.localhost/there', 302)
    if (to === 'twice') return redirect(`${request.scriptRoot}/to/there/302`, 307)
    if (to !== undefined) return redirect(`${request.scriptRoot}/there?from=${String(code)}`, Number(code) as 302)
    return echo
  })
  const follow = { followRedirects: true }

  it('are answers unless they are followed', async () => {
    const response = await new Client(application).get('/to/x/302')
    expect(response.statusCode).toBe(302)
    expect(response.location).toBe('/there?from=302')
  })

  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [301, 'PUT', 'PUT', 'data'],
    [307, 'POST', 'POST', 'data'],
    [308, 'PUT', 'PUT', 'data'],
  ])('%i of %s goes on with %s', async (code, method, then, body) => {
    const response = await new Client(application).open(`/to/x/${code}`, { ...follow, method, data: 'data' })
    const said = await response.json()
    expect(said).toMatchObject({ method: then, body, url: `http://localhost/there?from=${code}` })
    expect((said as { type?: string }).type).toBe(body === '' ? undefined : 'text/plain; charset=utf-8')
  })

  it('are kept as history, and keep the mount point', async () => {
    const client = new Client(application, { baseUrl: 'http://localhost/app' })
    const response = await client.get('/to/twice/1', { ...follow, auth: ['a', 'b'] })
    expect(response.history.map((each) => [each.statusCode, each.request.path])).toEqual([
      [307, '/to/twice/1'],
      [302, '/to/there/302'],
    ])
    expect(await response.json()).toMatchObject({ url: 'http://localhost/app/there?from=302', authorization: 'Basic YTpi' })
  })

  it.each<[string, string, ClientOptions]>([
    ['/to/loop/1', 'more than 20 redirects', {}],
    ['/to/out/1', 'leads to another host', {}],
    ['/to/sub/1', 'leads to another host', {}],
    ['/to/out/1', 'leads to another host', { allowSubdomainRedirects: true }],
  ])('%s: %s', async (path, message, options) => {
    await expect(new Client(application, options).get(path, follow)).rejects.toThrow(message)
  })

  it('go to subdomains where that is allowed, without credentials', async () => {
    const client = new Client(application, { allowSubdomainRedirects: true })
    const response = await client.get('/to/sub/1', { ...follow, auth: ['a', 'b'] })
    expect(await response.json()).toMatchObject({ host: 'sub.localhost', url: 'http://sub.localhost/there' })
    expect(await response.json()).not.toHaveProperty('authorization')
  })
})

describe('a map as an application', () => {
  const map = new UrlMap([
    new Rule('/posts/<int:id>', {
      methods: ['GET', 'PUT'],
      endpoint: (request, { id }, urls) =>
        Response.json({ id: id + 1, method: request.method, next: urls.build('named', { name: 'x' }) }),
    }),
    new Rule('/named/<name>/', { endpoint: 'named', methods: ['GET'] }),
    new Rule('/own', { endpoint: () => new Response('own'), methods: ['OPTIONS'] }),
    new Rule('/old', { redirectTo: '/posts/1' }),
    new Rule('/fails', {
      endpoint: () => {
        throw new RangeError('mine')
      },
    }),
  ])
  const client = new Client(map.application({ views: { named: (_request, { name }) => new Response(`named ${String(name)}`) } }))

  it('calls handlers with values of their types', async () => {
    expect(await (await client.get('/posts/6')).json()).toEqual({ id: 7, method: 'GET', next: '/named/x/' })
    expect(await (await client.get('/named/é/')).text()).toBe('named é')
  })

  it('answers HEAD by GET, without a body', async () => {
    const response = await client.head('/posts/6')
    expect(response.statusCode).toBe(200)
    expect(await response.text()).toBe('')
  })

  it('answers 404, 405 with Allow, and OPTIONS', async () => {
    expect((await client.get('/nothing')).statusCode).toBe(404)
    const refused = await client.post('/posts/6')
    expect([refused.statusCode, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, PUT'])
    const asked = await client.options('/posts/6')
    expect([asked.statusCode, asked.headers.get('allow'), await asked.text()]).toEqual([204, 'GET, HEAD, OPTIONS, PUT', ''])
    expect(await (await client.options('/own')).text()).toBe('own')
  })

  it('redirects with method, body and query', async () => {
    const response = await client.get('/named/x?a=1&b', { followRedirects: true })
    expect(response.history.map(({ statusCode, location }) => [statusCode, location])).toEqual([[308, '/named/x/?a=1&b']])
    expect(await response.text()).toBe('named x')
    expect((await client.put('/old', { followRedirects: true })).statusCode).toBe(200)
  })

  it('works under a mount point, and by subdomain', async () => {
    const mounted = await client.get('/named/x', { baseUrl: 'https://example.org/app' })
    expect(mounted.location).toBe('/app/named/x/')
    const hosts = new UrlMap([new Rule('/', { endpoint: 'a' }), new Rule('/', { endpoint: 'b', subdomain: 'api' })], {
      serverName: 'example.org',
    })
    const views = { a: () => new Response('a'), b: () => new Response('b') }
    const both = new Client(hosts.application({ views }))
    expect(await (await both.get('http://example.org:8000/')).text()).toBe('a')
    expect(await (await both.get('http://api.example.org/')).text()).toBe('b')
    expect((await both.get('http://evil.example/')).statusCode).toBe(404)
    expect((await both.get('/', { headers: { Host: 'a b' } })).statusCode).toBe(400)
  })

  it('gives other errors to the server', async () => {
    await expect(client.get('/fails')).rejects.toThrow('mine')
  })

  it('is refused where a rule has no handler', () => {
    expect(() => map.application()).toThrow('no handler for "named"')
    expect(() => new UrlMap([new Rule('/')]).application()).toThrow('has no endpoint')
  })
})
