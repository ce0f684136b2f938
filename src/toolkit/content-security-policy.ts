import { quote, TsgiError } from '../interface/errors.ts'

/** The directives of CSP level 3, and those that are still in use beside them. */
export type CspDirective =
  | 'base-uri'
  | 'child-src'
  | 'connect-src'
  | 'default-src'
  | 'fenced-frame-src'
  | 'font-src'
  | 'form-action'
  | 'frame-ancestors'
  | 'frame-src'
  | 'img-src'
  | 'manifest-src'
  | 'media-src'
  | 'object-src'
  | 'report-to'
  | 'report-uri'
  | 'require-trusted-types-for'
  | 'sandbox'
  | 'script-src'
  | 'script-src-attr'
  | 'script-src-elem'
  | 'style-src'
  | 'style-src-attr'
  | 'style-src-elem'
  | 'trusted-types'
  | 'upgrade-insecure-requests'
  | 'worker-src'

/** A source: keywords are written with their quotes. */
export type CspSource = "'self'" | "'none'" | "'unsafe-inline'" | "'unsafe-eval'" | "'strict-dynamic'" | (string & {})

/**
 * `Content-Security-Policy` (CSP level 3): `csp.set('script-src', "'self'", 'https://cdn.example.org')`. A change of one that belongs
 * to a response changes its field.
 *
 * Throws `TSGI_ERR_HEADER_INVALID` for a source with a semicolon, a comma, white space or a control character, each of which
 * would begin something that was not meant.
 */
export class ContentSecurityPolicy {
  readonly #directives = new Map<string, readonly string[]>()
  readonly #onChange: ((value: string) => void) | undefined

  constructor(
    init: string | Readonly<Partial<Record<CspDirective, readonly CspSource[]>>> = {},
    onChange?: (value: string) => void,
  ) {
    if (typeof init === 'string') {
      for (const directive of init.split(';')) {
        const [name, ...sources] = directive.trim().split(/\s+/)
        if (name !== undefined && name !== '' && !this.#directives.has(name.toLowerCase()))
          this.#directives.set(name.toLowerCase(), sources)
      }
    } else {
      for (const [name, sources] of Object.entries(init)) this.set(name as CspDirective, ...sources) // the type has no other keys
    }
    this.#onChange = onChange
  }

  get(directive: CspDirective): readonly string[] | undefined {
    return this.#directives.get(directive)
  }

  /** Sets a directive's sources; none for those that have no value. */
  set(directive: CspDirective, ...sources: readonly CspSource[]): this {
    for (const each of [directive, ...sources]) {
      if (!/^[\x21-\x2b\x2d-\x3a\x3c-\x7e]+$/.test(each)) {
        throw new TsgiError('TSGI_ERR_HEADER_INVALID', `Content-Security-Policy: ${quote(each)}`)
      }
    }
    this.#directives.set(directive, sources)
    this.#onChange?.(this.toString())
    return this
  }

  /** Adds sources to those that are there; `'none'` gives way. */
  add(directive: CspDirective, ...sources: readonly CspSource[]): this {
    const present = (this.#directives.get(directive) ?? []).filter((each) => each !== "'none'")
    return this.set(directive, ...new Set([...present, ...sources]))
  }

  delete(directive: CspDirective): this {
    this.#directives.delete(directive)
    this.#onChange?.(this.toString())
    return this
  }

  /** Allows scripts, or styles, that carry this nonce: make one for each response. */
  addNonce(nonce: string, directive: CspDirective = 'script-src'): this {
    return this.add(directive, `'nonce-${nonce}'`)
  }

  toString(): string {
    return [...this.#directives].map(([name, sources]) => [name, ...sources].join(' ')).join('; ')
  }
}
