import { isDeepStrictEqual } from 'node:util'
import { HTTPException, MultipartDecoder } from '../../../src/toolkit/index.ts'
import { cut, seeded } from '../../protocol/drive.ts'
import { concat, latin1, latin1Text } from '../../wire/bytes.ts'
import { foundBytes } from '../seeds.ts'
import { Finding, pick } from '../target.ts'
import type { Target } from '../target.ts'
import { hashOf } from './hash.ts'

/** What a decoder has given, the pieces of a part put together, and the status that it has refused the rest with. */
interface Outcome {
  readonly parts: {
    readonly name: string
    readonly filename: string | undefined
    readonly headers: unknown
    body: string
    ended: boolean
  }[]
  status: number
}

const LIMITS = { maxParts: 20, maxPartHeaderSize: 1000 }

function decode(chunks: readonly Uint8Array[]): Outcome {
  const outcome: Outcome = { parts: [], status: 200 }
  const pieces: Uint8Array[] = []
  try {
    const decoder = new MultipartDecoder('b', LIMITS)
    for (const chunk of chunks) {
      for (const event of decoder.push(chunk.slice())) {
        const last = outcome.parts.at(-1)
        if (event.kind === 'part') {
          const { name, filename, headers } = event
          outcome.parts.push({ name, filename, headers: [...headers], body: '', ended: false })
        } else if (last === undefined) throw new Finding('data without a part')
        else if (event.kind === 'data') {
          if (event.data.length === 0) throw new Finding('an empty piece')
          pieces.push(event.data.slice())
        } else {
          last.body = latin1Text(concat(pieces.splice(0)))
          last.ended = true
        }
      }
    }
    decoder.finish()
  } catch (error) {
    if (!(error instanceof HTTPException) || ![400, 413, 431].includes(error.status)) throw error
    outcome.status = error.status
  }
  return outcome
}

const PART = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
const WORDS = [
  '--b', '--b--', '\r\n--b\r\n', '\r\n--b--\r\n', '\r\n', '\r\n\r\n', '\n', '\r', '-', PART, 'Content-Disposition: form-data; name=a\r\n', '; filename="x.txt"', "; filename*=UTF-8''%e4",
  '; name="b"', 'Content-Type: text/plain; charset=utf-8\r\n', 'Content-Transfer-Encoding: base64\r\n', ' folded', '"', '\\"', '%22', '\0', '\xc3\xa4', ' \t',
] // prettier-ignore

export const MULTIPART: Target = {
  name: 'multipart',
  share: 18,
  covers: ['toolkit/multipart'],
  dictionary: WORDS,
  seeds: [
    latin1(`${PART}x\r\n--b--\r\n`),
    latin1(
      `preamble\r\n${PART}x\r\n${PART}\r\n--b \t\r\ncontent-disposition: form-data; name=b; filename="c"\r\nContent-Type: text/plain\r\n\r\n\0\xff\r\n--b--epilogue`,
    ),
    latin1('--b--'),
    ...foundBytes('multipart'),
  ],
  generate: (random) => {
    const bodies = ['', 'x', '\r\n', '\r\n-', '\r\n--', '\r', '--b', 'y'.repeat(3000)]
    const parts = Array.from({ length: random(5) }, () => `${PART}${pick(random, bodies)}\r\n`)
    return latin1(`${parts.join('')}--b--\r\n`)
  },
  run: (input) => {
    const whole = decode([input])
    const random = seeded(hashOf(input))
    const offsets = Array.from({ length: 1 + random(6) }, () => random(input.length + 1)).sort((a, b) => a - b)
    const splits = [cut(input, offsets)]
    if (hashOf(input) % 8 === 0 && input.length < 3000) splits.push(Array.from(input, (byte) => Uint8Array.of(byte)))
    for (const chunks of splits) {
      const outcome = decode(chunks)
      if (!isDeepStrictEqual(outcome, whole)) {
        throw new Finding(`in ${chunks.length} pieces: ${JSON.stringify(outcome)}; in one: ${JSON.stringify(whole)}`)
      }
    }
    if (whole.parts.length > LIMITS.maxParts) throw new Finding('more parts than there may be')
    // What was read as a form can be written as one, and is the same form then.
    if (whole.status !== 200 || whole.parts.some(({ name, filename }) => filename !== undefined || /["%\\\r\n\ufffd]/.test(name)))
      return
    const again = decode([
      ...whole.parts.flatMap(({ name, body }) => [
        Buffer.from(`--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
        latin1(`${body}\r\n`),
      ]),
      latin1('--b--\r\n'),
    ])
    const plain = ({ parts }: Outcome): unknown => parts.map(({ name, body }) => [name, body])
    if (!isDeepStrictEqual(plain(again), plain(whole))) throw new Finding('written again, the form is another one')
  },
}
