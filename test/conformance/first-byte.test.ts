import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { application as echoEnviron } from '../fixtures/apps/echo-environ.ts'
import { latin1 } from '../wire/bytes.ts'
import { WireConnection } from '../wire/connection.ts'
import { exchange, type Wire } from '../wire/exchange.ts'
import { Bench, DIRECT_WAYS, expectComplete } from './bench.ts'

const WIRES: Wire[] = ['uwsgi', 'fastcgi', 'scgi', 'http']

describe('one socket for every protocol', () => {
  const bench = new Bench(DIRECT_WAYS[0] ?? { name: 'uwsgi', wire: 'uwsgi', proxied: false })
  beforeAll(async () => {
    await bench.start()
    bench.use(echoEnviron)
  })
  afterAll(() => bench.stop())

  it('serves each by its first byte, at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => exchange(bench.serverAddress, WIRES[i % 4] ?? 'http', { target: `/${i}` })),
    )
    for (const [index, answer] of answers.entries()) {
      expectComplete(answer)
      expect(JSON.parse(answer.text)).toMatchObject({ PATH_INFO: `/${index}`, REQUEST_METHOD: 'GET' })
    }
  })

  it('serves each over TCP as well', async () => {
    const address = await bench.server.listen({ type: 'tcp', host: '127.0.0.1', port: 0 })
    if (address.type !== 'tcp') throw new Error('not TCP')
    expect(address.port).toBeGreaterThan(0)
    for (const wire of WIRES) {
      const answer = await exchange(address, wire, { target: '/tcp' })
      expectComplete(answer)
      expect(JSON.parse(answer.text)).toMatchObject({ PATH_INFO: '/tcp' })
    }
  })

  it('[14] a probe that connects and leaves is no line in the log', async () => {
    for (let i = 0; i < 5; i++) {
      const connection = await WireConnection.open(bench.serverAddress)
      connection.end()
      await connection.whenEnded()
      connection.destroy()
    }
    expect(bench.log.entries).toEqual([])
  })

  it('keeps an HTTP connection for the next request', async () => {
    const connection = await WireConnection.open(bench.serverAddress)
    for (const target of ['/one', '/two', '/three']) {
      const answer = await exchange(bench.serverAddress, 'http', { target }, { connection })
      expectComplete(answer)
      expect(JSON.parse(answer.text)).toMatchObject({ PATH_INFO: target })
    }
    connection.destroy()
  })
})

describe("the server's own answers", () => {
  const TOKEN = 'a token nobody guesses'
  for (const way of DIRECT_WAYS) {
    describe(`over ${way.name}`, () => {
      const bench = new Bench(way, { server: { probeToken: TOKEN } })
      beforeAll(() => bench.start())
      afterAll(() => bench.stop())

      it('a probe with the token is answered without the application', async () => {
        bench.use(() => {
          throw new Error('called')
        })
        const answer = await bench.send({ target: '/anything', headers: [['X-TSGI-Probe', TOKEN]] })
        expectComplete(answer, 204)
        expect(answer.all('x-tsgi-probe')).toEqual(['ok'])
        expect(answer.all('x-tsgi-worker')).toEqual([String(process.pid)])
      })

      it('a probe with another token reaches the application, which does not see the token', async () => {
        bench.use(echoEnviron)
        const answer = await bench.send({ headers: [['X-TSGI-Probe', 'a guess']] })
        expectComplete(answer)
        expect(JSON.parse(answer.text)).not.toHaveProperty('HTTP_X_TSGI_PROBE')
        expect(answer.all('x-tsgi-worker')).toEqual([])
      })
    })
  }
})

describe('a limit for request bodies', () => {
  for (const way of DIRECT_WAYS) {
    describe(`over ${way.name}`, () => {
      const bench = new Bench(way, { server: { maxRequestBodyBytes: 1000 } })
      beforeAll(() => bench.start())
      afterAll(() => bench.stop())

      it('answers 413 by the length that is given, without the application', async () => {
        let calls = 0
        bench.use((_environ, startResponse) => {
          calls++
          startResponse('200 OK', [])
          return null
        })
        expectComplete(await bench.send({ method: 'POST', body: new Uint8Array(1001) }), 413)
        expect(calls).toBe(0)
        expectComplete(await bench.send({ method: 'POST', body: new Uint8Array(1000) }))
        expect(calls).toBe(1)
        expectComplete(await bench.send({ method: 'POST', body: new Uint8Array(200_000) }), 413)
        await bench.idle()
      })

      if (way.wire !== 'uwsgi' && way.wire !== 'scgi') {
        it('answers 413 where no length was given and too much came', async () => {
          bench.use(async (environ, startResponse) => {
            await environ['tsgi.input'].read()
            startResponse('200 OK', [])
            return null
          })
          expectComplete(await bench.send({ method: 'POST', length: 'chunked', body: new Uint8Array(5000) }), 413)
          expectComplete(await bench.send({ method: 'POST', length: 'chunked', body: new Uint8Array(900) }))
          await bench.idle()
        })
      }

      if (way.wire === 'http') {
        it('closes the connection when too much comes behind a response', async () => {
          bench.use((_environ, startResponse) => {
            startResponse('200 OK', [])
            return null
          })
          const connection = await WireConnection.open(bench.address)
          await connection.write(latin1('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'))
          const chunk = latin1(`200\r\n${'x'.repeat(512)}\r\n`)
          for (let sent = 0; sent < 4; sent++) await connection.write(chunk)
          await connection.whenEnded()
          expect(connection.received().toString('latin1')).toMatch(/^HTTP\/1\.1 200 /)
          connection.destroy()
          await bench.idle()
        })
      }
    })
  }
})
