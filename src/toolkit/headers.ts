import type { HeaderPair } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'

/** A field name is a token (RFC 9110, section 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** No control character but the tab, which would begin another field, and nothing that is no latin-1 (RFC 9110, section 5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

export type HeadersInit = Iterable<readonly [name: string, value: string | number]> | Readonly<Record<string, string | number>>

/**
 * Header fields in their order, by names in which capitals do not count. A name may occur more than once.
 *
 * Every name and value is checked when it comes in: `TSGI_ERR_HEADER_INVALID` for a name that is no token, or a value with a
 * line break, another control character or a character beyond latin-1, so that no value can begin a field of its own.
 * Iterating gives `[name, value]`, as `startResponse` and the built-in `Headers` take them.
 */
export class Headers implements Iterable<HeaderPair> {
  #pairs: HeaderPair[] = []

  constructor(init: HeadersInit = []) {
    this.extend(init)
  }

  /** How many fields there are. */
  get size(): number {
    return this.#pairs.length
  }

  /** The first value of this name. */
  get(name: string): string | undefined
  get<Default>(name: string, fallback: Default): string | Default
  get(name: string, fallback?: unknown): unknown {
    const index = this.#find(name)
    return index === -1 ? fallback : this.#pairs[index]?.[1]
  }

  /** All values of this name, in their order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase()
    return this.#pairs.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value)
  }

  has(name: string): boolean {
    return this.#find(name) !== -1
  }

  /** Adds a field behind those of its name. */
  add(name: string, value: string | number): this {
    this.#pairs.push(checked(name, value))
    return this
  }

  /** Puts one field in the place of all of its name. */
  set(name: string, value: string | number): this {
    const pair = checked(name, value)
    const index = this.#find(name)
    if (index === -1) {
      this.#pairs.push(pair)
    } else {
      this.#pairs[index] = pair
      this.#removeFrom(index + 1, name)
    }
    return this
  }

  /** Sets the field where there is none of its name. Gives the value that is there then. */
  setDefault(name: string, value: string | number): string {
    const present = this.get(name)
    if (present !== undefined) return present
    this.add(name, value)
    return String(value)
  }

  /** Removes all fields of this name. True: there were some. */
  delete(name: string): boolean {
    const before = this.#pairs.length
    this.#removeFrom(0, name)
    return this.#pairs.length < before
  }

  /** Adds all of them. */
  extend(init: HeadersInit): this {
    const pairs = Symbol.iterator in init ? (init as Iterable<readonly [string, string | number]>) : Object.entries(init)
    for (const [name, value] of pairs) this.add(name, value)
    return this
  }

  /** Adds to a field that is a list of names, as `Vary` is, what it does not name yet. */
  addToken(name: string, token: string): this {
    const present = this.getAll(name).flatMap((value) => value.split(','))
    const known = present.map((each) => each.trim().toLowerCase())
    if (known.includes('*') || known.includes(token.toLowerCase())) return this
    return this.set(name, [...present.map((each) => each.trim()), token].filter((each) => each !== '').join(', '))
  }

  clear(): void {
    this.#pairs = []
  }

  keys(): string[] {
    return this.#pairs.map(([name]) => name)
  }

  values(): string[] {
    return this.#pairs.map(([, value]) => value)
  }

  /** A list of its own, as `startResponse` takes it. */
  toList(): HeaderPair[] {
    return [...this.#pairs]
  }

  [Symbol.iterator](): IterableIterator<HeaderPair> {
    return this.#pairs.values()
  }

  /** The fields as they stand in a message, a line each. */
  toString(): string {
    return this.#pairs.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  }

  #find(name: string): number {
    const wanted = name.toLowerCase()
    for (let index = 0; index < this.#pairs.length; index++) {
      const each = this.#pairs[index]?.[0]
      if (each !== undefined && each.length === wanted.length && each.toLowerCase() === wanted) return index
    }
    return -1
  }

  #removeFrom(start: number, name: string): void {
    const wanted = name.toLowerCase()
    for (let index = this.#pairs.length - 1; index >= start; index--) {
      if (this.#pairs[index]?.[0].toLowerCase() === wanted) this.#pairs.splice(index, 1)
    }
  }
}

function checked(name: string, value: string | number): HeaderPair {
  if (typeof name !== 'string' || !TOKEN.test(name)) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `name ${quote(name)}`)
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || !VALUE.test(text)) {
    throw new TsgiError('TSGI_ERR_HEADER_INVALID', `${name}: value ${quote(value)}`)
  }
  return [name, text]
}
