import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeAbortRequest,
  encodeBeginRequest,
  encodeEndRequest,
  encodeGetValues,
  encodeGetValuesResult,
  encodeParams,
  encodeStderr,
  encodeStdin,
  encodeStdout,
  encodeUnknownType,
  FastcgiDecoder,
} from '../../src/protocol/fastcgi/index.ts'
import { encodeUwsgiRequest, UWSGI_PONG, UwsgiDecoder } from '../../src/protocol/uwsgi/index.ts'
import { concat, hex, latin1, latin1Text, pattern } from '../wire/bytes.ts'
import * as wire from '../wire/fastcgi.ts'
import { uwsgiPacket, uwsgiVars } from '../wire/uwsgi.ts'
import { bodyArbitrary, latin1Arbitrary, paramsArbitrary, RUNS } from './arbitraries.ts'
import { drive } from './drive.ts'

const requestIdArbitrary = fc.integer({ min: 1, max: 65_535 })

describe('FastCGI encoders', () => {
  it('write the bytes of FastCGI 1.0, section 3.3 and 5', () => {
    expect(hex(encodeBeginRequest(1, 1, 1))).toBe('0101000100080000' + '0001010000000000')
    expect(hex(encodeBeginRequest(0x1234, 0x0102, 0))).toBe('0101123400080000' + '0102000000000000')
    expect(hex(encodeAbortRequest(1))).toBe('0102000100000000')
    expect(hex(encodeEndRequest(1, 0, 0))).toBe('0103000100080000' + '0000000000000000')
    expect(hex(encodeEndRequest(0xffff, 0xfffffffe, 3))).toBe('0103ffff00080000' + 'fffffffe03000000')
    expect(hex(encodeParams(1, []))).toBe('0104000100000000')
    expect(hex(encodeStdin(1, new Uint8Array(0)))).toBe('0105000100000000')
    expect(hex(encodeStdout(1, latin1('ok')))).toBe('0106000100020000' + '6f6b')
    expect(hex(encodeStderr(2, 'caf\xe9'))).toBe('0107000200040000' + '636166e9')
    expect(hex(encodeUnknownType(42))).toBe('010b000000080000' + '2a00000000000000')
  })

  it('agree with the wire client for any params and body', () => {
    fc.assert(
      fc.property(requestIdArbitrary, paramsArbitrary, bodyArbitrary, (requestId, params, body) => {
        expect(encodeParams(requestId, params)).toEqual(wire.stream(wire.PARAMS, requestId, wire.nameValuePairs(params)))
        expect(encodeStdin(requestId, body)).toEqual(
          body.length === 0 ? wire.record(wire.STDIN, requestId) : wire.stream(wire.STDIN, requestId, body, { close: false }),
        )
      }),
      RUNS,
    )
  })

  it('cut streams at 65,535 bytes, with what padding they like', () => {
    for (const length of [65_534, 65_535, 65_536, 131_070, 131_071, 200_000]) {
      const content = pattern(length)
      for (const [type, bytes] of [
        [wire.STDOUT, encodeStdout(7, content)],
        [wire.STDIN, encodeStdin(7, content)],
        [wire.STDERR, encodeStderr(7, latin1Text(content))],
      ] as const) {
        const records = new wire.RecordReader().push(bytes)
        expect(records.map((record) => [record.version, record.type, record.requestId])).toEqual(records.map(() => [1, type, 7]))
        expect(
          records.every((record) => record.content.length > 0),
          'an empty record would end the stream',
        ).toBe(true)
        expect(Buffer.compare(concat(records.map((record) => record.content)), content)).toBe(0)
        const covered = records.reduce((sum, record) => sum + 8 + record.content.length + record.paddingLength, 0)
        expect(covered).toBe(bytes.length)
      }
    }
  })

  it('cut PARAMS over 65,535 bytes into records that a decoder puts together again', () => {
    const params = ['HTTP_A', 'a'.repeat(70_000), 'HTTP_B', 'b'.repeat(70_000)]
    expect(encodeParams(1, params)).toEqual(wire.stream(wire.PARAMS, 1, wire.nameValuePairs(params)))
    const { events } = drive(new FastcgiDecoder(), [encodeBeginRequest(1, 1, 0), encodeParams(1, params)])
    expect(events[1]).toEqual({ type: 'params', requestId: 1, params })
  })

  it('are undone by the decoder', () => {
    fc.assert(
      fc.property(
        requestIdArbitrary,
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        paramsArbitrary,
        bodyArbitrary,
        (requestId, role, keep, params, body) => {
          const chunks = [
            encodeBeginRequest(requestId, role, keep ? 1 : 0),
            encodeParams(requestId, params),
            ...(body.length > 0 ? [encodeStdin(requestId, body)] : []),
            encodeStdin(requestId, new Uint8Array(0)),
            encodeAbortRequest(requestId),
          ]
          expect(drive(new FastcgiDecoder(), chunks)).toEqual({
            events: [
              { type: 'begin', requestId, role, keepConnection: keep },
              { type: 'params', requestId, params },
              ...(body.length > 0 ? [{ type: 'stdin', requestId, data: latin1Text(body) }] : []),
              { type: 'stdin-end', requestId },
              { type: 'abort', requestId },
            ],
            error: undefined,
          })
        },
      ),
      RUNS,
    )
  })

  it('write management records that both readers understand', () => {
    fc.assert(
      fc.property(fc.array(latin1Arbitrary(150), { maxLength: 6 }), (names) => {
        const pairs = names.flatMap((name) => [name, ''])
        expect(encodeGetValues(names)).toEqual(wire.record(wire.GET_VALUES, 0, wire.nameValuePairs(pairs)))
        expect(drive(new FastcgiDecoder(), [encodeGetValues(names)]).events).toEqual([{ type: 'get-values', names }])
        const result = new wire.RecordReader().push(encodeGetValuesResult(pairs))
        expect(result).toHaveLength(1)
        expect(result[0]).toMatchObject({ version: 1, type: wire.GET_VALUES_RESULT, requestId: 0 })
        expect(wire.decodePairs(result[0]?.content ?? new Uint8Array(0))).toEqual(pairs)
      }),
      RUNS,
    )
  })
})

describe('uwsgi encoders', () => {
  it('write the bytes of the uwsgi protocol', () => {
    expect(hex(encodeUwsgiRequest(['AB', 'c', 'D', '']))).toBe(
      '000c0000' + '0200' + '4142' + '0100' + '63' + '0100' + '44' + '0000',
    )
    expect(hex(encodeUwsgiRequest(['A', 'b'], { modifier1: 5, modifier2: 9 }))).toBe('05060009' + '0100' + '41' + '0100' + '62')
    expect(hex(UWSGI_PONG)).toBe('64000001')
  })

  it('agree with the wire client and are undone by the decoder', () => {
    fc.assert(
      fc.property(
        paramsArbitrary.filter((params) => params.length > 0),
        (params) => {
          const bytes = encodeUwsgiRequest(params)
          expect(bytes).toEqual(uwsgiPacket(uwsgiVars(params)))
          expect(drive(new UwsgiDecoder(), [bytes]).events[0]).toMatchObject({ type: 'request', params })
        },
      ),
      RUNS,
    )
  })

  it('fill a packet to 65,535 bytes and refuse one more', () => {
    expect(encodeUwsgiRequest(['A', 'b'.repeat(65_530)])).toHaveLength(4 + 65_535)
    expect(() => encodeUwsgiRequest(['A', 'b'.repeat(65_531)])).toThrow(
      expect.objectContaining({ code: 'TSGI_ERR_UWSGI_PACKET' }),
    )
    expect(() => encodeUwsgiRequest(['', 'b'])).toThrow(expect.objectContaining({ code: 'TSGI_ERR_UWSGI_PACKET' }))
  })
})
