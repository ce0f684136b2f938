import { TsgiError } from '../../src/interface/errors.ts'
import { concat, latin1Text } from '../wire/bytes.ts'

/** What every decoder of this project has. */
export interface Decoder {
  push(chunk: Uint8Array): void
  next(): ({ readonly type: string } & { readonly data?: Uint8Array }) | undefined
}

export interface Outcome {
  /** Events with body pieces merged and data as latin-1 text. */
  events: unknown[]
  /** The code thrown behind the events. */
  error: string | undefined
}

/**
 * Feeds `chunks` to a decoder as a server does: push, then take events until there are none.
 * `afterEvent` is called before the next event is taken. Everything but a `TsgiError` passes through.
 *
 * A pushed chunk is good until `next` gives undefined, and an event's data as long: then the server reads the next bytes
 * into the same memory. Here it is written over, so that a decoder that kept a view on it gives itself away.
 */
export function drive<D extends Decoder>(decoder: D, chunks: Iterable<Uint8Array>, afterEvent?: (type: string) => void): Outcome {
  const given: { readonly type: string; readonly data?: Uint8Array }[] = []
  let error: string | undefined
  try {
    for (const chunk of chunks) {
      const memory = chunk.slice()
      decoder.push(memory)
      for (let event = decoder.next(); event !== undefined; event = decoder.next()) {
        given.push(event.data === undefined ? event : { ...event, data: event.data.slice() })
        afterEvent?.(event.type)
      }
      memory.fill(0xee)
    }
  } catch (thrown) {
    if (!(thrown instanceof TsgiError)) throw thrown
    error = thrown.code
  }
  return { events: merged(given), error }
}

/** Cuts at the given offsets, ascending. */
export function cut(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const edges = [0, ...offsets, bytes.length]
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
}

/** A seeded source of numbers from 0 to `limit` - 1: a failure can be repeated. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

/** Longest vector of which every two-way split is tried, bytes. */
const ALL_SPLITS_UP_TO = 2048

/** Splits of longer ones around each of these many positions at both ends. */
const EDGE_BYTES = 300

const RANDOM_SPLITS = 60

/** Every split a vector is run under, each with a name for the failure's message. */
export function* splits(bytes: Uint8Array): Generator<{ name: string; chunks: Uint8Array[] }> {
  yield { name: 'whole', chunks: [bytes] }
  yield { name: 'byte by byte', chunks: Array.from(bytes, (byte) => Uint8Array.of(byte)) }
  for (let at = 1; at < bytes.length; at++) {
    if (bytes.length > ALL_SPLITS_UP_TO && at > EDGE_BYTES && at < bytes.length - EDGE_BYTES) continue
    yield { name: `in two at ${at}`, chunks: cut(bytes, [at]) }
  }
  const random = seeded(20_140_406)
  for (let round = 0; round < RANDOM_SPLITS; round++) {
    const offsets = Array.from({ length: 2 + random(12) }, () => random(bytes.length + 1)).sort((a, b) => a - b)
    // Equal offsets give empty chunks: a decoder takes those too.
    yield { name: `at ${offsets.join(', ')}`, chunks: cut(bytes, offsets) }
  }
}

function merged(events: readonly { readonly type: string; readonly data?: Uint8Array }[]): unknown[] {
  const result: Record<string, unknown>[] = []
  let run: { into: Record<string, unknown>; pieces: Uint8Array[] } | undefined
  const finishRun = (): void => {
    if (run !== undefined) run.into.data = latin1Text(concat(run.pieces))
    run = undefined
  }
  for (const event of events) {
    const { data, ...rest } = event
    if (data === undefined) {
      finishRun()
      result.push(rest)
      continue
    }
    if (data.length === 0) throw new Error(`an empty ${event.type}`)
    if (run !== undefined && JSON.stringify({ ...run.into, data: 0 }) === JSON.stringify({ ...rest, data: 0 }))
      run.pieces.push(data)
    else {
      finishRun()
      const into: Record<string, unknown> = { ...rest }
      result.push(into)
      run = { into, pieces: [data] }
    }
  }
  finishRun()
  return result
}
