import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { ask, Client, direct } from './direct.ts'

const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

/** What could be read in two ways, or is none of HTTP/1.1's; most of it `node:http` refuses by itself. */
const MALFORMED: Readonly<Record<string, string>> = {
  'a length and chunks': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'chunks and a length': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
  'two lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde',
  'two equal lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd',
  'a list of lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd',
  'a length with a sign': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd',
  'a negative length': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\nabcd',
  'a hexadecimal length': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd',
  'a length over every number': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabcd',
  'an empty length': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nabcd',
  'a space ahead of the colon': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd',
  'chunks that are not the last encoding': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'chunks twice': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'chunks in HTTP/1.0': 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a chunk size with 0x': `${CHUNKED}0x3\r\nabc\r\n0\r\n\r\n`,
  'a negative chunk size': `${CHUNKED}-3\r\nabc\r\n0\r\n\r\n`,
  'a chunk size with a sign': `${CHUNKED}+3\r\nabc\r\n0\r\n\r\n`,
  'a chunk size with a space': `${CHUNKED}3 \r\nabc\r\n0\r\n\r\n`,
  'a chunk size over every number': `${CHUNKED}ffffffffffffffffff\r\nabc\r\n0\r\n\r\n`,
  'a chunk longer than its size': `${CHUNKED}3\r\nabcX\r\n0\r\n\r\n`,
  'a chunk size that ends in LF': `${CHUNKED}3\nabc\r\n0\r\n\r\n`,
  'a chunk extension with LF': `${CHUNKED}3;a\nb\r\nabc\r\n0\r\n\r\n`,
  'a length in a trailer': `${CHUNKED}3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n`,
  'a folded line': 'GET / HTTP/1.1\r\nHost: a\r\nX-A: one\r\n two\r\n\r\n',
  'a folded Transfer-Encoding': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
  'lines that end in LF': 'GET / HTTP/1.1\nHost: a\n\n',
  'one line that ends in LF': 'GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n',
  'a bare CR': 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n',
  'a NUL': 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n',
  'a space in a name': 'GET / HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n',
  'a line without a colon': 'GET / HTTP/1.1\r\nHost: a\r\nXA\r\n\r\n',
  'a field without a name': 'GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n',
  'a space ahead of the first field': 'GET / HTTP/1.1\r\n Host: a\r\n\r\n',
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  'two hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'a space in the target': 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target that is no path': 'GET x HTTP/1.1\r\nHost: a\r\n\r\n',
}

const OTHERS: Readonly<Record<string, [request: string, status: number]>> = {
  'HTTP/2.0': ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  'HTTP/0.9': ['GET /\r\n\r\n', 505],
  'another encoding than chunks': ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 501],
  'an encoding that nobody undoes': ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
  'an expectation': ['POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', 417],
  'a long URL': [`GET /${'x'.repeat(8190)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  'many fields': [`GET / HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(100)}\r\n`, 431],
  'a large head': [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(16_384)}\r\n\r\n`, 431],
}

describe.each([
  ['a TSGI application', 'auto'],
  ['a Node application', 'http'],
] as const)('what a client may not send to %s, with --protocol %s', (kind, protocol) => {
  let calls = 0
  const start = async (): Promise<number> => {
    calls = 0
    const application =
      kind === 'a TSGI application'
        ? async (
            environ: { 'tsgi.input': { read(): Promise<Uint8Array> } },
            startResponse: (status: string, headers: []) => unknown,
          ) => {
            await environ['tsgi.input'].read()
            calls++
            startResponse('200 OK', [])
            return 'called'
          }
        : {
            listener: (request: IncomingMessage, response: ServerResponse) => {
              request.resume().on('end', () => {
                calls++
                response.end('called')
              })
              request.on('error', () => {})
            },
          }
    return (await direct(application, {}, { protocol })).port
  }

  it.each(Object.entries(MALFORMED))('%s: 400, and the connection is closed', async (_name, request) => {
    const port = await start()
    // Whatever is behind it must not become a request of its own.
    const answer = await ask(port, `${request}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(calls).toBe(0)
  })

  it.each(Object.entries(OTHERS))('%s', async (_name, [request, status]) => {
    const port = await start()
    const answer = await ask(port, request)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(calls).toBe(0)
  })

  it('takes what is just within the limits', async () => {
    const port = await start()
    const ask1 = await ask(
      port,
      `GET /${'x'.repeat(8189)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${'a: b\r\n'.repeat(98)}\r\n`,
    )
    expect(ask1).toMatch(/^HTTP\/1\.1 200 /)
    expect(calls).toBe(1)
  })
})

describe('what a client may send', () => {
  it('a body in chunks, one behind a 100, and HEAD', async () => {
    const { port } = await direct(async (environ, startResponse) => {
      const body = await environ['tsgi.input'].read()
      startResponse('200 OK', [['Content-Length', String(body.length)]])
      return body
    })
    const client = await Client.open(port)
    client.send(`${CHUNKED}3\r\nabc\r\n2;name=value\r\nde\r\n0\r\nX-Trailer: x\r\n\r\n`)
    await until(() => client.text.endsWith('abcde'), 'the first answer')
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
    await until(() => client.statuses.includes(100), 'a 100')
    client.send('fghij')
    await until(() => client.text.endsWith('fghij'), 'the second answer')
    client.send('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const text = await client.whole()
    expect(client.statuses).toEqual([200, 100, 200, 200])
    expect(text).toMatch(/Content-Length: 0\r\n[^]*\r\n\r\n$/)
  })

  it('no body behind Expect where it would be too large: 413 comes in place of 100', async () => {
    const { port } = await direct(() => null, {}, { maxRequestBodyBytes: 1000 })
    const answer = await ask(port, 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('an absolute target, whose host holds', async () => {
    const { port } = await direct((environ, startResponse) => {
      startResponse('200 OK', [['Connection', 'close']])
      return JSON.stringify([environ.HTTP_HOST, environ.PATH_INFO, environ.REQUEST_URI])
    })
    const answer = await ask(port, 'GET http://b.test:81/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(answer).toContain('["b.test:81","/x","http://b.test:81/x?y"]')
  })
})
