import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { FastcgiDecoder } from '../../src/protocol/fastcgi/index.ts'
import { ScgiDecoder } from '../../src/protocol/scgi/index.ts'
import { UwsgiDecoder } from '../../src/protocol/uwsgi/index.ts'
import { concat, latin1 } from '../wire/bytes.ts'
import * as wire from '../wire/fastcgi.ts'
import { scgiHead } from '../wire/scgi.ts'
import { uwsgiPacket, uwsgiVars } from '../wire/uwsgi.ts'
import { drive } from './drive.ts'

const KIB = 1024
const MIB = 1024 * KIB

setFlagsFromString('--expose-gc')
// V8's own function, which has no declaration.
const collectGarbage = runInNewContext('gc') as () => undefined

/** Bytes held now, garbage left out. */
async function heldBytes(): Promise<number> {
  // The memory of buffers is given back beside the collection: the next one waits for that.
  for (let round = 0; round < 3; round++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('what a peer can make a decoder hold', () => {
  it('allocates nothing for lengths of 0x7fffffff', async () => {
    for (const lengths of [
      [0xff, 0xff, 0xff, 0xff, 0x01],
      [0x01, 0xff, 0xff, 0xff, 0xff],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ]) {
      const decoders: FastcgiDecoder[] = []
      const before = await heldBytes()
      for (let i = 0; i < 50; i++) {
        const decoder = new FastcgiDecoder()
        const bytes = concat([wire.beginRequest(1), wire.stream(wire.PARAMS, 1, Uint8Array.from(lengths))])
        expect(drive(decoder, [bytes]).error).toMatch(/^TSGI_ERR_(FASTCGI_PARAMS|PARAMS_TOO_LARGE)$/)
        decoders.push(decoder)
      }
      expect((await heldBytes()) - before).toBeLessThan(MIB)
      expect(decoders).toHaveLength(50)
    }
  })

  it.each([
    { recordSize: 1, maxParamsBytes: 64 * KIB },
    { recordSize: 100, maxParamsBytes: 256 * KIB },
    { recordSize: 65_535, maxParamsBytes: 256 * KIB },
    { recordSize: 65_535, maxParamsBytes: 8 * MIB },
  ])(
    'refuses an endless PARAMS stream at the cap: $recordSize bytes a record, $maxParamsBytes at most',
    async ({ recordSize, maxParamsBytes }) => {
      const decoder = new FastcgiDecoder({ maxParamsBytes })
      const content = new Uint8Array(recordSize).fill(1)
      const before = await heldBytes()
      let sent = 0
      let error: string | undefined = drive(decoder, [wire.beginRequest(1)]).error
      while (error === undefined) {
        error = drive(decoder, [wire.record(wire.PARAMS, 1, content)]).error
        sent += recordSize
        expect(sent, 'content taken in').toBeLessThanOrEqual(maxParamsBytes + recordSize)
      }
      expect(error).toBe('TSGI_ERR_PARAMS_TOO_LARGE')
      // The stream may grow by doubling.
      expect((await heldBytes()) - before).toBeLessThan(2 * maxParamsBytes + MIB)
    },
  )

  it('refuses a record that would go over the cap by its header, before its content is there', () => {
    const decoder = new FastcgiDecoder({ maxParamsBytes: 1000 })
    const head = wire.record(wire.PARAMS, 1, new Uint8Array(0), { contentLength: 1001 })
    expect(drive(decoder, [wire.beginRequest(1), head]).error).toBe('TSGI_ERR_PARAMS_TOO_LARGE')
  })

  it('has a cap when it is given none', () => {
    const decoder = new FastcgiDecoder()
    const content = new Uint8Array(65_535).fill(1)
    const chunks = [wire.beginRequest(1), ...Array.from({ length: 64 }, () => wire.record(wire.PARAMS, 1, content))]
    expect(drive(decoder, chunks).error).toBe('TSGI_ERR_PARAMS_TOO_LARGE')
  })

  it('keeps nothing of a body that is taken as it comes', async () => {
    const data = new Uint8Array(64 * KIB - 1).fill(7)
    const fastcgi = new FastcgiDecoder()
    const uwsgi = new UwsgiDecoder()
    drive(fastcgi, [wire.requestHead(1, ['A', 'b'])])
    const scgi = new ScgiDecoder()
    drive(uwsgi, [uwsgiPacket(uwsgiVars(['CONTENT_LENGTH', String(1024 * MIB)]))])
    drive(scgi, [scgiHead(['CONTENT_LENGTH', String(1024 * MIB)])])
    const before = await heldBytes()
    for (let i = 0; i < 1000; i++) {
      expect(drive(fastcgi, [wire.record(wire.STDIN, 1, data, { padding: 1 })]).events).toHaveLength(1)
      expect(drive(uwsgi, [data]).events).toHaveLength(1)
      expect(drive(scgi, [data]).events).toHaveLength(1)
    }
    expect((await heldBytes()) - before).toBeLessThan(2 * MIB)
  })

  it('keeps nothing of what it reads over: late STDIN, management records, bytes behind a uwsgi or an SCGI request', async () => {
    const data = new Uint8Array(64 * KIB - 1)
    const fastcgi = new FastcgiDecoder()
    const uwsgi = new UwsgiDecoder()
    const scgi = new ScgiDecoder()
    drive(uwsgi, [uwsgiPacket(uwsgiVars(['A', 'b']))])
    drive(scgi, [scgiHead(['A', 'b'])])
    const before = await heldBytes()
    for (let i = 0; i < 500; i++) {
      drive(fastcgi, [wire.record(wire.STDIN, 9, data), wire.record(42, 0, data)])
      drive(uwsgi, [data])
      drive(scgi, [data])
    }
    expect((await heldBytes()) - before).toBeLessThan(2 * MIB)
  })

  it('holds for SCGI headers what has come of them, not what their length promises', async () => {
    const before = await heldBytes()
    const decoders = Array.from({ length: 200 }, () => {
      const decoder = new ScgiDecoder()
      expect(drive(decoder, [latin1('262144:'), latin1('CONTENT_')])).toEqual({ events: [], error: undefined })
      return decoder
    })
    expect((await heldBytes()) - before).toBeLessThan(2 * MIB)
    expect(decoders).toHaveLength(200)
  })

  it('takes time in proportion to the bytes of SCGI headers that come byte by byte', () => {
    const bytes = scgiHead(['A', 'b'.repeat(250 * KIB)])
    const start = performance.now()
    const { events } = drive(
      new ScgiDecoder(),
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
    )
    expect(events).toHaveLength(2)
    expect(performance.now() - start).toBeLessThan(4000)
  })

  it('takes time in proportion to the bytes: 250 KiB of params in one-byte records, byte by byte', () => {
    const pairs = wire.nameValuePairs(['A', 'b'.repeat(250 * KIB)])
    const bytes = concat([wire.beginRequest(1), wire.stream(wire.PARAMS, 1, pairs, { recordSize: 1 })])
    const decoder = new FastcgiDecoder()
    const start = performance.now()
    let params = 0
    for (let at = 0; at < bytes.length; at++) {
      decoder.push(bytes.subarray(at, at + 1))
      for (let event = decoder.next(); event !== undefined; event = decoder.next()) if (event.type === 'params') params++
    }
    expect(params).toBe(1)
    // 2.3 million pushes: about 0.3 s where it is linear, minutes where each copies what is there.
    expect(performance.now() - start).toBeLessThan(8000)
  })
})
