import { expect, it } from 'vitest'
import { application as eventsWithGaps } from '../fixtures/apps/events-with-gaps.ts'
import { latin1, latin1Text } from '../wire/bytes.ts'
import { EVERY_WAY, expectComplete, over, STREAMING_NGINX_WAYS } from './bench.ts'

over(EVERY_WAY, 'a stream', (bench) => {
  it('[82] of events reaches the client with its gaps', async () => {
    bench.use(eventsWithGaps)
    const times: number[] = []
    const exchange = await bench.begin({}, { onBody: () => times.push(performance.now()) })
    await exchange.endBody()
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(answer.text).toBe('data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n')
    expect(times.length, 'each event by itself').toBeGreaterThanOrEqual(4)
    // Three gaps of 100 ms; a response that was held back comes all at once.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(200)
  })

  it('[84] has its whole head in the first piece', async () => {
    const size = 30
    bench.use((_environ, startResponse) => {
      startResponse(
        '200 OK',
        Array.from({ length: size }, (_, i) => [`X-Header-${i}`, 'v'.repeat(100)] as const),
      )
      return (async function* () {
        yield 'body'
      })()
    })
    let first: Uint8Array | undefined
    const exchange = await bench.begin({})
    const { onData } = exchange.connection
    exchange.connection.onData = (bytes) => {
      first ??= bytes
      onData?.(bytes)
    }
    await exchange.endBody()
    expectComplete(await exchange.answer())
    exchange.leave()
    expect(latin1Text(first ?? new Uint8Array(0))).toContain('\r\n\r\n')
  })

  it('can go both ways at once: each piece is answered as it comes', async () => {
    bench.use((environ, startResponse) => {
      startResponse('200 OK', [['X-Accel-Buffering', 'no']])
      return (async function* () {
        for await (const chunk of environ['tsgi.input']) yield `<${latin1Text(chunk)}>`
      })()
    })
    const exchange = await bench.begin({ method: 'POST', length: 6 })
    await exchange.sendBody(latin1('one'))
    // A proxy that reads the whole body first answers behind it.
    if (!bench.way.proxied) expect((await exchange.bodyOf(5)).toString()).toBe('<one>')
    await exchange.sendBody(latin1('two'))
    await exchange.endBody()
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(answer.text.replaceAll('><', '')).toBe('<onetwo>')
  })
})

over(
  STREAMING_NGINX_WAYS,
  'a request body that nginx streams',
  (bench) => {
    it('arrives piece by piece, by Content-Length', async () => {
      bench.use(async (environ, startResponse) => {
        const first = latin1Text(await environ['tsgi.input'].read(3))
        const write = startResponse('200 OK', [['X-Accel-Buffering', 'no']])
        await write(first)
        return latin1Text(await environ['tsgi.input'].read())
      })
      const exchange = await bench.begin({ method: 'POST', length: 6 })
      await exchange.sendBody(latin1('one'))
      expect((await exchange.bodyOf(3)).toString()).toBe('one')
      await exchange.sendBody(latin1('two'))
      const answer = await exchange.answer()
      exchange.leave()
      expectComplete(answer)
      expect(answer.text).toBe('onetwo')
    })

    it('[38] arrives without a length, in chunks', async () => {
      let contentLength: string | undefined
      const begun = new Promise<void>((resolve) => {
        bench.use(async (environ, startResponse) => {
          contentLength = environ.CONTENT_LENGTH
          resolve()
          startResponse('200 OK', [])
          return latin1Text(await environ['tsgi.input'].read())
        })
      })
      const exchange = await bench.begin({ method: 'POST', length: 'chunked' })
      await exchange.sendBody(latin1('a body '))
      // Of a body that has come completely nginx knows the length, so the end waits until the application has been called.
      const lengthFirst = bench.way.wire === 'uwsgi'
      if (!lengthFirst) await begun
      await exchange.sendBody(latin1('in chunks'))
      await exchange.endBody()
      const answer = await exchange.answer()
      exchange.leave()
      expectComplete(answer)
      expect(answer.text).toBe('a body in chunks')
      // uwsgi cannot carry it: nginx reads it all first.
      expect(contentLength).toBe(lengthFirst ? '16' : undefined)
    })
  },
  { nginx: { requestBuffering: false, buffering: false } },
)

over(
  EVERY_WAY.filter(({ proxied, wire }) => proxied || wire === 'http'),
  'a chunked request body',
  (bench) => {
    it('[38] is read to its end', async () => {
      bench.use(async (environ, startResponse) => {
        startResponse('200 OK', [])
        return latin1Text(await environ['tsgi.input'].read())
      })
      const answer = await bench.send({ method: 'POST', length: 'chunked', body: latin1('a body in chunks') })
      expectComplete(answer)
      expect(answer.text).toBe('a body in chunks')
    })
  },
)
