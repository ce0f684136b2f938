import { unquoteEtag } from './etags.ts'
import { isToken } from './field-list.ts'
import { httpDate, parseDate } from './http-date.ts'

/** From `start` on; up to `end`, which is not in it, or to the last byte. A negative start counts from there, and has no end. */
export type RangePart = readonly [start: number, end: number | undefined]

/** Ranges that one field may ask for: a client that asks for more wants to make us work. */
const MAX_RANGES = 64

/** `Range: bytes=0-499, -200` (RFC 9110, section 14.2). */
export class Range {
  readonly units: string
  readonly ranges: readonly RangePart[]

  constructor(units: string, ranges: readonly RangePart[]) {
    this.units = units
    this.ranges = ranges
  }

  /** Undefined: there is none, or it is malformed, and is to be ignored as such (section 14.2). */
  static parse(value: string | undefined): Range | undefined {
    if (value === undefined) return undefined
    const equals = value.indexOf('=')
    const units = value.slice(0, Math.max(0, equals)).trim().toLowerCase()
    if (!isToken(units)) return undefined
    const specs = value.slice(equals + 1).split(',', MAX_RANGES + 1)
    if (specs.length > MAX_RANGES) return undefined
    const parts = specs.map((spec) => parsePart(spec.trim()))
    const ranges = parts.filter((part) => part !== undefined)
    return ranges.length === parts.length ? new Range(units, ranges) : undefined
  }

  /**
   * The one range of something `length` bytes long, as `[start, end)`; undefined where it cannot be satisfied, or where several are
   * asked for.
   */
  rangeForLength(length: number | undefined): readonly [start: number, end: number] | undefined {
    const [part] = this.ranges
    if (this.units !== 'bytes' || length === undefined || this.ranges.length !== 1 || part === undefined) return undefined
    const [start, end] = part
    if (start < 0) return length === 0 ? undefined : [Math.max(0, length + start), length]
    return start < length ? [start, Math.min(end ?? length, length)] : undefined
  }

  toString(): string {
    const specs = this.ranges.map(([start, end]) => (start < 0 ? String(start) : `${start}-${end === undefined ? '' : end - 1}`))
    return `${this.units}=${specs.join(',')}`
  }
}

function parsePart(spec: string): RangePart | undefined {
  const [, first, last] = /^(\d{1,15})?-(\d{1,15})?$/.exec(spec) ?? []
  if (first === undefined) return last === undefined || Number(last) === 0 ? undefined : [-Number(last), undefined]
  if (last === undefined) return [Number(first), undefined]
  return Number(last) < Number(first) ? undefined : [Number(first), Number(last) + 1]
}

/** `Content-Range: bytes 0-499/1234` (RFC 9110, section 14.4). */
export class ContentRange {
  readonly units: string
  /** The first byte, and the one behind the last; both undefined where the range could not be satisfied. */
  readonly start: number | undefined
  readonly stop: number | undefined
  /** Of the whole; undefined: not known. */
  readonly length: number | undefined

  constructor(units: string, start?: number, stop?: number, length?: number) {
    this.units = units
    this.start = start
    this.stop = stop
    this.length = length
  }

  /** Undefined: there is none, or it is malformed. */
  static parse(value: string | undefined): ContentRange | undefined {
    const match = /^([A-Za-z]{1,20}) (?:(\d{1,15})-(\d{1,15})|\*)\/(?:(\d{1,15})|\*)$/.exec(value?.trim() ?? '')
    if (match === null) return undefined
    const [, units = '', first, last, whole] = match
    const length = whole === undefined ? undefined : Number(whole)
    if (first === undefined || last === undefined)
      return length === undefined ? undefined : new ContentRange(units, undefined, undefined, length)
    const [start, stop] = [Number(first), Number(last) + 1]
    return stop <= start || stop > (length ?? Infinity) ? undefined : new ContentRange(units, start, stop, length)
  }

  toString(): string {
    const range = this.start === undefined || this.stop === undefined ? '*' : `${this.start}-${this.stop - 1}`
    return `${this.units} ${range}/${this.length ?? '*'}`
  }
}

/** `If-Range`: an entity tag or a date (RFC 9110, section 13.1.5). */
export class IfRange {
  readonly etag: string | undefined
  readonly date: Date | undefined

  constructor(etag?: string, date?: Date) {
    this.etag = etag
    this.date = date
  }

  /** A weak tag is none here: it says nothing about single bytes. */
  static parse(value: string | undefined): IfRange {
    const date = parseDate(value)
    const tag = unquoteEtag(value)
    return date === undefined ? new IfRange(tag === undefined || tag.weak ? undefined : tag.tag) : new IfRange(undefined, date)
  }

  toString(): string {
    if (this.date !== undefined) return httpDate(this.date)
    return this.etag === undefined ? '' : `"${this.etag}"`
  }
}
