/** What is fuzzed: one way into the project's code, with what may be put in and what must hold of what comes of it. */
export interface Target {
  readonly name: string
  /** Which part of all inputs it gets. */
  readonly share: number
  /** Files under src whose coverage counts, as beginnings of their paths. */
  readonly covers: readonly string[]
  /** Pieces of text that mean something here. */
  readonly dictionary: readonly string[]
  readonly seeds: readonly Uint8Array[]
  /** A new input that is well formed, where there is such a thing. */
  readonly generate?: (random: Random) => Uint8Array
  readonly start?: () => Promise<void>
  /** Puts an input in. Throws where what comes of it is not as it must be. */
  readonly run: (input: Uint8Array) => void | Promise<void>
  /** Throws where something is left over. */
  readonly stop?: () => Promise<void>
}

/** A number from 0 to `limit` - 1. */
export type Random = (limit: number) => number

/** Something that must hold does not. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/** One of a list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  const found = list[random(list.length)]
  if (found === undefined) throw new RangeError('nothing to pick from')
  return found
}
