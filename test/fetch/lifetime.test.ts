import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Bench, DIRECT_WAYS, expectComplete, type Way } from '../conformance/bench.ts'
import { settled, until } from '../support/until.ts'
import { latin1, pattern } from '../wire/bytes.ts'
import { Chosen, overFetch, type Fetch } from './served.ts'

const MB = 1_000_000
const BLOCK = Buffer.from(pattern(64 * 1024))
const BLOCKS = Math.ceil((50 * MB) / BLOCK.length)

/** What may lie between the client and the application: both kernels' buffers, the server's high water, a stream's chunk. */
const HELD_BYTES = 2 * MB

overFetch(DIRECT_WAYS, 'large bodies of a fetch application', (bench, use) => {
  it('50 MB come up as they are read, and no faster', async () => {
    let goOn: (() => void) | undefined
    use(async (request) => {
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      const hash = createHash('sha256')
      for await (const chunk of request.body ?? []) hash.update(chunk as Uint8Array)
      return new Response(hash.digest('hex'))
    })
    const hash = createHash('sha256')
    const exchange = await bench.begin({ method: 'POST', length: BLOCKS * BLOCK.length })
    let sent = 0
    const sending = (async () => {
      for (let index = 0; index < BLOCKS; index++) {
        hash.update(BLOCK)
        await exchange.sendBody(BLOCK)
        sent += BLOCK.length
      }
      await exchange.endBody()
    })()
    await until(() => goOn !== undefined, 'the call')
    expect(await settled(() => sent, 'the upload')).toBeLessThan(HELD_BYTES)
    goOn?.()
    await sending
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(answer.text).toBe(hash.digest('hex'))
  })

  it('50 MB go down as they are taken, and no faster', async () => {
    let pulled = 0
    use(
      () =>
        new Response(
          new ReadableStream(
            {
              pull(controller) {
                if (pulled === BLOCKS * BLOCK.length) controller.close()
                else {
                  pulled += BLOCK.length
                  controller.enqueue(new Uint8Array(BLOCK))
                }
              },
            },
            { highWaterMark: 0 },
          ),
        ),
    )
    const hash = createHash('sha256')
    const exchange = await bench.begin({}, { keepBody: false, onBody: (bytes) => hash.update(bytes) })
    exchange.connection.socket.pause()
    await exchange.endBody()
    await until(() => pulled > 0, 'the first chunk')
    expect(await settled(() => pulled, 'the download')).toBeLessThan(HELD_BYTES)
    exchange.connection.socket.resume()
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    const expected = createHash('sha256')
    for (let index = 0; index < BLOCKS; index++) expected.update(BLOCK)
    expect(exchange.bodyBytes).toBe(BLOCKS * BLOCK.length)
    expect(hash.digest('hex')).toBe(expected.digest('hex'))
  })
})

function whenAborted(signal: AbortSignal): Promise<Response> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(new Response()))
  })
}

async function drained(request: Request): Promise<number> {
  let bytes = 0
  for await (const chunk of request.body ?? []) bytes += (chunk as Uint8Array).length
  return bytes
}

overFetch(DIRECT_WAYS, 'a client that leaves', (bench, use) => {
  it('aborts the signal while the application works', async () => {
    let signal: AbortSignal | undefined
    use((request) => {
      signal = request.signal
      return whenAborted(request.signal)
    })
    const exchange = await bench.begin({})
    await exchange.endBody()
    await until(() => signal !== undefined, 'the call')
    expect(signal?.aborted).toBe(false)
    exchange.leave()
    await until(() => signal?.aborted === true, 'the abort')
    expect(bench.log.problems).toEqual([])
  })

  it('aborts the signal of a Request that was made of it', async () => {
    let signal: AbortSignal | undefined
    use((request) => {
      signal = new Request(request).signal
      return whenAborted(signal)
    })
    const exchange = await bench.begin({})
    await exchange.endBody()
    await until(() => signal !== undefined, 'the call')
    exchange.leave()
    await until(() => signal?.aborted === true, 'the abort')
  })

  it.each<[string, (request: Request) => Promise<unknown>]>([
    ['a stream', drained],
    ['text()', (request) => request.text()],
    ['a clone', (request) => request.clone().text()],
  ])('in its body fails the read by %s', async (_what, read) => {
    let called = false
    let outcome: unknown
    use(async (request) => {
      called = true
      try {
        outcome = await read(request)
      } catch (error) {
        outcome = error
        throw error
      }
      return new Response()
    })
    const exchange = await bench.begin({ method: 'POST', length: 1000 })
    await exchange.sendBody(latin1('abc'))
    await until(() => called, 'the call')
    exchange.leave()
    await until(() => outcome !== undefined, 'the end of the read')
    expect(outcome).toBeInstanceOf(Error)
    expect(bench.log.problems).toEqual([])
  })

  it('cancels the stream of the response that is waited for', async () => {
    let reason: unknown
    let signal: AbortSignal | undefined
    use((request) => {
      signal = request.signal
      return new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(Buffer.from('begun'))
          },
          cancel(why) {
            reason = why
          },
        }),
      )
    })
    const exchange = await bench.begin({})
    await exchange.endBody()
    await exchange.bodyOf(5)
    exchange.leave()
    await until(() => reason !== undefined, 'the cancel')
    expect(reason).toMatchObject({ code: 'TSGI_ERR_CLIENT_DISCONNECTED' })
    expect(signal?.aborted).toBe(true)
    expect(bench.log.problems).toEqual([])
  })

  it('cancels the stream of the response that is not taken', async () => {
    let cancelled = false
    use(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              controller.enqueue(new Uint8Array(BLOCK))
            },
            cancel() {
              cancelled = true
            },
          }),
        ),
    )
    const exchange = await bench.begin({}, { keepBody: false })
    exchange.connection.socket.pause()
    await exchange.endBody()
    await setImmediate()
    exchange.leave()
    await until(() => cancelled, 'the cancel')
  })

  it('cancels the stream of a response that comes too late', async () => {
    let respond: ((response: Response) => void) | undefined
    let cancelled = false
    use(
      () =>
        new Promise((resolve) => {
          respond = resolve
        }),
    )
    const exchange = await bench.begin({ method: 'POST', length: 1000 })
    await until(() => respond !== undefined, 'the call')
    exchange.leave()
    await bench.idle()
    const body = new ReadableStream({
      cancel() {
        cancelled = true
      },
    })
    respond?.(new Response(body))
    await until(() => cancelled, 'the cancel')
    expect(bench.log.problems).toEqual([])
  })
})

describe.each(DIRECT_WAYS)('work behind the response, over $name', (way: Way) => {
  async function served(fetch: Fetch, test: (bench: Bench) => Promise<void>): Promise<void> {
    const chosen = new Chosen()
    chosen.fetch = fetch
    const bench = new Bench(way, { server: { handler: chosen.handler } })
    await bench.start()
    try {
      await test(bench)
    } finally {
      await bench.stop()
    }
  }

  it('holds neither the response nor the connection, but the stop of the server', async () => {
    const finish: (() => void)[] = []
    const fetch: Fetch = (_request, _env, context) => {
      context.waitUntil(
        new Promise<void>((resolve) => {
          finish.push(resolve)
        }),
      )
      context.passThroughOnException()
      return new Response('sent')
    }
    await served(fetch, async (bench) => {
      const first = await bench.begin({}, { keep: true })
      await first.endBody()
      expectComplete(await first.answer())
      // uwsgi has one request a connection.
      const again = way.wire === 'uwsgi' || way.wire === 'scgi' ? {} : { connection: first.connection }
      const second = await bench.begin({}, { keep: true, ...again })
      await second.endBody()
      expectComplete(await second.answer())
      expect(bench.server.requestsInFlight).toBe(2)
      let drained = false
      const draining = bench.server.drain(10_000).then((outcome) => {
        drained = true
        return outcome
      })
      await setImmediate()
      finish[0]?.()
      await until(() => bench.server.requestsInFlight === 1, 'the end of the first')
      expect(drained).toBe(false)
      finish[1]?.()
      expect(await draining).toEqual({ unfinished: 0 })
      first.leave()
      second.leave()
    })
  })

  it('is given up at the end of the time that a stop has', () =>
    served(
      (_request, _env, context) => {
        context.waitUntil(new Promise(() => {}))
        return new Response('sent')
      },
      async (bench) => {
        expectComplete(await bench.send({}))
        expect(await bench.server.drain(50)).toEqual({ unfinished: 1 })
      },
    ))

  it('that rejects is logged, and the response is as it was', () =>
    served(
      (_request, _env, context) => {
        context.waitUntil(Promise.reject(new Error('failed behind it')))
        return new Response('sent')
      },
      async (bench) => {
        const answer = await bench.send({})
        expectComplete(answer)
        expect(answer.text).toBe('sent')
        const problem = await bench.log.whenProblem()
        expect(problem.message).toMatch(/^GET \/ \[.+\] failed in waitUntil\(\)$/)
        expect(String(problem.error)).toContain('failed behind it')
        await bench.idle()
      },
    ))

  it('may be begun by an application that fails', () =>
    served(
      (_request, _env, context) => {
        context.waitUntil(Promise.resolve())
        throw new Error('failed')
      },
      async (bench) => {
        expect((await bench.send({})).status).toBe(500)
        await bench.idle()
      },
    ))
})
