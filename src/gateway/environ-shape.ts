import type { Draft } from './environ.ts'

/** Distinct shapes kept: one for each proxy configuration in front, and its variants with and without optional variables. */
const MAX_SHAPES = 16

/** Most variables of a shape. A proxy's own parameters are some twenty. */
const MAX_NAMES = 64

/** What a proxy's configuration names its variables; anything else is set one by one. */
const PLAIN_NAME = /^[A-Z][A-Z0-9_]*$/

/** Everything of an environ that is not the request's. */
export type DraftBase = Pick<
  Draft,
  'tsgi.version' | 'tsgi.errors' | 'tsgi.multithread' | 'tsgi.multiprocess' | 'tsgi.run_once' | 'tsgi.file_wrapper'
>

/** A proxy's own variables, in the order it sends them, and a function that makes an object of them at once. */
export interface EnvironShape {
  readonly names: readonly string[]
  /** Makes the environ's beginning from `[name, value, …]`. CONTENT_TYPE and CONTENT_LENGTH are left out: they may be empty. */
  readonly make: (params: readonly string[], base: DraftBase) => Draft
  /** Where the values of those two are in `params`; beyond its end when the shape has none. */
  readonly contentType: number
  readonly contentLength: number
}

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

const OPTIONAL_WHEN_EMPTY = new Set(['CONTENT_TYPE', 'CONTENT_LENGTH'])

/**
 * The shapes seen so far. A proxy sends the variables of its configuration first and in the same order, request after
 * request; an object made by one literal costs a tenth of one that grows member by member. Header fields, which clients
 * choose, come after them and are never part of a shape.
 */
export class EnvironShapes {
  readonly #shapes: EnvironShape[] = []
  #last: EnvironShape | undefined

  /** The shape that `params` begin with; undefined where they are set one by one. */
  find(params: readonly string[]): EnvironShape | undefined {
    const last = this.#last
    if (last !== undefined && matches(last, params)) return last
    const shape = this.#shapes.find((candidate) => matches(candidate, params)) ?? this.#add(params)
    if (shape !== undefined) this.#last = shape
    return shape
  }

  #add(params: readonly string[]): EnvironShape | undefined {
    if (this.#shapes.length === MAX_SHAPES) return undefined
    const names: string[] = []
    for (let index = 0; index < params.length && names.length < MAX_NAMES; index += 2) {
      const name = params[index] ?? ''
      if (!PLAIN_NAME.test(name) || name.startsWith('HTTP_')) break
      // A repeated variable is an error, which setting them one by one finds.
      if (names.includes(name)) return undefined
      names.push(name)
    }
    const make = names.length === 0 ? undefined : compile(names)
    if (make === undefined) return undefined
    const shape = { names, make, contentType: valueIndex(names, 'CONTENT_TYPE'), contentLength: valueIndex(names, 'CONTENT_LENGTH') }
    this.#shapes.push(shape)
    return shape
  }
}

function valueIndex(names: readonly string[], name: string): number {
  const index = names.indexOf(name)
  return index === -1 ? Infinity : 2 * index + 1
}

function matches(shape: EnvironShape, params: readonly string[]): boolean {
  const { names } = shape
  if (params.length < 2 * names.length) return false
  for (let index = 0; index < names.length; index++) {
    if (params[2 * index] !== names[index]) return false
  }
  // The whole run of the proxy's variables, not a beginning of it: two shapes never match the same request.
  const next = params[2 * names.length]
  return next === undefined || next.startsWith('HTTP_') || names.length === MAX_NAMES || !PLAIN_NAME.test(next)
}

/**
 * The literal as source text. Names have been checked to be plain words, and no value is part of the text.
 * Undefined where the process may not make code from strings (`--disallow-code-generation-from-strings`).
 */
function compile(names: readonly string[]): EnvironShape['make'] | undefined {
  const members = ALWAYS.map((name) => `${name}: ${names.includes(name) ? `params[${2 * names.indexOf(name) + 1}]` : 'undefined'}`)
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
  names.forEach((name, index) => {
    if (!ALWAYS.includes(name) && !OPTIONAL_WHEN_EMPTY.has(name)) members.push(`${name}: params[${2 * index + 1}]`)
  })
  try {
    // The function has the type that its source text says.
    return new Function('params', 'base', `return { ${members.join(', ')} }`) as EnvironShape['make']
  } catch {
    return undefined
  }
}
