import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UwsgiDecoder } from '../../src/protocol/uwsgi/index.ts'
import { concat, latin1Text } from '../wire/bytes.ts'
import { uwsgiPacket, uwsgiRequest, uwsgiVars } from '../wire/uwsgi.ts'
import { bodyArbitrary, cutsArbitrary, offsetsOf, paramsArbitrary, RUNS } from './arbitraries.ts'
import { cut, drive } from './drive.ts'

const CODES = ['TSGI_ERR_UWSGI_PACKET', 'TSGI_ERR_UWSGI_MODIFIER', 'TSGI_ERR_CONTENT_LENGTH']

describe('uwsgi decoder, for any request', () => {
  it('gives back what was sent, however it was cut', () => {
    fc.assert(
      fc.property(paramsArbitrary, bodyArbitrary, bodyArbitrary, cutsArbitrary, (others, body, more, cuts) => {
        const params = ['CONTENT_LENGTH', String(body.length), ...others]
        const bytes = concat([uwsgiRequest(params, body), more])
        const data = body.length > 0 ? [{ type: 'body', data: latin1Text(body) }] : []
        expect(drive(new UwsgiDecoder(), cut(bytes, offsetsOf(cuts, bytes.length)))).toEqual({
          events: [{ type: 'request', modifier1: 0, modifier2: 0, params, contentLength: body.length }, ...data, { type: 'end' }],
          error: undefined,
        })
      }),
      RUNS,
    )
  })

  it('waits for the rest of a body', () => {
    fc.assert(
      fc.property(bodyArbitrary, fc.integer({ min: 1, max: 1000 }), (body, missing) => {
        const bytes = uwsgiRequest(['CONTENT_LENGTH', String(body.length + missing)], body)
        const { events, error } = drive(new UwsgiDecoder(), [bytes])
        expect(error).toBeUndefined()
        expect(events).not.toContainEqual({ type: 'end' })
      }),
      RUNS,
    )
  })

  it('takes any Content-Length of digits alone, and refuses every other', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: fc.constantFrom(...'0123456789+-,.e x\t'), maxLength: 6 })),
        (value) => {
          fc.pre(value !== '' && Array.from(value).every((character) => character.charCodeAt(0) < 256))
          const { events, error } = drive(new UwsgiDecoder(), [uwsgiRequest(['CONTENT_LENGTH', value])])
          if (/^[0-9]+$/.test(value)) expect(events[0]).toMatchObject({ type: 'request', contentLength: Number(value) })
          else expect({ events, error }).toEqual({ events: [], error: 'TSGI_ERR_CONTENT_LENGTH' })
        },
      ),
      { ...RUNS, numRuns: 1000 },
    )
  })
})

describe('uwsgi decoder, for bytes that mean nothing', () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 100 }).map((block) => uwsgiPacket(block)),
    fc
      .tuple(fc.integer({ min: 0, max: 255 }), paramsArbitrary, fc.integer({ min: 0, max: 2000 }))
      .map(([modifier1, params, size]) => uwsgiPacket(uwsgiVars(params), { modifier1, size })),
    fc
      .tuple(paramsArbitrary, bodyArbitrary, fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 0, max: 255 }))
      .map(([params, body, at, byte]) => {
        const bytes = uwsgiRequest(['CONTENT_LENGTH', String(body.length), ...params], body)
        bytes[Math.floor(at * bytes.length)] = byte
        return bytes
      }),
  )

  it('throws coded errors and nothing else, and the same events and code under any split', () => {
    fc.assert(
      fc.property(garbage, cutsArbitrary, (bytes, cuts) => {
        const whole = drive(new UwsgiDecoder(), [bytes])
        if (whole.error !== undefined) expect(CODES).toContain(whole.error)
        expect(drive(new UwsgiDecoder(), cut(bytes, offsetsOf(cuts, bytes.length)))).toEqual(whole)
        expect(
          drive(
            new UwsgiDecoder(),
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
        const decoder = new UwsgiDecoder()
        const first = drive(decoder, [bytes])
        fc.pre(first.error !== undefined)
        const second = drive(decoder, [uwsgiRequest(['A', 'b'])])
        expect(second.events).toEqual([])
        if (second.error !== undefined) expect(CODES).toContain(second.error)
      }),
      { ...RUNS, numRuns: 1000 },
    )
  })
})
