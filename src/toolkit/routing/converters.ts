import type { ConverterArguments } from './converter-arguments.ts'

/** What a converter throws for a text that it does not take, or a value that it cannot write: the rule does not match then. */
export class ValidationError extends Error {
  override readonly name = 'ValidationError'
}

/**
 * What turns a part of a path into a value and back. For one of your own, extend this, say what text it takes by `regex`, and give the
 * class to the map: `new Map(rules, { converters: { list: ListConverter } })`.
 *
 * `regex` is run on texts of clients. One that can match the same text in several ways (`(\w+)*`) takes exponential time for some of
 * them, and the worker stands still as long: write it so that every character decides what comes next.
 */
export abstract class BaseConverter<Value> {
  /** Source of a regular expression without groups that are numbered, for the whole of the text. */
  readonly regex: string = '[^/]+'
  /** False: its text may have slashes in it. */
  readonly partIsolating: boolean = true
  /** Of two converters at one place the one with the lower weight is asked first. */
  readonly weight: number = 100
  #compiled: RegExp | undefined

  /** The value of a text that `accepts` is true of. Throws ValidationError where it is none after all. */
  abstract toValue(text: string): Value

  /** The text of a value, not yet percent-encoded. Throws ValidationError for what is none. */
  abstract toUrl(value: Value): string

  /** Whether the text has the right form. */
  accepts(text: string): boolean {
    this.#compiled ??= new RegExp(`^(?:${this.regex})$`, 'u')
    return this.#compiled.test(text)
  }
}

/** A class of converters. It takes its arguments out of `args`: what it leaves there is a mistake in the rule. */
export type ConverterClass<Value = unknown> = new (args: ConverterArguments) => BaseConverter<Value>

/** `string(length, minlength, maxlength)`: a text without slashes. */
export class StringConverter extends BaseConverter<string> {
  readonly #min: number
  readonly #max: number

  constructor(args: ConverterArguments) {
    super()
    const length = args.integer('length')
    this.#min = length ?? args.integer('minlength', true) ?? 1
    this.#max = length ?? args.integer('maxlength', true) ?? Infinity
    if (this.#min < 1 || this.#max < this.#min) throw args.error('no text is that long')
  }

  /** Characters are counted as Unicode counts them. */
  override accepts(text: string): boolean {
    if (text.length < this.#min) return false
    if (this.#min === 1 && text.length <= this.#max) return true
    // No character takes more than two units, so what is longer than this need not be counted.
    if (text.length > 2 * this.#max) return false
    const length = [...text].length
    return length >= this.#min && length <= this.#max
  }

  override toValue(text: string): string {
    return text
  }

  override toUrl(value: string): string {
    return textOf(value)
  }
}

/** `path`: a text with slashes in it, but not at its beginning. */
export class PathConverter extends BaseConverter<string> {
  override readonly partIsolating = false
  override readonly weight = 200

  override accepts(text: string): boolean {
    return text !== '' && !text.startsWith('/')
  }

  override toValue(text: string): string {
    return text
  }

  override toUrl(value: string): string {
    return textOf(value)
  }
}

/** `any(about, help, "two words")`: one of these. */
export class AnyConverter extends BaseConverter<string> {
  readonly #items: ReadonlySet<string>

  constructor(args: ConverterArguments) {
    super()
    this.#items = new Set(args.rest().map(String))
    if (this.#items.size === 0) throw args.error('any() lists nothing')
    if ([...this.#items].some((item) => item === '' || item.includes('/')))
      throw args.error('any() lists what is no part of a path')
  }

  override accepts(text: string): boolean {
    return this.#items.has(text)
  }

  override toValue(text: string): string {
    return text
  }

  override toUrl(value: string): string {
    return textOf(value)
  }
}

/** `uuid`: five groups of hexadecimal digits. The value is in small letters. */
export class UuidConverter extends BaseConverter<string> {
  override readonly regex = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'

  override toValue(text: string): string {
    return text.toLowerCase()
  }

  override toUrl(value: string): string {
    return textOf(value).toLowerCase()
  }
}

/** Digits of one number: more than a number has, with zeros before it, and few enough to be read at once. */
const MAX_DIGITS = 32

abstract class NumberConverter extends BaseConverter<number> {
  override readonly weight = 50
  readonly signed: boolean
  readonly #min: number
  readonly #max: number

  constructor(args: ConverterArguments) {
    super()
    this.#min = args.number('min') ?? -Infinity
    this.#max = args.number('max') ?? Infinity
    this.signed = args.boolean('signed') ?? false
    if (this.#max < this.#min) throw args.error('max is less than min')
  }

  override toValue(text: string): number {
    // Not -0, which no URL has.
    const value = Number(text) + 0
    if (value < this.#min || value > this.#max) throw new ValidationError('out of range')
    return value
  }
}

/** `int(fixed_digits, min, max, signed)`: a whole number that JavaScript knows exactly. */
export class IntegerConverter extends NumberConverter {
  override readonly regex: string
  readonly #fixedDigits: number

  constructor(args: ConverterArguments) {
    super(args)
    this.#fixedDigits = args.integer('fixed_digits') ?? args.integer('fixedDigits', true) ?? 0
    if (this.#fixedDigits > MAX_DIGITS) throw args.error(`more than ${MAX_DIGITS} digits`)
    this.regex = `${this.signed ? '-?' : ''}\\d{${this.#fixedDigits === 0 ? `1,${MAX_DIGITS}` : this.#fixedDigits}}`
  }

  override toValue(text: string): number {
    const value = super.toValue(text)
    if (!Number.isSafeInteger(value)) throw new ValidationError('too large to be exact')
    return value
  }

  override toUrl(value: number): string {
    // Of text that is a number, too, as values often come from URLs and forms.
    const number = Number(value)
    if (!Number.isSafeInteger(number) || textOf(value) === '') throw new ValidationError('no whole number')
    const digits = String(Math.abs(number)).padStart(this.#fixedDigits, '0')
    return number < 0 ? `-${digits}` : digits
  }
}

/** `float(min, max, signed)`: digits, a point and digits. */
export class FloatConverter extends NumberConverter {
  override readonly regex: string

  constructor(args: ConverterArguments) {
    super(args)
    this.regex = `${this.signed ? '-?' : ''}\\d{1,${MAX_DIGITS}}\\.\\d{1,${MAX_DIGITS}}`
  }

  override toUrl(value: number): string {
    const number = Number(value) + 0
    if (!Number.isFinite(number) || textOf(value) === '') throw new ValidationError('no number')
    let text = String(number)
    if (text.includes('e')) text = withoutExponent(text)
    if (Number(text) !== number) throw new ValidationError('too many digits')
    return text.includes('.') ? text : `${text}.0`
  }
}

/** Those that every map has. */
export const DEFAULT_CONVERTERS: Readonly<Record<string, ConverterClass>> = {
  default: StringConverter,
  string: StringConverter,
  path: PathConverter,
  any: AnyConverter,
  int: IntegerConverter,
  float: FloatConverter,
  uuid: UuidConverter,
}

/** `-1e-7` as `-0.0000001`. */
function withoutExponent(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? []
  const power = Number(exponent)
  // No URL has as many digits as some numbers do.
  if (Math.abs(power) > MAX_DIGITS) throw new ValidationError('too many digits')
  if (power < 0) return `${sign}0.${whole.padStart(-power, '0')}${fraction}`
  return `${sign}${whole}${fraction.padEnd(power, '0')}`
}

/** Text, or what is shown as text in one way only. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  throw new ValidationError('no text')
}
