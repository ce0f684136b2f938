import { createHash } from 'node:crypto'
import { quote, TsgiError } from '../interface/errors.ts'

/** What may stand between the quotes (RFC 9110, section 8.8.3). */
const OPAQUE = /^[\x21\x23-\x7e\x80-\xff]*$/

/** `"tag"`, or `W/"tag"`. Throws `TSGI_ERR_HEADER_INVALID` for a tag with quotes, spaces or control characters. */
export function quoteEtag(tag: string, weak = false): string {
  if (!OPAQUE.test(tag)) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `ETag: ${quote(tag)}`)
  return weak ? `W/"${tag}"` : `"${tag}"`
}

/** The tag of a field value and whether it is weak; undefined: it is none. */
export function unquoteEtag(value: string | undefined): { readonly tag: string; readonly weak: boolean } | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  const weak = text.startsWith('W/')
  const start = weak ? 2 : 0
  if (text.length < start + 2 || text[start] !== '"' || !text.endsWith('"')) return undefined
  const tag = text.slice(start + 1, -1)
  return OPAQUE.test(tag) ? { tag, weak } : undefined
}

/** A tag for these bytes: the same for the same, another one for others. */
export function generateEtag(data: Uint8Array): string {
  return createHash('sha1').update(data).digest('base64url')
}

/** The tags of `If-Match` or `If-None-Match` (RFC 9110, sections 13.1.1 and 13.1.2). */
export class ETags {
  readonly strong: ReadonlySet<string>
  readonly weak: ReadonlySet<string>
  /** `*`: whatever there is. */
  readonly star: boolean

  constructor(strong: Iterable<string> = [], weak: Iterable<string> = [], star = false) {
    this.strong = new Set(strong)
    this.weak = new Set(weak)
    this.star = star
  }

  /** Reads a field value. What is no tag is left out: it can match nothing. */
  static parse(value: string | undefined): ETags {
    if (value === undefined) return new ETags()
    if (value.trim() === '*') return new ETags([], [], true)
    const strong: string[] = []
    const weak: string[] = []
    // No escapes in tags: a list cannot be split as one of quoted strings. One pass, from quote to quote.
    for (let index = 0; ;) {
      const open = value.indexOf('"', index)
      const close = open === -1 ? -1 : value.indexOf('"', open + 1)
      if (close === -1) break
      const tag = value.slice(open + 1, close)
      if (OPAQUE.test(tag)) (value.slice(Math.max(index, open - 2), open) === 'W/' ? weak : strong).push(tag)
      index = close + 1
    }
    return new ETags(strong, weak)
  }

  get isEmpty(): boolean {
    return !this.star && this.strong.size === 0 && this.weak.size === 0
  }

  /** Strong comparison (section 8.8.3.2): only strong tags match. */
  contains(tag: string): boolean {
    return this.star || this.strong.has(tag)
  }

  /** Weak comparison: weak tags match, too. */
  containsWeak(tag: string): boolean {
    return this.contains(tag) || this.weak.has(tag)
  }

  toString(): string {
    if (this.star) return '*'
    return [...[...this.strong].map((tag) => quoteEtag(tag)), ...[...this.weak].map((tag) => quoteEtag(tag, true))].join(', ')
  }
}
