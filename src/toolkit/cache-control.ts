import { parseParameters, quoteValue } from './field-list.ts'

/** `true`: the directive stands there without a value. */
type Directive = string | number | boolean | undefined

/**
 * `Cache-Control` of a request or a response (RFC 9111, section 5.2; RFC 8246 and RFC 5861 for the last three). Durations are
 * seconds. A change of one that belongs to a response changes its field.
 */
export class CacheControl {
  readonly #directives: Map<string, string | null>
  readonly #onChange: ((value: string) => void) | undefined

  constructor(value = '', onChange?: (value: string) => void) {
    this.#directives = parseParameters(value)
    this.#onChange = onChange
  }

  /** True without a value, its text with one, undefined: it is not there. For directives that have no property here. */
  get(name: string): string | true | undefined {
    const value = this.#directives.get(name.toLowerCase())
    return value === null ? true : value
  }

  /** `true` sets a directive without a value; false and undefined remove it. */
  set(name: string, value: Directive): this {
    if (value === undefined || value === false) this.#directives.delete(name.toLowerCase())
    else this.#directives.set(name.toLowerCase(), value === true ? null : String(value))
    this.#onChange?.(this.toString())
    return this
  }

  get maxAge(): number | undefined {
    return this.#seconds('max-age')
  }
  set maxAge(seconds: number | undefined) {
    this.set('max-age', seconds)
  }

  get sMaxage(): number | undefined {
    return this.#seconds('s-maxage')
  }
  set sMaxage(seconds: number | undefined) {
    this.set('s-maxage', seconds)
  }

  /** Of a request: true where any age will do. */
  get maxStale(): number | true | undefined {
    return this.get('max-stale') === true ? true : this.#seconds('max-stale')
  }
  set maxStale(seconds: number | true | undefined) {
    this.set('max-stale', seconds)
  }

  get minFresh(): number | undefined {
    return this.#seconds('min-fresh')
  }
  set minFresh(seconds: number | undefined) {
    this.set('min-fresh', seconds)
  }

  /** In a response it may name fields. */
  get noCache(): string | boolean {
    return this.get('no-cache') ?? false
  }
  set noCache(value: string | boolean) {
    this.set('no-cache', value)
  }

  get noStore(): boolean {
    return this.#has('no-store')
  }
  set noStore(value: boolean) {
    this.set('no-store', value)
  }

  get noTransform(): boolean {
    return this.#has('no-transform')
  }
  set noTransform(value: boolean) {
    this.set('no-transform', value)
  }

  get onlyIfCached(): boolean {
    return this.#has('only-if-cached')
  }
  set onlyIfCached(value: boolean) {
    this.set('only-if-cached', value)
  }

  get public(): boolean {
    return this.#has('public')
  }
  set public(value: boolean) {
    this.set('public', value)
  }

  /** In a response it may name fields. */
  get private(): string | boolean {
    return this.get('private') ?? false
  }
  set private(value: string | boolean) {
    this.set('private', value)
  }

  get mustRevalidate(): boolean {
    return this.#has('must-revalidate')
  }
  set mustRevalidate(value: boolean) {
    this.set('must-revalidate', value)
  }

  get proxyRevalidate(): boolean {
    return this.#has('proxy-revalidate')
  }
  set proxyRevalidate(value: boolean) {
    this.set('proxy-revalidate', value)
  }

  get mustUnderstand(): boolean {
    return this.#has('must-understand')
  }
  set mustUnderstand(value: boolean) {
    this.set('must-understand', value)
  }

  get immutable(): boolean {
    return this.#has('immutable')
  }
  set immutable(value: boolean) {
    this.set('immutable', value)
  }

  get staleWhileRevalidate(): number | undefined {
    return this.#seconds('stale-while-revalidate')
  }
  set staleWhileRevalidate(seconds: number | undefined) {
    this.set('stale-while-revalidate', seconds)
  }

  get staleIfError(): number | undefined {
    return this.#seconds('stale-if-error')
  }
  set staleIfError(seconds: number | undefined) {
    this.set('stale-if-error', seconds)
  }

  toString(): string {
    return [...this.#directives].map(([name, value]) => (value === null ? name : `${name}=${quoteValue(value)}`)).join(', ')
  }

  #has(name: string): boolean {
    return this.#directives.has(name)
  }

  /** What is no number of seconds counts as if it were not there. */
  #seconds(name: string): number | undefined {
    const value = this.#directives.get(name)
    return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : undefined
  }
}
