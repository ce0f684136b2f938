import type { Environ, HeaderPair } from '../interface/application.ts'

/** The header fields of a request, as its environ has them: read only, one value a name, names in capitals and small letters alike. */
export class EnvironHeaders implements Iterable<HeaderPair> {
  readonly #environ: Environ

  constructor(environ: Environ) {
    this.#environ = environ
  }

  get(name: string): string | undefined
  get<Fallback>(name: string, fallback: Fallback): string | Fallback
  get(name: string, fallback?: unknown): unknown {
    // A name with an underscore would be found under that of the one with a dash, which proxies may have checked.
    if (name.includes('_')) return fallback
    const variable = name.toUpperCase().replaceAll('-', '_')
    const value = this.#environ[BARE.has(variable) ? variable : `HTTP_${variable}`]
    return typeof value === 'string' && value !== '' ? value : fallback
  }

  /** The value as a list of one, or none: of several fields of a name the server has made one. */
  getAll(name: string): string[] {
    const value = this.get(name)
    return value === undefined ? [] : [value]
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  *[Symbol.iterator](): IterableIterator<HeaderPair> {
    for (const [variable, value] of Object.entries(this.#environ)) {
      if (typeof value !== 'string' || value === '') continue
      if (BARE.has(variable)) yield [fieldName(variable), value]
      else if (variable.startsWith('HTTP_')) yield [fieldName(variable.slice(5)), value]
    }
  }
}

/** Those that CGI names without a prefix (RFC 3875, section 4.1). */
const BARE = new Set(['CONTENT_TYPE', 'CONTENT_LENGTH'])

/** `Content-Type` of `CONTENT_TYPE`. */
function fieldName(variable: string): string {
  return variable
    .split('_')
    .map((part) => part.slice(0, 1) + part.slice(1).toLowerCase())
    .join('-')
}
