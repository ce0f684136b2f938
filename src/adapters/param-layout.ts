import { belongsToConnection } from '../gateway/connection-fields.ts'
import { hashNames, hasNames } from '../gateway/param-names.ts'
import { quote, TsgiError } from '../interface/errors.ts'

/** Where a parameter's value is; this stands for "nowhere", for the first value is at 1. */
const NOWHERE = 0

/** What is known of one sequence of parameter names: two requests in the same sequence differ in nothing but values. */
export class ParamLayout {
  readonly names: readonly string[]
  /**
   * Header fields in lower case, and where the value of each is. A field that is repeated is there twice. Without the two that
   * have variables of their own.
   */
  readonly fields: readonly string[]
  readonly fieldsAt: readonly number[]
  /** A variable that must not be there twice, and is. */
  readonly #repeated: string | undefined
  /** Pairs of places that must hold the same. */
  readonly #same: readonly (readonly [first: number, second: number])[]
  /** Where these two are, which are empty where the client has sent none; 0: nowhere. */
  readonly contentTypeAt: number
  readonly contentLengthAt: number
  readonly #at: ReadonlyMap<string, number>
  readonly #method: number
  readonly #target: number
  readonly #host: number
  readonly #https: number
  readonly #scheme: number

  constructor(params: readonly string[]) {
    const names: string[] = []
    const fields: string[] = []
    const fieldsAt: number[] = []
    const same: [number, number][] = []
    const at = new Map<string, number>()
    let repeated: string | undefined
    for (let index = 0; index < params.length; index += 2) {
      const name = params[index] ?? ''
      names.push(name)
      const known = at.get(name)
      if (known === undefined) at.set(name, index + 1)
      const field = fieldName(name)
      if (known !== undefined && ONCE.has(name)) repeated ??= name
      else if (field !== undefined) {
        fields.push(field)
        fieldsAt.push(index + 1)
      } else if (known !== undefined && !name.startsWith('HTTP_')) same.push([known, index + 1])
    }
    this.names = names
    this.fields = fields
    this.fieldsAt = fieldsAt
    this.#repeated = repeated
    this.#same = same
    this.#at = at
    this.contentTypeAt = at.get('CONTENT_TYPE') ?? NOWHERE
    this.contentLengthAt = at.get('CONTENT_LENGTH') ?? NOWHERE
    this.#method = at.get('REQUEST_METHOD') ?? NOWHERE
    this.#target = at.get('REQUEST_URI') ?? NOWHERE
    this.#host = at.get('HTTP_HOST') ?? NOWHERE
    this.#https = at.get('HTTPS') ?? NOWHERE
    this.#scheme = at.get('REQUEST_SCHEME') ?? NOWHERE
  }

  /** Throws `TSGI_ERR_REQUEST_INVALID` for a variable that is given twice, with two values or where there must be one. */
  check(params: readonly string[]): void {
    if (this.#repeated !== undefined) throw repeatedError(this.#repeated)
    for (const [first, second] of this.#same) {
      if (params[first] !== params[second]) throw repeatedError(params[first - 1] ?? '')
    }
  }

  method(params: readonly string[]): string {
    return valueAt(params, this.#method)
  }

  target(params: readonly string[]): string {
    return valueAt(params, this.#target)
  }

  host(params: readonly string[]): string {
    return valueAt(params, this.#host)
  }

  /** Whether the client speaks TLS with the proxy. */
  isSecure(params: readonly string[]): boolean {
    const https = valueAt(params, this.#https)
    return https === 'on' || https === '1' || valueAt(params, this.#scheme) === 'https'
  }

  /** Any parameter; empty where it is not there. */
  value(params: readonly string[], name: string): string {
    return valueAt(params, this.#at.get(name) ?? NOWHERE)
  }
}

function repeatedError(name: string): TsgiError {
  return new TsgiError('TSGI_ERR_REQUEST_INVALID', `${quote(name)} is given twice; the proxy's parameters repeat a variable`)
}

function valueAt(params: readonly string[], at: number): string {
  return at === NOWHERE ? '' : (params[at] ?? '')
}

/**
 * Variables of which a second value, even an equal one, means that somebody slipped one in; two hosts are two opinions of
 * where the request goes (RFC 9112, section 3.2).
 */
const ONCE = new Set([
  'REQUEST_METHOD',
  'REQUEST_URI',
  'QUERY_STRING',
  'CONTENT_LENGTH',
  'CONTENT_TYPE',
  'SERVER_PROTOCOL',
  'REMOTE_ADDR',
  'HTTP_HOST',
])

/** `HTTP_ACCEPT_LANGUAGE` → `accept-language`; undefined for what is no field, or one of the connection. */
function fieldName(name: string): string | undefined {
  if (!name.startsWith('HTTP_') || belongsToConnection(name)) return undefined
  return name.slice(5).toLowerCase().replaceAll('_', '-')
}

/** Layouts kept: browsers and programs that call one site send their fields in a few dozen sequences. */
const MAX_LAYOUTS = 256

/** Most parameters of a layout that is kept: some twenty of the proxy, the rest is the client's. */
const MAX_NAMES = 64

const LAYOUTS = new Map<number, ParamLayout>()
/** The layout of the request before: often that of the next. */
let last = new ParamLayout([])

/** The layout of `[name, value, …]`, most often one that was made before. */
export function layoutOf(params: readonly string[]): ParamLayout {
  if (hasNames(params, last.names)) return last
  const hash = hashNames(params)
  let layout = LAYOUTS.get(hash)
  if (layout === undefined || !hasNames(params, layout.names)) {
    layout = new ParamLayout(params)
    if (layout.names.length > MAX_NAMES) return layout
    // A client that varies its header names makes this begin anew, which costs the others one layout each.
    if (LAYOUTS.size === MAX_LAYOUTS) LAYOUTS.clear()
    LAYOUTS.set(hash, layout)
  }
  last = layout
  return layout
}
