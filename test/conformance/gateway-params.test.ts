import { expect, it } from 'vitest'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { application as echoEnviron } from '../fixtures/apps/echo-environ.ts'
import { latin1 } from '../wire/bytes.ts'
import { WireConnection } from '../wire/connection.ts'
import { fastcgiRequest } from '../wire/fastcgi.ts'
import { gatewayParams, type WireRequest } from '../wire/request.ts'
import { scgiRequest } from '../wire/scgi.ts'
import { uwsgiRequest } from '../wire/uwsgi.ts'
import { DIRECT_WAYS, expectComplete, over, type Bench } from './bench.ts'
import { sameEachTime } from './same-each-time.ts'

/** What only a gateway protocol can say: variables as a proxy may send them, right or wrong. */
const GATEWAYS = DIRECT_WAYS.filter(({ wire }) => wire !== 'http')

async function environOf(bench: Bench, request: WireRequest): Promise<Record<string, unknown>> {
  bench.use(echoEnviron)
  return await sameEachTime(bench, request)
}

/** Sends these very variables and gives the bytes of the answer as text. */
async function sendParams(bench: Bench, params: string[], body = new Uint8Array(0)): Promise<string> {
  const connection = await WireConnection.open(bench.address)
  const requests = {
    uwsgi: uwsgiRequest,
    scgi: scgiRequest,
    fastcgi: (...args: [string[], Uint8Array]) => fastcgiRequest(1, ...args),
  }
  await connection.write(requests[bench.way.wire === 'http' ? 'fastcgi' : bench.way.wire](params, body))
  await connection.whenEnded()
  connection.destroy()
  return connection.received().toString('latin1')
}

over(GATEWAYS, 'variables of a proxy', (bench) => {
  it.each(['REQUEST_URI', 'REQUEST_METHOD', 'QUERY_STRING', 'CONTENT_LENGTH', 'REMOTE_ADDR', 'HTTP_HOST'])(
    '[62] refuses %s when it comes twice, different or not',
    async (name) => {
      let calls = 0
      bench.use((_environ, startResponse) => {
        calls++
        startResponse('200 OK', [])
        return null
      })
      const params = gatewayParams({ target: '/a', params: { CONTENT_LENGTH: '0' } })
      const first = params[params.indexOf(name) + 1] ?? ''
      for (const second of [first, `${first}1`]) {
        expect(await sendParams(bench, [...params, name, second])).toMatch(/^(?:HTTP\/1\.1|(?:[^]{8})?Status:) 400 /)
      }
      expect(calls).toBe(0)
      expect(bench.log.problems.length).toBeGreaterThanOrEqual(2)
    },
  )

  if (bench.way.wire === 'scgi') {
    it.each([
      ['0', '5'],
      ['3', '5'],
      ['5', '0'],
      ['5', 'five'],
    ])(
      '[57] refuses a CONTENT_LENGTH of %s where HTTP_CONTENT_LENGTH is %s: some nginx announces a part',
      async (said, field) => {
        bench.use(echoBody)
        const params = { CONTENT_LENGTH: said, HTTP_CONTENT_LENGTH: field }
        expectComplete(await bench.send({ method: 'POST', body: latin1('hello'), params }), 400)
        expect(bench.log.codes).toEqual(['TSGI_ERR_CONTENT_LENGTH'])
      },
    )
  } else {
    it('[64] believes CONTENT_LENGTH, whatever HTTP_CONTENT_LENGTH says', async () => {
      bench.use(echoBody)
      const answer = await bench.send({ method: 'POST', body: latin1('hello'), params: { HTTP_CONTENT_LENGTH: '3' } })
      expectComplete(answer)
      expect(answer.text).toBe('hello')
    })
  }

  // [39] Over FastCGI -1 says that the length is unknown.
  const wrong = ['+5', '5,5', '1e3', '0x5', ' 5', '5 ', 'five', '-5', '99999999999999999999']
  it.each(bench.way.wire === 'fastcgi' ? wrong : ['-1', ...wrong])(
    '[19] answers a CONTENT_LENGTH of %j with 400, without the application',
    async (length) => {
      let calls = 0
      bench.use(() => {
        calls++
        return null
      })
      const answer = await bench.send({ method: 'POST', body: latin1('hello'), params: { CONTENT_LENGTH: length } })
      expectComplete(answer, 400)
      expect(answer.text).not.toContain(length.trim())
      expect(calls).toBe(0)
      expect(bench.log.codes).toEqual(['TSGI_ERR_CONTENT_LENGTH'])
    },
  )

  it('[67] takes SERVER_NAME where there is no Host', async () => {
    const environ = await environOf(bench, { params: { HTTP_HOST: undefined, SERVER_NAME: 'configured.test' } })
    expect(environ).not.toHaveProperty('HTTP_HOST')
    expect(environ.SERVER_NAME).toBe('configured.test')
  })

  it('[68] takes a method in lower case for what it is', async () => {
    expect(await environOf(bench, { method: 'get' })).toMatchObject({ REQUEST_METHOD: 'get' })
  })

  it('passes on what a proxy adds of its own', async () => {
    const environ = await environOf(bench, {
      params: { REMOTE_USER: 'ada', SSL_CLIENT_VERIFY: 'SUCCESS', MY_SETTING: 'x y', SERVER_SOFTWARE: 'nginx/1.22.1' },
    })
    expect(environ).toMatchObject({
      REMOTE_USER: 'ada',
      SSL_CLIENT_VERIFY: 'SUCCESS',
      MY_SETTING: 'x y',
      SERVER_SOFTWARE: 'nginx/1.22.1',
    })
  })

  it.each([
    [{ HTTPS: 'on' }, 'https'],
    [{ REQUEST_SCHEME: 'https' }, 'https'],
    [{ HTTPS: 'off' }, 'http'],
    [{ REQUEST_SCHEME: 'http' }, 'http'],
  ])('%j is %s', async (params, scheme) => {
    expect(await environOf(bench, { params })).toMatchObject({ 'tsgi.url_scheme': scheme })
  })

  it('computes the path itself, whatever the proxy made of it', async () => {
    const environ = await environOf(bench, {
      target: '/a%2Fb//c?x',
      params: { SCRIPT_NAME: '/wrong', PATH_INFO: '/a/b/c', QUERY_STRING: 'other' },
    })
    expect(environ).toMatchObject({ SCRIPT_NAME: '', PATH_INFO: '/a/b//c', QUERY_STRING: 'x' })
  })

  it('keeps Upgrade, and drops what framed the body', async () => {
    const environ = await environOf(bench, {
      params: { HTTP_UPGRADE: 'websocket', HTTP_TRANSFER_ENCODING: 'chunked', HTTP_EXPECT: '100-continue' },
    })
    expect(environ.HTTP_UPGRADE).toBe('websocket')
    expect(environ).not.toHaveProperty('HTTP_TRANSFER_ENCODING')
    expect(environ).not.toHaveProperty('HTTP_EXPECT')
  })

  it('lets no variable stand in for a part of the interface', async () => {
    for (const name of ['tsgi.input', 'tsgi.signal', 'tsgi.version', '__proto__', 'constructor', 'toString']) {
      let prototype: unknown
      bench.use((environ, startResponse) => {
        prototype = Object.getPrototypeOf(environ)
        expect(typeof environ['tsgi.input']).toBe('object')
        startResponse('200 OK', [])
        return null
      })
      const answer = await bench.send({ params: { [name]: 'mine' } })
      expect([200, 400], name).toContain(answer.status)
      if (answer.status === 200) expect([Object.prototype, null], name).toContain(prototype)
    }
  })

  it('[13] takes the variables that would load code into uWSGI for text', async () => {
    const environ = await environOf(bench, {
      params: {
        UWSGI_FILE: '/nowhere/evil.js',
        UWSGI_MODULE: 'evil',
        UWSGI_CHDIR: '/',
        UWSGI_SETENV: 'EVIL=1',
        UWSGI_APPID: 'x',
      },
    })
    expect(environ.PATH_INFO).toBe('/')
    expect(process.env).not.toHaveProperty('EVIL')
    expect(process.cwd()).not.toBe('/')
  })

  it('answers a request without REQUEST_METHOD with 400', async () => {
    bench.use(echoEnviron)
    expect((await bench.send({ params: { REQUEST_METHOD: undefined } })).status).toBe(400)
  })
})
