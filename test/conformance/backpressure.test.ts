import { createHash } from 'node:crypto'
import { beforeEach, expect, it } from 'vitest'
import { application as countsWhatIsTaken, taken } from '../fixtures/apps/counts-what-is-taken.ts'
import { application as neverReads, goOn, seen } from '../fixtures/apps/never-reads.ts'
import { pattern } from '../wire/bytes.ts'
import { DIRECT_WAYS, EVERY_WAY, expectComplete, over } from './bench.ts'
import { settled } from '../support/until.ts'

const MB = 1_000_000
const BLOCK = Buffer.from(pattern(64 * 1024))

/** What may lie between client and application while it does not read: both kernels' buffers, the server's high water, a proxy's. */
const HELD_BYTES = 2 * MB

over(DIRECT_WAYS, 'a request body nobody reads', (bench) => {
  beforeEach(() => seen.clear())

  it('is not taken in, and comes whole once it is read', async () => {
    bench.use(neverReads)
    const bytes = 640 * BLOCK.length
    const hash = createHash('sha256')
    const exchange = await bench.begin({ method: 'POST', length: bytes })
    let sent = 0
    const sending = (async () => {
      while (sent < bytes) {
        const block = Buffer.from(BLOCK)
        block.writeUInt32BE(sent)
        hash.update(block)
        await exchange.sendBody(block)
        sent += block.length
      }
      await exchange.endBody()
    })()
    await seen.whenAdded('called')
    expect(await settled(() => sent, 'the upload')).toBeLessThan(HELD_BYTES)
    goOn()
    await sending
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(answer.text).toBe(`${bytes} ${hash.digest('hex')}`)
  })

  it('is taken in as far as it is read', async () => {
    let read = 0
    let step: (() => void) | undefined
    bench.use(async (environ, startResponse) => {
      for (let i = 0; i < 3; i++) {
        read += (await environ['tsgi.input'].read(MB)).length
        await new Promise<void>((resolve) => {
          step = resolve
        })
      }
      startResponse('200 OK', [])
      return String(read)
    })
    const bytes = 160 * BLOCK.length
    const exchange = await bench.begin({ method: 'POST', length: bytes })
    let sent = 0
    const sending = (async () => {
      while (sent < bytes) {
        await exchange.sendBody(BLOCK)
        sent += BLOCK.length
      }
      await exchange.endBody()
    })()
    for (let round = 1; round <= 3; round++) {
      await settled(() => sent + read, 'the upload')
      expect(read).toBe(round * MB)
      expect(sent).toBeLessThan(round * MB + HELD_BYTES)
      step?.()
    }
    // What was not read is read over: the response arrives, the body goes nowhere.
    await sending
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(answer.text).toBe(String(3 * MB))
  })
})

over(EVERY_WAY, 'a response nobody reads', (bench) => {
  it('[83] is not asked for, and comes whole once it is read: 25 MB', async () => {
    bench.use(countsWhatIsTaken)
    const bytes = 25 * MB
    const exchange = await bench.begin({ target: `/?bytes=${bytes}` }, { keepBody: false })
    await exchange.endBody()
    await exchange.head()
    exchange.connection.socket.pause()
    // nginx takes a response into files of its own, faster than its client reads.
    const held = await settled(() => taken.bytes, 'the application')
    if (bench.way.proxied) expect(held).toBeLessThanOrEqual(bytes)
    else expect(held).toBeLessThan(HELD_BYTES)
    exchange.connection.socket.resume()
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(exchange.bodyBytes).toBe(bytes)
  })

  it('[83] write() waits for the reader, 25 MB', async () => {
    let written = 0
    const bytes = 400 * BLOCK.length
    bench.use(async (_environ, startResponse) => {
      const write = startResponse('200 OK', [])
      for (written = 0; written < bytes; written += BLOCK.length) await write(BLOCK)
      return null
    })
    const exchange = await bench.begin({}, { keepBody: false })
    await exchange.endBody()
    await exchange.head()
    exchange.connection.socket.pause()
    const held = await settled(() => written, 'the application')
    if (!bench.way.proxied) expect(held).toBeLessThan(HELD_BYTES)
    exchange.connection.socket.resume()
    expectComplete(await exchange.answer())
    expect(exchange.bodyBytes).toBe(bytes)
    exchange.leave()
  })
})

over(
  EVERY_WAY.filter(({ proxied }) => proxied),
  'a response nobody reads, unbuffered',
  (bench) => {
    it('[83] is not asked for while the client does not read', async () => {
      bench.use(countsWhatIsTaken)
      const bytes = 100 * MB
      const exchange = await bench.begin({ target: `/?bytes=${bytes}` }, { keepBody: false })
      await exchange.head()
      exchange.connection.socket.pause()
      expect(await settled(() => taken.bytes, 'the application')).toBeLessThan(20 * MB)
      exchange.leave()
    })
  },
  { nginx: { buffering: false } },
)
