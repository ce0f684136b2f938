import { pick } from './target.ts'
import type { Random } from './target.ts'

/** Inputs that are kept. Beyond these, a new one takes the place of one that is there by chance. */
const MAX_INPUTS = 1500
const MAX_BYTES = 8 * 1024 * 1024

/** Inputs that have reached something new, from which others are made. */
export class Corpus {
  readonly #inputs: Uint8Array[] = []
  #bytes = 0

  get size(): number {
    return this.#inputs.length
  }

  add(input: Uint8Array, random: Random): void {
    while (this.#inputs.length >= MAX_INPUTS || (this.#bytes + input.length > MAX_BYTES && this.#inputs.length > 1)) {
      const [gone] = this.#inputs.splice(random(this.#inputs.length), 1)
      this.#bytes -= gone?.length ?? 0
    }
    this.#inputs.push(input)
    this.#bytes += input.length
  }

  /** Any of them, mostly one of the last: what was reached only now has been tried least. */
  pick(random: Random): Uint8Array {
    const count = this.#inputs.length
    if (random(3) > 0 || count < 32) return pick(random, this.#inputs)
    return this.#inputs[count - 1 - random(32)] ?? new Uint8Array(0)
  }
}
