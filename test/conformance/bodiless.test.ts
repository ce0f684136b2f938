import { expect, it } from 'vitest'
import type { Application } from '../../src/interface/application.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { EVERY_WAY, expectComplete, over } from './bench.ts'

/** Answers with a body, streamed or in one piece, whatever the status. */
function answering(status: string, headers: [string, string][], streamed: boolean): Application {
  return (_environ, startResponse) => {
    startResponse(status, headers)
    return streamed ? chunks() : ['a body']
  }
}

async function* chunks(): AsyncGenerator<string> {
  yield 'a '
  await new Promise((resolve) => setImmediate(resolve))
  yield 'body'
}

over(EVERY_WAY, 'a response without a body', (bench) => {
  it('[71] HEAD has the head of GET, its Content-Length too', async () => {
    bench.use(hello)
    const get = await bench.send({})
    const head = await bench.send({ method: 'HEAD' })
    expectComplete(head)
    expect(head.body).toHaveLength(0)
    expect(head.all('content-length')).toEqual(get.all('content-length'))
    expect(head.all('content-type')).toEqual(get.all('content-type'))
  })

  it('[71] HEAD keeps the Content-Length that the application gives, without a body to it', async () => {
    for (const body of [null, [], 'x'.repeat(1234), chunks()] as const) {
      bench.use((_environ, startResponse) => {
        startResponse('200 OK', [['Content-Length', '1234']])
        return body
      })
      const answer = await bench.send({ method: 'HEAD' })
      expectComplete(answer)
      expect(answer.body).toHaveLength(0)
      expect(answer.all('content-length')).toEqual(['1234'])
    }
    expect(bench.log.problems, 'a HEAD without a body is not too short').toEqual([])
  })

  it('[80] HEAD of a stream is silent, also when the proxy leaves early', async () => {
    let closed = 0
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [])
      return Object.assign(chunks(), { close: () => closed++ })
    })
    const answer = await bench.send({ method: 'HEAD' })
    expectComplete(answer)
    expect(answer.body).toHaveLength(0)
    await bench.idle()
    expect(closed).toBe(1)
    expect(bench.log.problems).toEqual([])
  })

  it('[80] HEAD of 5 MB that the proxy does not want is silent', async () => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '5000000']])
      return Array.from({ length: 50 }, () => Buffer.alloc(100_000))[Symbol.iterator]()
    })
    const answer = await bench.send({ method: 'HEAD' })
    expectComplete(answer)
    expect(answer.body).toHaveLength(0)
    expect(answer.all('content-length')).toEqual(['5000000'])
    await bench.idle()
    expect(bench.log.problems).toEqual([])
  })

  for (const streamed of [false, true]) {
    it(`[72] 204 has neither a body nor a length, ${streamed ? 'streamed' : 'in one piece'}`, async () => {
      bench.use(answering('204 No Content', [['Content-Length', '6']], streamed))
      const answer = await bench.send({})
      expectComplete(answer, 204)
      expect(answer.body).toHaveLength(0)
      expect(answer.all('content-length')).toEqual([])
      expect(answer.all('transfer-encoding')).toEqual([])
    })

    it(`[72] 304 has no body, ${streamed ? 'streamed' : 'in one piece'}`, async () => {
      bench.use(answering('304 Not Modified', [['ETag', '"x"']], streamed))
      const answer = await bench.send({})
      expectComplete(answer, 304)
      expect(answer.body).toHaveLength(0)
      expect(answer.all('etag')).toEqual(['"x"'])
    })
  }

  // uwsgi and SCGI have one request a connection.
  if (bench.clientWire !== 'uwsgi' && bench.clientWire !== 'scgi') {
    it('is followed by a sound response on the same connection', async () => {
      bench.use(answering('204 No Content', [], true))
      const first = await bench.begin({}, { keep: true })
      await first.endBody()
      expectComplete(await first.answer(), 204)
      const { connection } = first
      bench.use(hello)
      expectComplete(await bench.send({ method: 'HEAD' }, { keep: true, connection }))
      bench.use(answering('304 Not Modified', [], false))
      expectComplete(await bench.send({}, { keep: true, connection }), 304)
      bench.use(hello)
      const last = await bench.send({}, { keep: true, connection })
      connection.destroy()
      expectComplete(last)
      expect(last.text).toBe('hello, world\n')
    })
  }
})
