import fc from 'fast-check'

/** Text of any bytes. */
export const latin1Arbitrary = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength })

/** `[name, value, …]`: names are never empty, lengths go over FastCGI's one-byte form. */
export const paramsArbitrary: fc.Arbitrary<string[]> = fc
  .array(
    fc.tuple(
      latin1Arbitrary(200).filter((name) => name !== '' && name !== 'CONTENT_LENGTH'),
      fc.oneof(latin1Arbitrary(40), latin1Arbitrary(400)),
    ),
    { maxLength: 12 },
  )
  .map((pairs) => pairs.flat())

export const bodyArbitrary: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 600 })

/** Where to cut, as fractions of the length: usable for bytes of any length. */
export const cutsArbitrary: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

export function offsetsOf(cuts: readonly number[], length: number): number[] {
  return cuts.map((fraction) => Math.floor(fraction * length)).sort((a, b) => a - b)
}

/** The same runs each time: a failure is a failure everywhere. */
export const RUNS = { numRuns: 300, seed: 20_140_406 }
