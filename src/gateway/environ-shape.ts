import type { Environ } from '../interface/application.ts'
import type { Exchange } from './exchange.ts'
import { hashNames, hasNames, PLAIN_NAME } from './param-names.ts'

/** Where the accessor of `tsgi.signal` finds its request. */
export const EXCHANGE = Symbol('tsgi.exchange')

/** An environ that is being filled: a variable that is not set yet is undefined. */
export type Draft = Partial<Environ> & { [EXCHANGE]?: Exchange }

/** What all environs of a server share. */
export type DraftBase = Pick<
  Environ,
  'tsgi.version' | 'tsgi.errors' | 'tsgi.multithread' | 'tsgi.multiprocess' | 'tsgi.run_once' | 'tsgi.file_wrapper'
>

/** One sequence of variable names, and a function that makes the environ of it at once. */
interface Shape {
  readonly names: readonly string[]
  readonly make: (params: readonly string[], base: DraftBase) => Draft
  /** Where the values of these two are in `params`, Infinity when there is none: they are left out where they are empty. */
  readonly contentType: number
  readonly contentLength: number
}

/** Shapes kept. Browsers and programs that call one site send their fields in a few dozen sequences. */
const MAX_SHAPES = 256

/** Most variables of a shape: some twenty of the proxy, the rest is the client's. */
const MAX_NAMES = 64

/** A sequence is worth a shape when it has come this often. */
const WORTHWHILE = 8

/** When the table is full it is begun anew, but no sooner than this: a client that varies its header names buys little work. */
const RENEWAL_MS = 60_000

/** Variables every environ has, so that all of them begin with the same members. */
const ALWAYS = [
  'REQUEST_METHOD',
  'SCRIPT_NAME',
  'PATH_INFO',
  'QUERY_STRING',
  'REQUEST_URI',
  'SERVER_NAME',
  'SERVER_PORT',
  'SERVER_PROTOCOL',
]

/**
 * The sequences of variable names that were seen, each with a function that makes an object of them by one literal: that costs
 * a tenth of an object that grows member by member. The names of two requests in the same sequence differ in nothing but values.
 */
export class EnvironShapes {
  readonly #isLeftOut: (name: string) => boolean
  readonly #shapes = new Map<number, Shape>()
  /** The shape of the request before: often that of the next. */
  #last: Shape | undefined
  /** How often a sequence without a shape has come, by the lower bits of its hash. */
  readonly #seen = new Uint8Array(1024)
  #renewedAt = 0

  /** `isLeftOut`: variables that no environ has. */
  constructor(isLeftOut: (name: string) => boolean) {
    this.#isLeftOut = isLeftOut
  }

  /** The environ of `[name, value, …]` as far as it can be told from them; undefined where they must be set one by one. */
  make(params: readonly string[], base: DraftBase): Draft | undefined {
    let shape = this.#last
    if (shape === undefined || !hasNames(params, shape.names)) {
      const hash = hashNames(params)
      shape = this.#shapes.get(hash)
      if (shape === undefined) {
        this.#consider(hash, params)
        return undefined
      }
      if (!hasNames(params, shape.names)) return undefined
      this.#last = shape
    }
    const draft = shape.make(params, base)
    const contentType = params[shape.contentType]
    if (contentType !== undefined && contentType !== '') draft.CONTENT_TYPE = contentType
    const contentLength = params[shape.contentLength]
    if (contentLength !== undefined && contentLength !== '') draft.CONTENT_LENGTH = contentLength
    return draft
  }

  #consider(hash: number, params: readonly string[]): void {
    const slot = hash & (this.#seen.length - 1)
    const times = (this.#seen[slot] ?? 0) + 1
    this.#seen[slot] = times
    if (times < WORTHWHILE) return
    this.#seen[slot] = 0
    if (this.#shapes.size === MAX_SHAPES) {
      const now = performance.now()
      if (now - this.#renewedAt < RENEWAL_MS) return
      this.#renewedAt = now
      this.#shapes.clear()
    }
    const names = params.filter((_, index) => index % 2 === 0)
    if (names.length > MAX_NAMES || names.some((name) => !PLAIN_NAME.test(name))) return
    // A repeated variable is joined or refused, which takes looking at it.
    if (new Set(names).size < names.length) return
    const make = this.#compile(names)
    if (make === undefined) return
    this.#shapes.set(hash, {
      names,
      make,
      contentType: valueIndex(names, 'CONTENT_TYPE'),
      contentLength: valueIndex(names, 'CONTENT_LENGTH'),
    })
  }

  /**
   * The literal as source text. Names have been checked to be plain words, and no value is part of the text.
   * Undefined where the process may not make code from strings (`--disallow-code-generation-from-strings`).
   */
  #compile(names: readonly string[]): Shape['make'] | undefined {
    const members = ALWAYS.map((name) => `${name}: ${names.includes(name) ? `params[${valueIndex(names, name)}]` : 'undefined'}`)
    members.push(
      `'tsgi.version': base['tsgi.version']`,
      `'tsgi.url_scheme': 'http'`,
      `'tsgi.input': undefined`,
      `'tsgi.errors': base['tsgi.errors']`,
      `'tsgi.multithread': base['tsgi.multithread']`,
      `'tsgi.multiprocess': base['tsgi.multiprocess']`,
      `'tsgi.run_once': base['tsgi.run_once']`,
      `'tsgi.file_wrapper': base['tsgi.file_wrapper']`,
      `'tsgi.request_id': ''`,
    )
    for (const name of names) {
      if (ALWAYS.includes(name) || name === 'CONTENT_TYPE' || name === 'CONTENT_LENGTH' || this.#isLeftOut(name)) continue
      members.push(`${name}: params[${valueIndex(names, name)}]`)
    }
    try {
      // The function has the type that its source text says. Nothing a client sends is in the text but names of letters, digits
      // and underscores; the rules are for code from values.
      // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
      return new Function('params', 'base', `return { ${members.join(', ')} }`) as Shape['make']
    } catch {
      return undefined
    }
  }
}

function valueIndex(names: readonly string[], name: string): number {
  const index = names.indexOf(name)
  return index === -1 ? Infinity : 2 * index + 1
}
