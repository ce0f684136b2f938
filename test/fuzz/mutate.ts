import { concat, latin1 } from '../wire/bytes.ts'
import { pick } from './target.ts'
import type { Random } from './target.ts'

/** Longest input, bytes: beyond every limit that a decoder has of its own but that of parameters, which has tests of its own. */
const MAX_INPUT_BYTES = 70_000

/** Bytes at which something begins or ends: NUL, lengths, line ends, separators, the first byte with the top bit set. */
const EDGES = [0, 1, 2, 4, 5, 8, 9, 10, 13, 32, 34, 37, 38, 44, 45, 47, 48, 57, 58, 59, 61, 65, 92, 123, 127, 128, 254, 255]

/** Numbers that lengths are compared with. */
const NUMBERS = [
  '0',
  '1',
  '-1',
  '+5',
  '00',
  '9',
  '10',
  '255',
  '256',
  '65535',
  '65536',
  '2147483648',
  '9007199254740993',
  '1e3',
  '0x10',
  '',
]

type Mutation = (input: Uint8Array, random: Random, other: Uint8Array, dictionary: readonly string[]) => Uint8Array

/** Each takes an input and gives another one; none changes the one it is given. */
const MUTATIONS: readonly Mutation[] = [
  // One bit.
  (input, random) => changed(input, random, (byte) => byte ^ (1 << random(8))),
  // One byte.
  (input, random) => changed(input, random, () => random(256)),
  (input, random) => changed(input, random, () => pick(random, EDGES)),
  (input, random) => changed(input, random, (byte) => byte + (random(2) === 0 ? 1 : -1) * (1 + random(8))),
  // Two bytes that may be a length.
  (input, random) => {
    const at = random(input.length)
    const value = pick(random, [0, 1, 127, 128, 255, 256, 1023, 65_534, 65_535, input.length, input.length - at])
    const bytes = random(2) === 0 ? [value & 0xff, value >> 8] : [value >> 8, value & 0xff]
    return spliced(input, at, 2, Uint8Array.from(bytes))
  },
  // A piece taken out, put in twice, put elsewhere.
  (input, random) => spliced(input, random(input.length), 1 + random(random(2) === 0 ? 8 : input.length), new Uint8Array(0)),
  (input, random) => {
    const piece = pieceOf(input, random)
    return spliced(input, random(input.length + 1), 0, piece)
  },
  (input, random) => spliced(input, random(input.length), random(16), pieceOf(input, random)),
  // The end of another input, a piece of it.
  (input, random, other) => concat([input.subarray(0, random(input.length + 1)), other.subarray(random(other.length + 1))]),
  (input, random, other) => spliced(input, random(input.length + 1), random(16), pieceOf(other, random)),
  // Words that mean something.
  (input, random, _, dictionary) => spliced(input, random(input.length + 1), random(2) * random(8), word(random, dictionary)),
  (input, random, _, dictionary) => spliced(input, random(input.length + 1), random(12), word(random, dictionary)),
  (input, random, _, dictionary) => {
    const put = word(random, dictionary)
    return spliced(input, random(input.length + 1), put.length, put)
  },
  // A number in text.
  (input, random) => {
    const from = random(input.length)
    const at = input.findIndex((byte, index) => index >= from && byte >= 48 && byte <= 57)
    if (at === -1) return input
    let end = at
    while (end < input.length && (input[end] ?? 0) >= 48 && (input[end] ?? 0) <= 57) end++
    return spliced(input, at, end - at, latin1(pick(random, NUMBERS)))
  },
  // The end is missing; something stands behind it.
  (input, random) => input.subarray(0, random(input.length + 1)),
  (input, random, other) => concat([input, other.subarray(0, random(other.length + 1))]),
  // A byte many times.
  (input, random) =>
    spliced(
      input,
      random(input.length + 1),
      0,
      new Uint8Array(1 + random(pick(random, [64, 64, 64, 64, 9000, 60_000]))).fill(random(256)),
    ),
]

/** One to eight changes of an input. */
export function mutated(input: Uint8Array, other: Uint8Array, random: Random, dictionary: readonly string[]): Uint8Array {
  let result = input
  for (let times = 1 + random(random(4) === 0 ? 8 : 3); times > 0; times--) {
    if (result.length === 0) result = Uint8Array.of(random(256))
    result = pick(random, MUTATIONS)(result, random, other, dictionary)
  }
  return result.slice(0, MAX_INPUT_BYTES)
}

function changed(input: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  const copy = input.slice()
  const at = random(copy.length)
  copy[at] = change(copy[at] ?? 0)
  return copy
}

function spliced(input: Uint8Array, at: number, remove: number, put: Uint8Array): Uint8Array {
  return concat([input.subarray(0, at), put, input.subarray(Math.min(input.length, at + remove))])
}

function pieceOf(bytes: Uint8Array, random: Random): Uint8Array {
  const from = random(bytes.length + 1)
  return bytes.subarray(from, from + 1 + random(random(2) === 0 ? 16 : 400))
}

function word(random: Random, dictionary: readonly string[]): Uint8Array {
  return dictionary.length === 0 ? new Uint8Array(0) : latin1(pick(random, dictionary))
}
