import { describe, expect, it } from 'vitest'
import { application as hello } from '../fixtures/apps/hello.ts'
import { WireConnection } from '../wire/connection.ts'
import { Bench, DIRECT_WAYS, expectComplete } from './bench.ts'
import { until } from '../support/until.ts'

describe.each(DIRECT_WAYS)('a server that stops, over $name', (way) => {
  /** A server of its own for each test: it is stopped in it. */
  async function stopping(test: (bench: Bench) => Promise<void>): Promise<void> {
    const bench = new Bench(way)
    await bench.start()
    try {
      await test(bench)
    } finally {
      await bench.stop()
    }
  }

  it('finishes what is in flight, then resolves', () =>
    stopping(async (bench) => {
      let finish: (() => void) | undefined
      bench.use(async (_environ, startResponse) => {
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        startResponse('200 OK', [])
        return ['finished']
      })
      const exchange = await bench.begin({}, { keep: true })
      await exchange.endBody()
      await until(() => finish !== undefined, 'the call')
      let drained = false
      const draining = bench.server.drain(10_000).then((outcome) => {
        drained = true
        return outcome
      })
      await expect(WireConnection.open(bench.serverAddress)).rejects.toThrow()
      expect(drained).toBe(false)
      finish?.()
      const answer = await exchange.answer()
      expectComplete(answer)
      expect(answer.text).toBe('finished')
      expect(await draining).toEqual({ unfinished: 0 })
      expect(await exchange.connection.whenEnded()).toBe('end')
      exchange.leave()
      expect(bench.log.problems).toEqual([])
    }))

  it('does not wait for a request whose client has left', () =>
    stopping(async (bench) => {
      let called = false
      bench.use(() => {
        called = true
        return new Promise<null>(() => {})
      })
      const exchange = await bench.begin({})
      await exchange.endBody()
      await until(() => called, 'the call')
      exchange.leave()
      expect(await bench.server.drain(60_000)).toEqual({ unfinished: 0 })
    }))

  it('finishes a body that is still coming in', () =>
    stopping(async (bench) => {
      let called = false
      bench.use(async (environ, startResponse) => {
        called = true
        const body = await environ['tsgi.input'].read()
        startResponse('200 OK', [])
        return body
      })
      const exchange = await bench.begin({ method: 'POST', length: 10 })
      await exchange.sendBody(Buffer.from('01234'))
      await until(() => called, 'the call')
      const draining = bench.server.drain(10_000)
      await exchange.sendBody(Buffer.from('56789'))
      await exchange.endBody()
      const answer = await exchange.answer()
      expectComplete(answer)
      expect(answer.text).toBe('0123456789')
      expect(await draining).toEqual({ unfinished: 0 })
      exchange.leave()
    }))

  it('gives up what does not finish in time, visibly where the protocol can show it, and counts it', () =>
    stopping(async (bench) => {
      const reasons: unknown[] = []
      bench.use((environ, startResponse) => {
        environ['tsgi.signal'].addEventListener('abort', () => reasons.push(environ['tsgi.signal'].reason))
        startResponse('200 OK', [['Content-Length', '100']])
        return (async function* () {
          yield 'begun'
          await new Promise(() => {})
        })()
      })
      const exchange = await bench.begin({})
      await exchange.endBody()
      await exchange.bodyOf(5)
      expect(await bench.server.drain(50)).toEqual({ unfinished: 1 })
      expect((await exchange.answer()).state).toBe('broken')
      exchange.leave()
      expect(reasons).toHaveLength(1)
    }))

  it('answers a request that has not answered in time with an error', () =>
    stopping(async (bench) => {
      let called = false
      bench.use(() => {
        called = true
        return new Promise(() => {})
      })
      const exchange = await bench.begin({})
      await exchange.endBody()
      await until(() => called, 'the call')
      expect(await bench.server.drain(50)).toEqual({ unfinished: 1 })
      const answer = await exchange.answer()
      exchange.leave()
      expectComplete(answer, answer.status)
      expect(answer.status).toBeGreaterThanOrEqual(500)
    }))

  it('closes idle connections at once', () =>
    stopping(async (bench) => {
      bench.use(hello)
      const untouched = await WireConnection.open(bench.serverAddress)
      const kept = await bench.begin({}, { keep: true })
      await kept.endBody()
      expectComplete(await kept.answer())
      const start = performance.now()
      expect(await bench.server.drain(10_000)).toEqual({ unfinished: 0 })
      expect(performance.now() - start).toBeLessThan(5000)
      await untouched.whenEnded()
      await kept.connection.whenEnded()
      untouched.destroy()
      kept.leave()
      expect(bench.log.problems).toEqual([])
    }))

  it('takes its socket away, and may be told twice', () =>
    stopping(async (bench) => {
      expect(await Promise.all([bench.server.drain(1000), bench.server.drain(10)])).toEqual([
        { unfinished: 0 },
        { unfinished: 0 },
      ])
      await bench.server.close()
      await expect(WireConnection.open(bench.serverAddress)).rejects.toMatchObject({ code: 'ENOENT' })
    }))
})
