import { parse } from 'content-type'

export interface MediaType {
  /** `text/html`, in small letters; empty where the field says nothing. */
  readonly type: string
  /** Names in small letters. */
  readonly parameters: Readonly<Record<string, string | undefined>>
}

/** `Content-Type`, and every other field of this form (RFC 9110, section 8.3.1). One pass, by the library content-type. */
export function parseMediaType(value: string | undefined): MediaType {
  return value === undefined || value === '' ? NOTHING : parse(value)
}

const NOTHING: MediaType = { type: '', parameters: {} }

/** The type without parameters, in small letters. */
export function mediaTypeOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const semicolon = value.indexOf(';')
  return (semicolon === -1 ? value : value.slice(0, semicolon)).trim().toLowerCase()
}

/** Types that are text and have no charset of their own: what is sent is UTF-8. JSON needs none (RFC 8259, section 8.1). */
const TEXT = /^text\/|\+xml$|^application\/(?:xml|javascript)(?:-|$)/

/** Adds `; charset=utf-8` to a text type that has none. */
export function withCharset(type: string): string {
  return TEXT.test(mediaTypeOf(type) ?? '') && !/;\s*charset=/i.test(type) ? `${type}; charset=utf-8` : type
}

/** `application/json`, and `application/…+json` (RFC 6839, section 3.1). */
export function isJson(type: string | undefined): boolean {
  return type !== undefined && (type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json')))
}
