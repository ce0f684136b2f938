import { describe, expect, it } from 'vitest'
import { ScgiDecoder } from '../../src/protocol/scgi/index.ts'
import { drive, splits } from './drive.ts'
import { readVectors, type Vector } from './vector.ts'

function decoderFor({ maxParamsBytes }: Vector): ScgiDecoder {
  return new ScgiDecoder(maxParamsBytes === undefined ? {} : { maxParamsBytes })
}

describe('SCGI: what is legal', () => {
  it.each(readVectors('scgi/valid'))('$name, under every split', (vector) => {
    expect(vector.errors).toEqual([])
    for (const { name, chunks } of splits(vector.bytes)) {
      expect(drive(decoderFor(vector), chunks), name).toEqual({ events: vector.events, error: undefined })
    }
  })
})

describe('SCGI: what is refused', () => {
  it.each(readVectors('scgi/invalid'))('$name, under every split', (vector) => {
    expect(vector.errors).not.toEqual([])
    const errors = new Set<string | undefined>()
    for (const { name, chunks } of splits(vector.bytes)) {
      const outcome = drive(decoderFor(vector), chunks)
      expect(outcome.events, name).toEqual(vector.events)
      expect(vector.errors, name).toContain(outcome.error)
      errors.add(outcome.error)
    }
    expect(errors.size, 'one code, however the bytes arrive').toBe(1)
  })
})
