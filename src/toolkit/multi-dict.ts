/** What a `MultiDict` can be made of: pairs, or an object whose members are values or lists of them. */
export type MultiDictInit<Value> =
  | Iterable<readonly [key: string, value: Value]>
  | Readonly<Record<string, Value | readonly Value[]>>

/**
 * Several values for a key, in the order in which they came: query arguments, form fields, files.
 *
 * Iterating gives every `[key, value]`, keys in the order of their first value. It is a map and no object: a key named
 * `__proto__` is one like any other.
 */
export class MultiDict<Value = string> implements Iterable<[string, Value]> {
  readonly #lists = new Map<string, Value[]>()

  constructor(init: MultiDictInit<Value> = []) {
    if (Symbol.iterator in init) {
      for (const [key, value] of init as Iterable<readonly [string, Value]>) this.add(key, value)
      return
    }
    for (const [key, value] of Object.entries(init)) {
      // What is no list is one value: `Array.isArray` cannot tell that to the type of a readonly list.
      if (Array.isArray(value)) this.setList(key, value as readonly Value[])
      else this.add(key, value as Value)
    }
  }

  /** How many keys there are. */
  get size(): number {
    return this.#lists.size
  }

  /**
   * The first value of the key; without one, `fallback`. `convert` makes something else of the value: where it throws, or gives
   * NaN, the value is none, and `fallback` holds: `args.get('page', 1, Number)`.
   */
  get(key: string): Value | undefined
  get<Fallback>(key: string, fallback: Fallback): Value | Fallback
  get<Fallback, Result>(key: string, fallback: Fallback, convert: (value: Value) => Result): Result | Fallback
  get(key: string, fallback?: unknown, convert?: (value: Value) => unknown): unknown {
    const list = this.#lists.get(key)
    if (list === undefined || list.length === 0) return fallback
    // The list has one, whatever its type is.
    const value = list[0] as Value
    if (convert === undefined) return value
    const [converted] = convertAll([value], convert)
    return converted ?? fallback
  }

  /** All values of the key; with `convert` only those that it can make something of. */
  getList(key: string): Value[]
  getList<Result>(key: string, convert: (value: Value) => Result): Result[]
  getList(key: string, convert?: (value: Value) => unknown): unknown[] {
    const list = this.#lists.get(key) ?? []
    return convert === undefined ? [...list] : convertAll(list, convert)
  }

  has(key: string): boolean {
    return this.#lists.has(key)
  }

  /** Adds a value behind those of its key. */
  add(key: string, value: Value): this {
    const list = this.#lists.get(key)
    if (list === undefined) this.#lists.set(key, [value])
    else list.push(value)
    return this
  }

  /** Puts one value in the place of all of the key. */
  set(key: string, value: Value): this {
    this.#lists.set(key, [value])
    return this
  }

  setList(key: string, values: readonly Value[]): this {
    if (values.length === 0) this.#lists.delete(key)
    else this.#lists.set(key, [...values])
    return this
  }

  delete(key: string): boolean {
    return this.#lists.delete(key)
  }

  clear(): void {
    this.#lists.clear()
  }

  keys(): IterableIterator<string> {
    return this.#lists.keys()
  }

  /** The first value of every key. */
  *values(): IterableIterator<Value> {
    for (const list of this.#lists.values()) yield list[0] as Value // no list is empty
  }

  /** Every key with all its values. */
  *lists(): IterableIterator<[string, Value[]]> {
    for (const [key, list] of this.#lists) yield [key, [...list]]
  }

  *[Symbol.iterator](): IterableIterator<[string, Value]> {
    for (const [key, list] of this.#lists) for (const value of list) yield [key, value]
  }

  copy(): MultiDict<Value> {
    return new MultiDict<Value>(this)
  }

  /** An object without a prototype, of the first values. */
  toObject(): Record<string, Value> {
    const object = Object.create(null) as Record<string, Value> // it is empty
    for (const [key, list] of this.#lists) object[key] = list[0] as Value // no list is empty
    return object
  }

  toJSON(): Record<string, Value[]> {
    const object = Object.create(null) as Record<string, Value[]> // it is empty
    for (const [key, list] of this.lists()) object[key] = list
    return object
  }
}

function convertAll<Value>(values: readonly Value[], convert: (value: Value) => unknown): unknown[] {
  return values.flatMap((value) => {
    try {
      const result = convert(value)
      return result === undefined || Number.isNaN(result) ? [] : [result]
    } catch {
      return []
    }
  })
}
