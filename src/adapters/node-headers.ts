import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { PLAIN_NAME } from '../gateway/param-names.ts'
import type { ParamLayout } from './param-layout.ts'

/** Requests of one layout after which a function is made for it. */
const WORTHWHILE = 8

/** Most fields of such a function. */
const MAX_FIELDS = 64

/**
 * Gives a request its header fields: `rawHeaders`, `headers` and `headersDistinct`, as `node:http` makes them of what it parses.
 * `extra` are fields that the layout leaves out, `[name, value, …]`.
 */
export function setHeaders(
  request: IncomingMessage,
  params: readonly string[],
  layout: ParamLayout,
  extra: readonly string[],
): void {
  const { rawHeaders, headers } = headerShapeOf(layout).make(params)
  if (layout.contentTypeAt !== 0) addField(rawHeaders, headers, 'Content-Type', params[layout.contentTypeAt] ?? '')
  if (layout.contentLengthAt !== 0) addField(rawHeaders, headers, 'Content-Length', params[layout.contentLengthAt] ?? '')
  for (let index = 0; index < extra.length; index += 2) addField(rawHeaders, headers, extra[index] ?? '', extra[index + 1] ?? '')
  request.rawHeaders = rawHeaders
  request.headers = headers
  request.headersDistinct = new Proxy<NodeJS.Dict<string[]>>(emptyDistinct(), new DistinctHeaders(rawHeaders))
}

/** Gateways say it with nothing in it where the client has sent none. */
function addField(rawHeaders: string[], headers: IncomingHttpHeaders, name: string, value: string): void {
  if (value === '') return
  rawHeaders.push(name, value)
  addHeader(headers, name.toLowerCase(), value)
}

interface Headers {
  readonly rawHeaders: string[]
  readonly headers: IncomingHttpHeaders
}

/** How the header fields of one sequence of parameters are made: at first one by one, then by one literal, at a tenth of the cost. */
class HeaderShape {
  readonly #layout: ParamLayout
  readonly #names: readonly string[]
  #uses = 0
  #literal: ((params: readonly string[]) => Headers) | undefined

  constructor(layout: ParamLayout) {
    this.#layout = layout
    this.#names = layout.fields.map(writtenName)
  }

  make(params: readonly string[]): Headers {
    if (this.#literal !== undefined) return this.#literal(params)
    if (++this.#uses === WORTHWHILE) this.#literal = this.#compile()
    const { fields, fieldsAt } = this.#layout
    const rawHeaders: string[] = []
    const headers: IncomingHttpHeaders = {}
    for (let index = 0; index < fields.length; index++) {
      const value = params[fieldsAt[index] ?? 0] ?? ''
      rawHeaders.push(this.#names[index] ?? '', value)
      addHeader(headers, fields[index] ?? '', value)
    }
    return { rawHeaders, headers }
  }

  /** Undefined where fields are repeated, or the process may not make code from strings. */
  #compile(): ((params: readonly string[]) => Headers) | undefined {
    const { fields, fieldsAt, names } = this.#layout
    if (fields.length > MAX_FIELDS || new Set(fields).size < fields.length || fields.includes('set-cookie')) return undefined
    if (!names.every((name) => PLAIN_NAME.test(name))) return undefined
    const raw = fieldsAt.map((at, index) => `'${this.#names[index] ?? ''}', params[${at}]`)
    const members = fieldsAt.map((at, index) => `'${fields[index] ?? ''}': params[${at}]`)
    try {
      // The function has the type that its source text says. Nothing a client sends is in the text but names of letters, digits
      // and hyphens; the rules are for code from values.
      // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
      return new Function('params', `return { rawHeaders: [${raw.join(', ')}], headers: { ${members.join(', ')} } }`) as (
        params: readonly string[],
      ) => Headers
    } catch {
      return undefined
    }
  }
}

const SHAPES = new WeakMap<ParamLayout, HeaderShape>()
let last: { readonly layout: ParamLayout; readonly shape: HeaderShape } | undefined

function headerShapeOf(layout: ParamLayout): HeaderShape {
  if (last !== undefined && last.layout === layout) return last.shape
  let shape = SHAPES.get(layout)
  if (shape === undefined) {
    shape = new HeaderShape(layout)
    SHAPES.set(layout, shape)
  }
  last = { layout, shape }
  return shape
}

/** `accept-language` → `Accept-Language`: a gateway does not tell how it was written. */
function writtenName(field: string): string {
  return field.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase())
}

/** Of these, the first one counts (Node's documentation of `message.headers`). */
const FIRST_ONLY = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
])

/** Adds a field to `message.headers`, or joins it with what is there. */
function addHeader(headers: IncomingHttpHeaders, field: string, value: string): void {
  if (field === 'set-cookie') {
    const known = headers['set-cookie']
    if (known === undefined) headers['set-cookie'] = [value]
    else known.push(value)
    return
  }
  const known = headers[field]
  // What every object has by its prototype is no field.
  if (typeof known !== 'string') headers[field] = value
  else if (!FIRST_ONLY.has(field)) headers[field] = `${known}${field === 'cookie' ? '; ' : ', '}${value}`
}

/** `message.headersDistinct`, which few ask for: filled when somebody looks at it. */
class DistinctHeaders implements ProxyHandler<NodeJS.Dict<string[]>> {
  #rawHeaders: readonly string[] | undefined

  constructor(rawHeaders: readonly string[]) {
    this.#rawHeaders = rawHeaders
  }

  get(target: NodeJS.Dict<string[]>, name: string | symbol): unknown {
    return Reflect.get(this.#filled(target), name)
  }

  has(target: NodeJS.Dict<string[]>, name: string | symbol): boolean {
    return Reflect.has(this.#filled(target), name)
  }

  ownKeys(target: NodeJS.Dict<string[]>): (string | symbol)[] {
    return Reflect.ownKeys(this.#filled(target))
  }

  getOwnPropertyDescriptor(target: NodeJS.Dict<string[]>, name: string | symbol): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#filled(target), name)
  }

  set(target: NodeJS.Dict<string[]>, name: string | symbol, value: unknown): boolean {
    return Reflect.set(this.#filled(target), name, value)
  }

  #filled(target: NodeJS.Dict<string[]>): NodeJS.Dict<string[]> {
    const rawHeaders = this.#rawHeaders
    if (rawHeaders === undefined) return target
    this.#rawHeaders = undefined
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const field = (rawHeaders[index] ?? '').toLowerCase()
      const values = target[field]
      const value = rawHeaders[index + 1] ?? ''
      if (values === undefined) target[field] = [value]
      else values.push(value)
    }
    return target
  }
}

function emptyDistinct(): NodeJS.Dict<string[]> {
  return Object.create(null) as NodeJS.Dict<string[]>
}
