import { describe, expect, it } from 'vitest'
import { application as echoEnviron } from '../fixtures/apps/echo-environ.ts'
import type { WireRequest } from '../wire/request.ts'
import { EVERY_WAY, expectComplete, over, type Bench } from './bench.ts'
import { sameEachTime } from './same-each-time.ts'

async function environOf(bench: Bench, request: WireRequest): Promise<Record<string, unknown>> {
  bench.use(echoEnviron)
  return await sameEachTime(bench, request)
}

over(EVERY_WAY, 'the request as the application sees it', (bench) => {
  it.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a%2Fb', '/a/b'],
    ['/a%2fb%20c', '/a/b c'],
    ['//a///b//', '//a///b//'],
    ['/a/./b/../c', '/a/./b/../c'],
    ['/a/%2e%2e/b', '/a/../b'],
    ['/line%0Abreak', '/line\nbreak'],
    // Decoded once: what was encoded twice stays encoded once.
    ['/a%2525b', '/a%25b'],
    ['/a+b;c=d', '/a+b;c=d'],
    ['/caf%C3%A9', '/café'],
  ])('[58] %s: REQUEST_URI is raw, PATH_INFO is decoded once', async (target, path) => {
    const environ = await environOf(bench, { target: `${target}?q=%2F&r=a+b` })
    expect(environ).toMatchObject({
      REQUEST_URI: `${target}?q=%2F&r=a+b`,
      SCRIPT_NAME: '',
      PATH_INFO: path,
      QUERY_STRING: 'q=%2F&r=a+b',
    })
  })

  it('[58] keeps a fragment in REQUEST_URI alone', async () => {
    if (bench.way.proxy === 'apache') {
      // RFC 9112 has no fragment in a request; Apache refuses one.
      expect((await bench.send({ target: '/a?b#c?d' })).status).toBe(400)
      return
    }
    const environ = await environOf(bench, { target: '/a?b#c?d' })
    expect(environ).toMatchObject({ REQUEST_URI: '/a?b#c?d', PATH_INFO: '/a', QUERY_STRING: 'b' })
  })

  it('[58] takes the query behind the first question mark', async () => {
    const environ = await environOf(bench, { target: '/a?b?c=d' })
    expect(environ).toMatchObject({ PATH_INFO: '/a', QUERY_STRING: 'b?c=d' })
  })

  it('[59] takes scheme and authority off an absolute target', async () => {
    const environ = await environOf(bench, { target: 'http://tsgi.test:8000/a%2Fb?c' })
    expect(environ).toMatchObject({ PATH_INFO: '/a/b', QUERY_STRING: 'c' })
  })

  it('[60] joins the values of a header that comes several times', async () => {
    const environ = await environOf(bench, {
      headers: [
        ['X-A', 'one'],
        ['X-B', 'between'],
        ['X-A', 'two, three'],
      ],
    })
    expect(environ).toMatchObject({ HTTP_X_A: 'one, two, three', HTTP_X_B: 'between' })
  })

  it('[61] joins cookies by semicolons', async () => {
    const environ = await environOf(bench, {
      headers: [
        ['Cookie', 'a=1'],
        ['Cookie', 'b=2'],
      ],
    })
    // Apache has joined them by then, as it joins every header.
    expect(environ.HTTP_COOKIE).toBe(bench.way.proxy === 'apache' ? 'a=1, b=2' : 'a=1; b=2')
  })

  it('takes no field with an underscore for the one with a hyphen', async () => {
    // Whoever speaks a gateway protocol gives variables, which have no hyphens.
    if (!bench.way.proxied && bench.way.wire !== 'http') return
    const environ = await environOf(bench, {
      headers: [
        ['X-Kept', 'yes'],
        ['X_Kept', 'no'],
        ['X_Forged', 'yes'],
        ['Content_Length', '3'],
      ],
    })
    expect(environ.HTTP_X_KEPT).toBe('yes')
    for (const name of ['HTTP_X_FORGED', 'HTTP_CONTENT_LENGTH']) expect(environ, name).not.toHaveProperty(name)
  })

  it('[63] knows no HTTP_PROXY, and nothing that belongs to the connection', async () => {
    const environ = await environOf(bench, {
      headers: [
        ['Proxy', 'http://attacker.example'],
        ['Keep-Alive', 'timeout=5'],
        ['TE', 'trailers'],
        ['Proxy-Authorization', 'Basic eA=='],
        ['X-Kept', 'yes'],
      ],
    })
    expect(environ.HTTP_X_KEPT).toBe('yes')
    for (const name of ['HTTP_PROXY', 'HTTP_CONNECTION', 'HTTP_KEEP_ALIVE', 'HTTP_TE', 'HTTP_PROXY_AUTHORIZATION']) {
      expect(environ, name).not.toHaveProperty(name)
    }
    expect(process.env, 'variables of a request are never those of the process').not.toHaveProperty('HTTP_X_KEPT')
  })

  it('gives type and length of a body, and neither for none', async () => {
    const withBody = await environOf(bench, {
      method: 'POST',
      headers: [['Content-Type', 'text/plain; charset=utf-8']],
      body: Buffer.from('hello'),
    })
    expect(withBody).toMatchObject({ REQUEST_METHOD: 'POST', CONTENT_TYPE: 'text/plain; charset=utf-8', CONTENT_LENGTH: '5' })
    expect(withBody).not.toHaveProperty('HTTP_CONTENT_TYPE')
    expect(withBody).not.toHaveProperty('HTTP_CONTENT_LENGTH')
    const without = await environOf(bench, {})
    expect(without).not.toHaveProperty('CONTENT_TYPE')
    expect(without).not.toHaveProperty('CONTENT_LENGTH')
  })

  it('[65] passes header bytes as latin-1, one character each', async () => {
    const value = 'caf\xe9 \xff\x80 \xc3\xa9'
    const environ = await environOf(bench, { headers: [['X-Latin', value]] })
    expect(environ.HTTP_X_LATIN).toBe(value)
  })

  it('tells the server and the client by their names and ports', async () => {
    const environ = await environOf(bench, { headers: [['Host', 'Example.COM:8000']] })
    expect(environ).toMatchObject({ SERVER_PROTOCOL: 'HTTP/1.1', 'tsgi.url_scheme': 'http' })
    // A proxy may write a host in small letters, as newer nginx does.
    expect(environ.HTTP_HOST).toMatch(bench.way.proxied ? /^example\.com:8000$/i : /^Example\.COM:8000$/)
    if (bench.way.wire !== 'http') {
      expect(environ).toMatchObject({ SERVER_NAME: 'tsgi.test', SERVER_PORT: expect.stringMatching(/^\d+$/) as string })
      expect(environ.REMOTE_ADDR).toBe(bench.way.proxied ? '127.0.0.1' : '192.0.2.7')
      expect(environ.REMOTE_PORT).toMatch(/^\d+$/)
    }
  })

  it('[68] passes the methods of other standards as they are', async () => {
    expect(await environOf(bench, { method: 'PROPFIND' })).toMatchObject({ REQUEST_METHOD: 'PROPFIND' })
    expect(await environOf(bench, { method: 'M-SEARCH' })).toMatchObject({ REQUEST_METHOD: 'M-SEARCH' })
  })

  it('has the keys of TSGI 1.0', async () => {
    const types: Record<string, string> = {}
    const ids: unknown[] = []
    bench.use((environ, startResponse) => {
      for (const [key, value] of Object.entries(environ)) if (key.startsWith('tsgi.')) types[key] = typeof value
      ids.push(environ['tsgi.request_id'])
      expect(environ['tsgi.version']).toEqual([1, 0])
      expect(environ['tsgi.signal']).toBeInstanceOf(AbortSignal)
      expect(environ['tsgi.signal'].aborted).toBe(false)
      environ['made.here'] = "the object is the application's"
      startResponse('204 No Content', [])
      return null
    })
    expectComplete(await bench.send({}), 204)
    expectComplete(await bench.send({}), 204)
    expect(types).toEqual({
      'tsgi.version': 'object',
      'tsgi.url_scheme': 'string',
      'tsgi.input': 'object',
      'tsgi.errors': 'object',
      'tsgi.multithread': 'boolean',
      'tsgi.multiprocess': 'boolean',
      'tsgi.run_once': 'boolean',
      'tsgi.file_wrapper': 'function',
      'tsgi.signal': 'object',
      'tsgi.request_id': 'string',
    })
    expect(new Set(ids).size, 'request ids differ').toBe(2)
  })
})

describe('under a mount point', () => {
  const mounted = { server: { mountPoint: '/app' } }
  over(
    EVERY_WAY,
    '[66] /app',
    (bench) => {
      it.each([
        ['/app', ''],
        ['/app/', '/'],
        ['/app/x%2Fy', '/x/y'],
        ['/app//x', '//x'],
        ['/%61pp/x', '/x'],
      ])('serves %s', async (target, path) => {
        const environ = await environOf(bench, { target })
        expect(environ).toMatchObject({ REQUEST_URI: target, SCRIPT_NAME: '/app', PATH_INFO: path })
      })

      // A NUL in a value cannot be said over SCGI: the test's client would have it in PATH_INFO.
      const unreachable = ['/apple', '/', '/ap', '/APP', '/x/app', '//app', ...(bench.clientWire === 'scgi' ? [] : ['/app%00x'])]
      it.each(unreachable)('answers %s with 404 and without the application', async (target) => {
        let calls = 0
        bench.use((_environ, startResponse) => {
          calls++
          startResponse('200 OK', [])
          return null
        })
        const answer = await bench.send({ target })
        // A proxy may refuse it by itself.
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.status).toBeLessThan(500)
        expect(calls).toBe(0)
      })

      it('answers HEAD outside with 404 and no body', async () => {
        const answer = await bench.send({ method: 'HEAD', target: '/apple' })
        expectComplete(answer, 404)
        expect(answer.body).toHaveLength(0)
      })
    },
    mounted,
  )
})
