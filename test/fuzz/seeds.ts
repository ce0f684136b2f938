import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseVector, readVectors } from '../protocol/vector.ts'
import type { Vector } from '../protocol/vector.ts'

/** The golden vectors of a wire, good and bad. Those over the limit of parameters say little more than a short one. */
export function vectorsOf(wire: 'fastcgi' | 'uwsgi' | 'scgi'): Uint8Array[] {
  return [...readVectors(`${wire}/valid`), ...readVectors(`${wire}/invalid`)]
    .map(({ bytes }) => bytes)
    .filter(({ length }) => length < 66_000)
}

/** What was found by fuzzing, or captured for it: test/fuzz/vectors. */
export function foundVectors(folder: string): Vector[] {
  const path = fileURLToPath(new URL(`vectors/${folder}/`, import.meta.url))
  if (!existsSync(path)) return []
  const files = readdirSync(path).filter((name) => name.endsWith('.vector'))
  return files.sort().map((name) => parseVector(name.slice(0, -'.vector'.length), readFileSync(path + name, 'utf8')))
}

export function foundBytes(folder: string): Uint8Array[] {
  return foundVectors(folder).map(({ bytes }) => bytes)
}
