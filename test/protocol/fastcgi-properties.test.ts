import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FastcgiDecoder } from '../../src/protocol/fastcgi/index.ts'
import { concat, latin1Text } from '../wire/bytes.ts'
import * as wire from '../wire/fastcgi.ts'
import { bodyArbitrary, cutsArbitrary, offsetsOf, paramsArbitrary, RUNS } from './arbitraries.ts'
import { cut, drive } from './drive.ts'

const requestIdArbitrary = fc.integer({ min: 1, max: 65_535 })
const CODES = ['TSGI_ERR_FASTCGI_RECORD', 'TSGI_ERR_FASTCGI_PARAMS', 'TSGI_ERR_PARAMS_TOO_LARGE']

/** Some records that are well formed one by one, in an order that may make no sense. */
const recordArbitrary = fc
  .record({
    type: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 255 })),
    requestId: fc.integer({ min: 0, max: 3 }),
    content: fc.uint8Array({ maxLength: 40 }),
    padding: fc.integer({ min: 0, max: 12 }),
  })
  .map(({ type, requestId, content, padding }) => wire.record(type, requestId, content, { padding }))

describe('FastCGI decoder, for any request', () => {
  it('gives back what was sent, however it was cut into records and chunks', () => {
    fc.assert(
      fc.property(
        requestIdArbitrary,
        paramsArbitrary,
        bodyArbitrary,
        fc.record({
          recordSize: fc.integer({ min: 1, max: 300 }),
          padding: fc.integer({ min: 0, max: 255 }),
          keep: fc.boolean(),
        }),
        fc.boolean(),
        cutsArbitrary,
        (requestId, params, body, { recordSize, padding, keep }, longLengths, cuts) => {
          const bytes = concat([
            wire.beginRequest(requestId, { keep }),
            wire.stream(wire.PARAMS, requestId, wire.nameValuePairs(params, { longLengths }), { recordSize, padding }),
            wire.stream(wire.STDIN, requestId, body, { recordSize, padding }),
          ])
          const outcome = drive(new FastcgiDecoder(), cut(bytes, offsetsOf(cuts, bytes.length)))
          const stdin = body.length > 0 ? [{ type: 'stdin', requestId, data: latin1Text(body) }] : []
          expect(outcome).toEqual({
            events: [
              { type: 'begin', requestId, role: wire.RESPONDER, keepConnection: keep },
              { type: 'params', requestId, params },
              ...stdin,
              { type: 'stdin-end', requestId },
            ],
            error: undefined,
          })
        },
      ),
      RUNS,
    )
  })

  it('gives the same when several chunks are pushed before events are taken', () => {
    fc.assert(
      fc.property(paramsArbitrary, bodyArbitrary, cutsArbitrary, (params, body, cuts) => {
        const bytes = wire.fastcgiRequest(1, params, body)
        const decoder = new FastcgiDecoder()
        for (const chunk of cut(bytes, offsetsOf(cuts, bytes.length))) decoder.push(chunk.slice())
        expect(drive(decoder, [new Uint8Array(0)])).toEqual(drive(new FastcgiDecoder(), [bytes]))
      }),
      RUNS,
    )
  })
})

describe('FastCGI decoder, for bytes that mean nothing', () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(recordArbitrary, { maxLength: 12 }).map(concat),
    fc
      .array(recordArbitrary, { maxLength: 6 })
      .map((records) => concat([wire.requestHead(1, ['A', 'b'], { keep: true }), ...records])),
    // One byte of a good request turned into another.
    fc
      .tuple(paramsArbitrary, bodyArbitrary, fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 0, max: 255 }))
      .map(([params, body, at, byte]) => {
        const bytes = wire.fastcgiRequest(1, params, body)
        bytes[Math.floor(at * bytes.length)] = byte
        return bytes
      }),
  )

  it('throws coded errors and nothing else, and the same events and code under any split', () => {
    fc.assert(
      fc.property(garbage, cutsArbitrary, (bytes, cuts) => {
        const whole = drive(new FastcgiDecoder(), [bytes])
        if (whole.error !== undefined) expect(CODES).toContain(whole.error)
        expect(drive(new FastcgiDecoder(), cut(bytes, offsetsOf(cuts, bytes.length)))).toEqual(whole)
        expect(
          drive(
            new FastcgiDecoder(),
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
          ),
        ).toEqual(whole)
      }),
      { ...RUNS, numRuns: 2000 },
    )
  })

  it('gives no event behind an error', () => {
    fc.assert(
      fc.property(garbage, (bytes) => {
        const decoder = new FastcgiDecoder()
        const first = drive(decoder, [bytes])
        fc.pre(first.error !== undefined)
        const second = drive(decoder, [wire.fastcgiRequest(1, ['A', 'b'])])
        expect(second.events).toEqual([])
        if (second.error !== undefined) expect(CODES).toContain(second.error)
      }),
      { ...RUNS, numRuns: 1000 },
    )
  })

  it('takes endRequest at any time', () => {
    fc.assert(
      fc.property(garbage, cutsArbitrary, fc.integer({ min: 0, max: 6 }), (bytes, cuts, after) => {
        const run = (chunks: Uint8Array[]): unknown => {
          const decoder = new FastcgiDecoder()
          let seen = 0
          return drive(decoder, chunks, (type) => {
            // Pieces of a body differ with the split: they are not counted.
            if (type !== 'stdin' && ++seen === after) decoder.endRequest()
          })
        }
        expect(run(cut(bytes, offsetsOf(cuts, bytes.length)))).toEqual(run([bytes]))
      }),
      { ...RUNS, numRuns: 1000 },
    )
  })
})
