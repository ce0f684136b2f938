import { quote, TsgiError } from '../../interface/errors.ts'

/** What stands in the brackets of a converter: text, a number, yes or no, or nothing. */
export type ConverterArgument = string | number | boolean | null

/** One word, with quotes or without, behind it a comma or the end; before it a name where it is given by name. */
const ARGUMENT = /\s*(?:([A-Za-z_]\w*)\s*=\s*)?(?:"([^"]*)"|'([^']*)'|([^\s,"'=]+))\s*(,|$)/y

/** The arguments of a converter in a pattern, `<int(4, max=9999):year>`. Whoever reads one takes it; what nobody takes is a mistake. */
export class ConverterArguments {
  /** The pattern and the place, for messages. */
  readonly #label: string
  readonly #positional: ConverterArgument[] = []
  readonly #named = new Map<string, ConverterArgument>()

  /** `text` is what stands between the brackets. Throws `TSGI_ERR_ROUTE`. */
  constructor(text: string, label: string) {
    this.#label = label
    if (text.trim() === '') return
    ARGUMENT.lastIndex = 0
    for (let more = true; more;) {
      const match = ARGUMENT.exec(text)
      if (match === null) throw this.error(`${quote(text)} is no list of arguments`)
      const [, name, double, single, word = '', comma] = match
      const value = double ?? single ?? wordValue(word)
      if (name === undefined) this.#positional.push(value)
      else if (this.#named.has(name)) throw this.error(`${name} is given twice`)
      else this.#named.set(name, value)
      more = comma === ','
    }
  }

  /** A whole number that is not negative: the argument of this name, or the first one without a name where `position` says so. */
  integer(name: string, position = false): number | undefined {
    const value = this.number(name, position)
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) throw this.error(`${name} is no whole number`)
    return value
  }

  number(name: string, position = false): number | undefined {
    const value = this.#take(name, position)
    if (value !== undefined && typeof value !== 'number') throw this.error(`${name} is no number`)
    return value
  }

  boolean(name: string): boolean | undefined {
    const value = this.#take(name, false)
    if (value !== undefined && typeof value !== 'boolean') throw this.error(`${name} is neither true nor false`)
    return value
  }

  /** The arguments without a name that are left, all of them. */
  rest(): ConverterArgument[] {
    return this.#positional.splice(0)
  }

  /** The arguments with a name that are left, all of them. */
  named(): Record<string, ConverterArgument> {
    const all = Object.fromEntries(this.#named)
    this.#named.clear()
    return all
  }

  /** Throws `TSGI_ERR_ROUTE` where an argument was not asked for. */
  done(): void {
    const [name] = this.#named.keys()
    if (name !== undefined) throw this.error(`there is no argument ${quote(name)}`)
    if (this.#positional.length > 0) throw this.error(`${quote(this.#positional[0])} is one argument too many`)
  }

  error(problem: string): TsgiError {
    return new TsgiError('TSGI_ERR_ROUTE', `${this.#label}: ${problem}`)
  }

  #take(name: string, position: boolean): ConverterArgument | undefined {
    const value = this.#named.get(name)
    this.#named.delete(name)
    return value === undefined && position ? this.#positional.shift() : value
  }
}

/** A word without quotes; those of Python are understood, too. */
function wordValue(word: string): ConverterArgument {
  if (word === 'true' || word === 'True') return true
  if (word === 'false' || word === 'False') return false
  if (word === 'null' || word === 'None') return null
  return /^[+-]?\d+(\.\d+)?$/.test(word) ? Number(word) : word
}
