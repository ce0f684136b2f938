import { describe, expect, it } from 'vitest'
import { UwsgiDecoder } from '../../src/protocol/uwsgi/index.ts'
import { drive, splits } from './drive.ts'
import { readVectors } from './vector.ts'

describe('uwsgi: what is legal', () => {
  it.each(readVectors('uwsgi/valid'))('$name, under every split', (vector) => {
    expect(vector.errors).toEqual([])
    for (const { name, chunks } of splits(vector.bytes)) {
      expect(drive(new UwsgiDecoder(), chunks), name).toEqual({ events: vector.events, error: undefined })
    }
  })
})

describe('uwsgi: what is refused', () => {
  it.each(readVectors('uwsgi/invalid'))('$name, under every split', (vector) => {
    expect(vector.errors).not.toEqual([])
    const errors = new Set<string | undefined>()
    for (const { name, chunks } of splits(vector.bytes)) {
      const outcome = drive(new UwsgiDecoder(), chunks)
      expect(outcome.events, name).toEqual(vector.events)
      expect(vector.errors, name).toContain(outcome.error)
      errors.add(outcome.error)
    }
    expect(errors.size, 'one code, however the bytes arrive').toBe(1)
  })
})
