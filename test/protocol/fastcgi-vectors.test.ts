import { describe, expect, it } from 'vitest'
import { FastcgiDecoder } from '../../src/protocol/fastcgi/index.ts'
import { drive, splits, type Outcome } from './drive.ts'
import { readVectors, type Vector } from './vector.ts'

function decode(vector: Vector, chunks: Uint8Array[]): Outcome {
  const { maxParamsBytes } = vector
  const decoder = new FastcgiDecoder(maxParamsBytes === undefined ? {} : { maxParamsBytes })
  return drive(decoder, chunks, (type) => {
    if (type === vector.endRequestAfter) decoder.endRequest()
  })
}

describe('FastCGI: what is legal', () => {
  it.each(readVectors('fastcgi/valid'))('$name, under every split', (vector) => {
    expect(vector.errors).toEqual([])
    for (const { name, chunks } of splits(vector.bytes)) {
      expect(decode(vector, chunks), name).toEqual({ events: vector.events, error: undefined })
    }
  })
})

describe('FastCGI: what is refused', () => {
  it.each(readVectors('fastcgi/invalid'))('$name, under every split', (vector) => {
    expect(vector.errors).not.toEqual([])
    const errors = new Set<string | undefined>()
    for (const { name, chunks } of splits(vector.bytes)) {
      const outcome = decode(vector, chunks)
      expect(outcome.events, name).toEqual(vector.events)
      expect(vector.errors, name).toContain(outcome.error)
      errors.add(outcome.error)
    }
    expect(errors.size, 'one code, however the bytes arrive').toBe(1)
  })
})
