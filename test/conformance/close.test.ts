import { beforeEach, expect, it } from 'vitest'
import { application as closesOnce, seen } from '../fixtures/apps/closes-once.ts'
import { application as streamCancelled, seen as streamSeen } from '../fixtures/apps/stream-cancelled.ts'
import { EVERY_WAY, expectComplete, over, WATCHFUL_WAYS } from './bench.ts'
import { settled } from '../support/until.ts'

over(EVERY_WAY, 'close() of a body', (bench) => {
  beforeEach(() => {
    seen.clear()
    streamSeen.clear()
  })

  /** Called, and not again a little later. */
  async function expectClosedOnce(): Promise<void> {
    await bench.idle()
    expect(await settled(() => seen.count('closed'), 'close()', 30)).toBe(1)
  }

  it('is called once behind a whole response', async () => {
    bench.use(closesOnce)
    const answer = await bench.send({ target: '/?complete' })
    expectComplete(answer)
    expect(answer.text).toBe('first second')
    await expectClosedOnce()
    expect(bench.log.problems).toEqual([])
  })

  it('is called once behind HEAD', async () => {
    bench.use(closesOnce)
    expectComplete(await bench.send({ method: 'HEAD', target: '/?complete' }))
    await expectClosedOnce()
  })

  it.each(['throw', 'throw-first', 'bad-chunk'])('is called once behind a failure: %s', async (how) => {
    bench.use(closesOnce)
    const answer = await bench.send({ target: `/?${how}` })
    if (how === 'throw-first') expectComplete(answer, 500)
    await expectClosedOnce()
    expect(bench.log.problems).toHaveLength(1)
  })

  it('may fail itself: that is logged, and the response stays whole', async () => {
    bench.use(closesOnce)
    const answer = await bench.send({ target: '/?reject-close' })
    expectComplete(answer)
    expect(answer.text).toBe('first second')
    await expectClosedOnce()
    expect(bench.log.problems).toHaveLength(1)
    expect(String(bench.log.problems[0]?.error)).toContain('in close')
  })

  it('is called for a list, too, and for an empty one', async () => {
    for (const chunks of [['a', 'b'], []]) {
      let closed = 0
      bench.use((_environ, startResponse) => {
        startResponse('200 OK', [])
        return Object.assign([...chunks], { close: () => closed++ })
      })
      const answer = await bench.send({})
      expectComplete(answer)
      expect(answer.text).toBe(chunks.join(''))
      await bench.idle()
      expect(closed).toBe(1)
    }
  })

  it('is called for a body that comes without startResponse', async () => {
    let closed = 0
    bench.use(() => Object.assign(['a'], { close: () => closed++ }))
    expectComplete(await bench.send({}), 500)
    await bench.idle()
    expect(closed).toBe(1)
  })

  it('is called for 204, whose body is not sent', async () => {
    let closed = 0
    bench.use((_environ, startResponse) => {
      startResponse('204 No Content', [])
      return Object.assign(['a'], { close: () => closed++ })
    })
    expectComplete(await bench.send({}), 204)
    await bench.idle()
    expect(closed).toBe(1)
  })
})

over(WATCHFUL_WAYS, 'close() of a body whose client leaves', (bench) => {
  beforeEach(() => {
    seen.clear()
    streamSeen.clear()
  })

  /** Called, and not again a little later. */
  async function expectClosedOnce(): Promise<void> {
    await bench.idle()
    expect(await settled(() => seen.count('closed'), 'close()', 30)).toBe(1)
  }

  it('is called once when the client leaves', async () => {
    bench.use(closesOnce)
    const exchange = await bench.begin({ target: '/?wait' })
    await exchange.endBody()
    await exchange.head()
    exchange.leave()
    await expectClosedOnce()
    expect(bench.log.problems, 'a client that leaves is no error of the application').toEqual([])
  })

  it('is called once when the client leaves in the middle of a large body', async () => {
    let closed = 0
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [])
      const block = Buffer.alloc(64 * 1024)
      return {
        *[Symbol.iterator]() {
          for (let i = 0; i < 16_000; i++) yield block
        },
        close: () => closed++,
      }
    })
    const exchange = await bench.begin({}, { keepBody: false })
    await exchange.endBody()
    await exchange.bodyOf(200_000)
    exchange.leave()
    await bench.idle()
    expect(closed).toBe(1)
    expect(bench.log.problems).toEqual([])
  })

  it('a generator runs its finally when the client leaves', async () => {
    const ran: string[] = []
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [])
      async function* chunks(): AsyncGenerator<Uint8Array> {
        try {
          for (;;) {
            yield Buffer.alloc(16 * 1024)
            await new Promise((resolve) => setImmediate(resolve))
          }
        } finally {
          ran.push('finally')
        }
      }
      return chunks()
    })
    const exchange = await bench.begin({}, { keepBody: false })
    await exchange.endBody()
    await exchange.bodyOf(50_000)
    exchange.leave()
    await bench.idle()
    expect(await settled(() => ran.length, 'finally', 30)).toBe(1)
  })

  it('a web stream is cancelled when the client leaves', async () => {
    bench.use(streamCancelled)
    const exchange = await bench.begin({})
    await exchange.endBody()
    await exchange.head()
    exchange.leave()
    await streamSeen.whenAdded('cancelled', 2000)
  })
})
