import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHeaders, encodeHeaders, encodeScgiRequest, ScgiDecoder } from '../../src/protocol/scgi/index.ts'
import { concat, hex, latin1Text } from '../wire/bytes.ts'
import { netstring, scgiHeaders, scgiRequest } from '../wire/scgi.ts'
import { bodyArbitrary, cutsArbitrary, offsetsOf, paramsArbitrary, RUNS } from './arbitraries.ts'
import { cut, drive } from './drive.ts'

const CODES = ['TSGI_ERR_SCGI_REQUEST', 'TSGI_ERR_PARAMS_TOO_LARGE', 'TSGI_ERR_CONTENT_LENGTH', 'TSGI_ERR_REQUEST_INVALID']

/** Any names and values that the protocol can say: no NUL, no name twice. */
const headersArbitrary: fc.Arbitrary<string[]> = paramsArbitrary.map((params) => {
  const headers = new Map<string, string>()
  for (let index = 0; index < params.length; index += 2) {
    const [name = '', value = ''] = [params[index], params[index + 1]].map((text) => (text ?? '').replaceAll('\0', '\x01'))
    if (name !== 'SCGI' && name !== 'CONTENT_LENGTH' && name !== 'HTTP_CONTENT_LENGTH') headers.set(name, value)
  }
  return [...headers].flat()
})

describe('SCGI decoder, for any request', () => {
  it('gives back what was sent, however it was cut', () => {
    fc.assert(
      fc.property(headersArbitrary, bodyArbitrary, bodyArbitrary, cutsArbitrary, (others, body, more, cuts) => {
        const params = ['CONTENT_LENGTH', String(body.length), 'SCGI', '1', ...others]
        const bytes = concat([scgiRequest(['CONTENT_LENGTH', String(body.length), ...others], body), more])
        const data = body.length > 0 ? [{ type: 'body', data: latin1Text(body) }] : []
        expect(drive(new ScgiDecoder(), cut(bytes, offsetsOf(cuts, bytes.length)))).toEqual({
          events: [{ type: 'request', params, contentLength: body.length }, ...data, { type: 'end' }],
          error: undefined,
        })
      }),
      RUNS,
    )
  })

  it('waits for the rest of a body', () => {
    fc.assert(
      fc.property(bodyArbitrary, fc.integer({ min: 1, max: 1000 }), (body, missing) => {
        const bytes = scgiRequest(['CONTENT_LENGTH', String(body.length + missing)], body)
        const { events, error } = drive(new ScgiDecoder(), [bytes])
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
          fc.pre(value !== '' && Array.from(value).every((character) => /[\x01-\xff]/.test(character)))
          const { events, error } = drive(new ScgiDecoder(), [scgiRequest(['CONTENT_LENGTH', value])])
          if (/^[0-9]+$/.test(value)) expect(events[0]).toMatchObject({ type: 'request', contentLength: Number(value) })
          else expect({ events, error }).toEqual({ events: [], error: 'TSGI_ERR_CONTENT_LENGTH' })
        },
      ),
      { ...RUNS, numRuns: 1000 },
    )
  })
})

describe('SCGI encoders', () => {
  it('agree with the wire client, and with the decoder, for any headers', () => {
    fc.assert(
      fc.property(headersArbitrary, bodyArbitrary, (headers, body) => {
        const bytes = encodeScgiRequest(headers, body.length)
        expect(hex(bytes)).toBe(hex(scgiRequest(['CONTENT_LENGTH', String(body.length), ...headers])))
        const block = encodeHeaders(headers)
        expect(hex(block)).toBe(hex(scgiHeaders(headers)))
        expect(decodeHeaders(block, 0, block.length)).toEqual(headers)
      }),
      RUNS,
    )
  })

  it('refuse what the protocol cannot say', () => {
    for (const headers of [
      ['', 'value'],
      ['NA\0ME', 'value'],
      ['NAME', 'val\0ue'],
    ]) {
      expect(() => encodeScgiRequest(headers)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_SCGI_REQUEST' }))
    }
  })
})

describe('SCGI decoder, for bytes that mean nothing', () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 100 }).map((block) => netstring(block)),
    fc
      .tuple(headersArbitrary, fc.integer({ min: 0, max: 300_000 }))
      .map(([headers, size]) => netstring(scgiHeaders(headers), size)),
    fc
      .tuple(headersArbitrary, bodyArbitrary, fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 0, max: 255 }))
      .map(([headers, body, at, byte]) => {
        const bytes = scgiRequest(['CONTENT_LENGTH', String(body.length), ...headers], body)
        bytes[Math.floor(at * bytes.length)] = byte
        return bytes
      }),
  )

  it('throws coded errors and nothing else, and the same events and code under any split', () => {
    fc.assert(
      fc.property(garbage, cutsArbitrary, (bytes, cuts) => {
        const whole = drive(new ScgiDecoder(), [bytes])
        if (whole.error !== undefined) expect(CODES).toContain(whole.error)
        expect(drive(new ScgiDecoder(), cut(bytes, offsetsOf(cuts, bytes.length)))).toEqual(whole)
        expect(
          drive(
            new ScgiDecoder(),
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
        const decoder = new ScgiDecoder()
        const first = drive(decoder, [bytes])
        fc.pre(first.error !== undefined)
        const second = drive(decoder, [scgiRequest(['A', 'b'])])
        expect(second).toEqual({ events: [], error: first.error })
      }),
      { ...RUNS, numRuns: 1000 },
    )
  })
})
