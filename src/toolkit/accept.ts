import Negotiator from 'negotiator'

/** Of which field: `Accept`, `Accept-Language`, `Accept-Encoding`, `Accept-Charset` (RFC 9110, section 12.5). */
export type AcceptKind = 'type' | 'language' | 'encoding' | 'charset'

/**
 * Longest field that is read, characters: browsers send a few hundred. A longer one counts as if it were not there, so that nobody
 * can make us compare thousands of ranges with what we have.
 */
const MAX_ACCEPT_LENGTH = 4096

/** What a client prefers. Read by the library negotiator. */
export class Accept {
  readonly kind: AcceptKind
  /** The field; undefined: there is none, and everything is accepted. */
  readonly value: string | undefined
  #negotiator: Negotiator | undefined

  constructor(kind: AcceptKind, value: string | undefined) {
    this.kind = kind
    this.value = value === undefined || value.length > MAX_ACCEPT_LENGTH ? undefined : value
  }

  /** What the client accepts, the preferred first. */
  get preferred(): string[] {
    return this.#match(undefined)
  }

  /** What of these the client prefers; of equals the first one. `fallback` where it accepts none. */
  bestMatch<const Choice extends string>(choices: readonly Choice[]): Choice | undefined
  bestMatch<const Choice extends string, Fallback>(choices: readonly Choice[], fallback: Fallback): Choice | Fallback
  bestMatch(choices: readonly string[], fallback?: unknown): unknown {
    return this.#match([...choices])[0] ?? fallback
  }

  /** Those of these that the client accepts, the preferred first. */
  matches<const Choice extends string>(choices: readonly Choice[]): Choice[] {
    const found = this.#match([...choices])
    return found.flatMap((each) => choices.find((choice) => choice === each) ?? [])
  }

  accepts(choice: string): boolean {
    return this.#match([choice]).length > 0
  }

  /** For types: whether the client would take HTML. */
  get acceptsHtml(): boolean {
    return this.accepts('text/html') || this.accepts('application/xhtml+xml')
  }

  /** For types: whether the client would take JSON. */
  get acceptsJson(): boolean {
    return this.accepts('application/json')
  }

  toString(): string {
    return this.value ?? ''
  }

  #match(choices: string[] | undefined): string[] {
    this.#negotiator ??= new Negotiator({ headers: this.value === undefined ? {} : { [FIELDS[this.kind]]: this.value } })
    switch (this.kind) {
      case 'type':
        return this.#negotiator.mediaTypes(choices)
      case 'language':
        return this.#negotiator.languages(choices)
      case 'encoding':
        return this.#negotiator.encodings(choices)
      case 'charset':
        return this.#negotiator.charsets(choices)
    }
  }
}

const FIELDS = { type: 'accept', language: 'accept-language', encoding: 'accept-encoding', charset: 'accept-charset' }
