import { beforeEach, expect, it } from 'vitest'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as neverReads, goOn, seen as neverReadsSeen } from '../fixtures/apps/never-reads.ts'
import { application as streamsUntilSignal, seen as streamsSeen } from '../fixtures/apps/streams-until-signal.ts'
import { application as waitsForSignal, seen as waitsSeen } from '../fixtures/apps/waits-for-signal.ts'
import { latin1, pattern } from '../wire/bytes.ts'
import { DIRECT_WAYS, expectComplete, over, WATCHFUL_WAYS } from './bench.ts'
import { until } from '../support/until.ts'

/** Longest time from a client's leaving to `tsgi.signal`, milliseconds. */
const NOTICE_MS = 1000

over(WATCHFUL_WAYS, 'a client that leaves', (bench) => {
  beforeEach(() => {
    for (const seen of [waitsSeen, streamsSeen, neverReadsSeen]) seen.clear()
  })

  it('[81] aborts tsgi.signal within a second, before the response', async () => {
    bench.use(waitsForSignal)
    const exchange = await bench.begin({})
    await exchange.endBody()
    await waitsSeen.whenAdded('called')
    exchange.leave()
    await waitsSeen.whenAdded('aborted', NOTICE_MS)
    await bench.idle()
    expect(bench.log.problems, 'a client that leaves is no error').toEqual([])
  })

  it('[81] aborts tsgi.signal within a second, in the middle of the response', async () => {
    bench.use(streamsUntilSignal)
    const exchange = await bench.begin({})
    await exchange.endBody()
    await exchange.bodyOf(6)
    exchange.leave()
    await streamsSeen.whenAdded('aborted', NOTICE_MS)
    await bench.idle()
    expect(streamsSeen.count('closed')).toBe(1)
    expect(bench.log.problems).toEqual([])
  })

  it('[81] aborts tsgi.signal within a second while a body of 10 KB waits to be read', async () => {
    bench.use(neverReads)
    const exchange = await bench.begin({ method: 'POST', length: 10_000 })
    await exchange.sendBody(pattern(10_000))
    await exchange.endBody()
    await neverReadsSeen.whenAdded('called')
    exchange.leave()
    await neverReadsSeen.whenAdded('aborted', NOTICE_MS)
    await bench.idle()
  })

  // Behind unread bytes of a body that is held back the end of the connection cannot be seen: reading goes on to it.
  it('[81] aborts tsgi.signal within a second of reading a body of 1 MB that was held back', async () => {
    bench.use(neverReads)
    const exchange = await bench.begin({ method: 'POST', length: 1_000_000 })
    void exchange.sendBody(pattern(900_000)).then(() => (bench.way.proxied ? exchange.sendBody(pattern(100_000)) : undefined))
    await neverReadsSeen.whenAdded('called')
    exchange.leave()
    goOn()
    await neverReadsSeen.whenAdded('aborted', NOTICE_MS)
    await bench.idle()
    expect(bench.log.problems).toEqual([])
  })

  it('an application that does not look at the signal is left alone, and its answer is dropped', async () => {
    let finish: (() => void) | undefined
    let called = false
    bench.use(async (_environ, startResponse) => {
      called = true
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      startResponse('200 OK', [])
      return ['too late']
    })
    const exchange = await bench.begin({})
    await exchange.endBody()
    await until(() => called, 'the call')
    exchange.leave()
    await new Promise((resolve) => exchange.connection.socket.once('close', resolve))
    finish?.()
    await bench.idle()
    expect(bench.log.problems).toEqual([])
    bench.use(hello)
    expectComplete(await bench.send({}))
  })

  it('a whole request that was answered aborts no signal', async () => {
    let aborted = false
    bench.use((environ, startResponse) => {
      environ['tsgi.signal'].addEventListener('abort', () => {
        aborted = true
      })
      startResponse('200 OK', [])
      return ['body']
    })
    expectComplete(await bench.send({}))
    await bench.idle()
    bench.use(hello)
    expectComplete(await bench.send({}))
    expect(aborted).toBe(false)
  })
})

over(DIRECT_WAYS, 'a client that leaves in its body', (bench) => {
  it('[16] [41] fails the read with TSGI_ERR_CLIENT_DISCONNECTED and aborts the signal', async () => {
    const outcome: string[] = []
    bench.use(async (environ, startResponse) => {
      environ['tsgi.signal'].addEventListener('abort', () => outcome.push('aborted'))
      try {
        await environ['tsgi.input'].read()
        outcome.push('read')
      } catch (error) {
        outcome.push(typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error))
        throw error
      }
      startResponse('200 OK', [])
      return null
    })
    const exchange = await bench.begin({ method: 'POST', length: 1000 })
    await exchange.sendBody(latin1('the first part'))
    await until(() => bench.server.requestsInFlight === 1, 'the call')
    exchange.leave()
    await until(() => outcome.length === 2, 'signal and read')
    await bench.idle()
    expect(outcome.sort()).toEqual(['TSGI_ERR_CLIENT_DISCONNECTED', 'aborted'])
    expect(bench.log.problems).toEqual([])
  })

  it('fails writes with TSGI_ERR_CLIENT_DISCONNECTED, harmlessly when nobody looks', async () => {
    let outcome = ''
    let called: (() => void) | undefined
    const isCalled = new Promise<void>((resolve) => {
      called = resolve
    })
    bench.use(async (environ, startResponse) => {
      const write = startResponse('200 OK', [])
      called?.()
      const block = Buffer.alloc(64 * 1024)
      try {
        for (;;) {
          void write(block)
          await write(block)
        }
      } catch (error) {
        outcome = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
        expect(environ['tsgi.signal'].aborted).toBe(true)
      }
      return null
    })
    const exchange = await bench.begin({}, { keepBody: false })
    await exchange.endBody()
    await isCalled
    await exchange.bodyOf(100_000)
    exchange.leave()
    await bench.idle()
    expect(outcome).toBe('TSGI_ERR_CLIENT_DISCONNECTED')
    expect(bench.log.problems).toEqual([])
  })
})
