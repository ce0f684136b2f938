import { isDeepStrictEqual } from 'node:util'
import { encodeVars, UwsgiDecoder } from '../../../src/protocol/uwsgi/index.ts'
import { encodeHeaders, ScgiDecoder } from '../../../src/protocol/scgi/index.ts'
import { encodeParams, FastcgiDecoder } from '../../../src/protocol/fastcgi/index.ts'
import { cut, drive, seeded } from '../../protocol/drive.ts'
import type { Decoder, Outcome } from '../../protocol/drive.ts'
import { concat, latin1, latin1Text } from '../../wire/bytes.ts'
import { fastcgiRequest, PARAMS, RecordReader } from '../../wire/fastcgi.ts'
import { scgiRequest } from '../../wire/scgi.ts'
import { uwsgiRequest } from '../../wire/uwsgi.ts'
import { fastcgiSent } from '../reference/fastcgi.ts'
import type { SentRequest } from '../reference/request.ts'
import { scgiSent } from '../reference/scgi.ts'
import { uwsgiSent } from '../reference/uwsgi.ts'
import { foundBytes, vectorsOf } from '../seeds.ts'
import { Finding } from '../target.ts'
import type { Target } from '../target.ts'
import { hashOf } from './hash.ts'
import { someVariables, VARIABLE_WORDS } from './variables.ts'

/** Codes that a decoder may throw, by what its own comment says. */
const CODES = {
  fastcgi: ['TSGI_ERR_FASTCGI_RECORD', 'TSGI_ERR_FASTCGI_PARAMS', 'TSGI_ERR_PARAMS_TOO_LARGE'],
  uwsgi: ['TSGI_ERR_UWSGI_PACKET', 'TSGI_ERR_UWSGI_MODIFIER', 'TSGI_ERR_CONTENT_LENGTH'],
  scgi: ['TSGI_ERR_SCGI_REQUEST', 'TSGI_ERR_PARAMS_TOO_LARGE', 'TSGI_ERR_CONTENT_LENGTH', 'TSGI_ERR_REQUEST_INVALID'],
}

/** Longest input that is also given byte by byte. */
const BYTE_BY_BYTE_BYTES = 2000

/** Decodes under several splits. Gives what came of it, which must be the same each time. */
function outcomeOf(wire: keyof typeof CODES, input: Uint8Array, decode: (chunks: Uint8Array[]) => Outcome): Outcome {
  const whole = decode([input])
  if (whole.error !== undefined && !CODES[wire].includes(whole.error)) throw new Finding(`throws ${whole.error}`)
  const hash = hashOf(input)
  const random = seeded(hash)
  const offsets = Array.from({ length: 1 + random(6) }, () => random(input.length + 1)).sort((a, b) => a - b)
  const splits = [cut(input, offsets)]
  if (hash % 8 === 0 && input.length < BYTE_BY_BYTE_BYTES) splits.push(Array.from(input, (byte) => Uint8Array.of(byte)))
  for (const chunks of splits) {
    const outcome = decode(chunks)
    if (!isDeepStrictEqual(outcome, whole)) {
      throw new Finding(`in ${chunks.length} pieces: ${JSON.stringify(outcome)}; in one: ${JSON.stringify(whole)}`)
    }
  }
  return whole
}

/** Requests that the events tell of. */
function requestsOf({ events }: Outcome): SentRequest[] {
  const requests: { params: string[]; body: Uint8Array; complete: boolean }[] = []
  // Written down by `drive`, with data as latin-1.
  for (const event of events as { type: string; params?: string[]; data?: string }[]) {
    const last = requests.at(-1)
    if (event.params !== undefined) requests.push({ params: event.params, body: new Uint8Array(0), complete: false })
    else if (event.data !== undefined && last !== undefined) last.body = concat([last.body, latin1(event.data)])
    else if (last !== undefined && (event.type === 'end' || event.type === 'stdin-end')) last.complete = true
  }
  return requests
}

/** Each request must be one that was sent, in the order in which they were sent. */
function expectSent(requests: readonly SentRequest[], sent: readonly SentRequest[]): void {
  let at = 0
  for (const { params, body, complete } of requests) {
    const same = (one: SentRequest): boolean =>
      isDeepStrictEqual(one.params, params) &&
      latin1Text(one.body).startsWith(latin1Text(body)) &&
      (!complete || (one.complete && one.body.length === body.length))
    const found = sent.findIndex((one, index) => index >= at && same(one))
    if (found === -1) throw new Finding(`a request that was not sent: ${JSON.stringify([params, latin1Text(body), complete])}`)
    at = found + 1
  }
}

function decoded<D extends Decoder>(make: () => D): (chunks: Uint8Array[]) => Outcome {
  return (chunks) => drive(make(), chunks)
}

export const DECODERS: readonly Target[] = [
  {
    name: 'fastcgi',
    share: 15,
    covers: ['protocol/fastcgi/decoder', 'protocol/fastcgi/params', 'protocol/chunk-decoder'],
    dictionary: [
      ...VARIABLE_WORDS,
      '\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00',
      '\x01\x04\x00\x01\x00\x00\x00\x00',
      '\x01\x05\x00\x01\x00\x00\x00\x00',
      '\x01\x02\x00\x01\x00\x00\x00\x00',
      '\x01\x09\x00\x00\x00\x00\x00\x00',
    ],
    seeds: [...vectorsOf('fastcgi'), ...foundBytes('fastcgi')],
    generate: (random) => {
      const request = (): Uint8Array => {
        const { params, body } = someVariables(random)
        return fastcgiRequest(1 + random(3), params, body, { keep: random(2) === 0 })
      }
      return concat(Array.from({ length: 1 + random(3) }, request))
    },
    run: (input) => {
      const freesIds = hashOf(input) % 4 > 0
      const outcome = outcomeOf('fastcgi', input, (chunks) => {
        const decoder = new FastcgiDecoder()
        return drive(decoder, chunks, (type) => {
          if (freesIds && type === 'stdin-end') decoder.endRequest()
        })
      })
      const requests = requestsOf(outcome)
      expectSent(requests, fastcgiSent(input))
      for (const { params } of requests) {
        const pairs = new RecordReader().push(encodeParams(1, params))
        const again = drive(new FastcgiDecoder(), [
          Uint8Array.of(1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
          encodeParams(1, params),
        ])
        if (pairs.some(({ type }) => type !== PARAMS) || !isDeepStrictEqual(requestsOf(again)[0]?.params ?? [], params)) {
          throw new Finding('encoded and decoded again, the params are others')
        }
      }
    },
  },
  {
    name: 'uwsgi',
    share: 12,
    covers: ['protocol/uwsgi/decoder', 'protocol/uwsgi/vars', 'protocol/content-length', 'protocol/chunk-decoder'],
    dictionary: VARIABLE_WORDS,
    seeds: [...vectorsOf('uwsgi'), ...foundBytes('uwsgi')],
    generate: (random) => {
      const { params, body } = someVariables(random)
      return uwsgiRequest(params, body)
    },
    run: (input) => {
      const requests = requestsOf(
        outcomeOf(
          'uwsgi',
          input,
          decoded(() => new UwsgiDecoder()),
        ),
      )
      const sent = uwsgiSent(input)
      expectSent(requests, sent === undefined ? [] : [sent])
      if (sent !== undefined && requests.length === 0) throw new Finding('a request that was sent is not seen')
      for (const { params } of requests) {
        const block = encodeVars(params)
        if (!isDeepStrictEqual(block, input.slice(4, 4 + block.length))) throw new Finding('encoded again, the bytes are others')
      }
    },
  },
  {
    name: 'scgi',
    share: 12,
    covers: ['protocol/scgi/', 'protocol/content-length', 'protocol/chunk-decoder'],
    dictionary: [...VARIABLE_WORDS, 'CONTENT_LENGTH\x000\x00SCGI\x001\x00', '\x00', ',', '24:'],
    seeds: [...vectorsOf('scgi'), ...foundBytes('scgi')],
    generate: (random) => {
      const { params, body } = someVariables(random)
      return scgiRequest(params, body)
    },
    run: (input) => {
      const requests = requestsOf(
        outcomeOf(
          'scgi',
          input,
          decoded(() => new ScgiDecoder()),
        ),
      )
      const sent = scgiSent(input)
      expectSent(requests, sent === undefined ? [] : [sent])
      for (const { params } of requests) {
        const start = input.indexOf(58) + 1
        const block = encodeHeaders(params)
        if (!isDeepStrictEqual(block, input.slice(start, start + block.length))) {
          throw new Finding('encoded again, the bytes are others')
        }
      }
    },
  },
]
