import { ConverterArguments } from './converter-arguments.ts'
import { ValidationError } from './converters.ts'
import type { BaseConverter, ConverterClass } from './converters.ts'
import { matchElements } from './match-elements.ts'
import type { Element } from './match-elements.ts'
import { makePart, splitParts } from './rule-parts.ts'
import type { RulePart } from './rule-parts.ts'
import { invalid, parsePattern } from './rule-pattern.ts'
import type { AnyRule, Endpoint, RuleOptions } from './rule.ts'
import { encodePath } from '../encode-path.ts'

/** What a rule takes from its map. */
export interface RuleContext {
  readonly converters: ReadonlyMap<string, ConverterClass>
  /** Converters that are there already, by name and arguments: rules share them, and the compiled expressions in them. */
  readonly made: Map<string, BaseConverter<unknown>>
  readonly strictSlashes: boolean
  readonly mergeSlashes: boolean
  readonly hostMatching: boolean
  readonly defaultSubdomain: string
  /** False: rules of all subdomains match on each. */
  readonly subdomains: boolean
}

/** Values as they go into `build`. */
export type BuildValues = Readonly<Record<string, unknown>>

/** A rule in its map. */
export class CompiledRule {
  readonly rule: AnyRule
  readonly endpoint: Endpoint | undefined
  readonly options: RuleOptions
  /** In capitals, with HEAD where there is GET; undefined: all. */
  readonly methods: ReadonlySet<string> | undefined
  readonly websocket: boolean
  readonly strictSlashes: boolean
  readonly mergeSlashes: boolean
  readonly defaults: BuildValues
  /** Of pattern, host and defaults. */
  readonly arguments: ReadonlySet<string>
  /** Undefined: any host. */
  readonly domainPart: RulePart | undefined
  readonly pathParts: readonly RulePart[]
  /** Those of the host first, as a match finds their texts. */
  readonly variables: readonly (Element & { kind: 'variable' })[]
  readonly #pattern: string
  readonly #domain: readonly Element[]
  readonly #path: readonly Element[]

  /** Throws `TSGI_ERR_ROUTE`. */
  constructor(rule: AnyRule, context: RuleContext) {
    const { options } = rule
    this.rule = rule
    this.endpoint = options.endpoint
    this.options = options
    this.websocket = options.websocket === true
    this.strictSlashes = options.strictSlashes ?? context.strictSlashes
    this.mergeSlashes = options.mergeSlashes ?? context.mergeSlashes
    this.defaults = { ...options.defaults }
    this.methods = methodsOf(rule)
    this.#pattern = this.mergeSlashes ? rule.pattern.replaceAll(/\/{2,}/g, '/') : rule.pattern
    this.#path = elementsOf(this.#pattern.slice(1), context)
    this.pathParts = splitParts(this.#path)
    const domain = domainPattern(options, context)
    this.#domain = elementsOf(domain ?? '', context)
    this.domainPart = domain === undefined ? undefined : makePart(this.#domain, false, false)
    this.variables = [...this.#domain, ...this.#path].filter((each) => each.kind === 'variable')
    const names = this.variables.map(({ name }) => name)
    if (new Set(names).size < names.length) throw invalid(rule.pattern, 'the host has a variable of the same name as the path')
    this.arguments = new Set([...names, ...Object.keys(this.defaults)])
  }

  /** The values of the texts that were found; undefined where one of them is none. */
  valuesOf(texts: readonly string[]): Record<string, unknown> | undefined {
    const values: Record<string, unknown> = {}
    try {
      for (const [index, { name, converter }] of this.variables.entries()) values[name] = converter.toValue(texts[index] ?? '')
    } catch (error) {
      if (error instanceof ValidationError) return undefined
      throw error
    }
    return Object.assign(values, this.defaults)
  }

  /** Whether a URL can be made of these values. */
  isSuitableFor(values: BuildValues, method: string | undefined): boolean {
    if (method !== undefined && this.methods?.has(method) === false) return false
    for (const name of this.arguments) if (!(name in this.defaults) && isMissing(values[name])) return false
    return Object.entries(this.defaults).every(([name, value]) => isMissing(values[name]) || values[name] === value)
  }

  /** Whether this one gives, by its defaults, what the other one has in its path. */
  providesDefaultsFor(other: CompiledRule): boolean {
    return (
      this !== other &&
      this.options.buildOnly !== true &&
      Object.keys(this.defaults).length > 0 &&
      this.endpoint === other.endpoint &&
      this.arguments.size === other.arguments.size &&
      [...this.arguments].every((name) => other.arguments.has(name))
    )
  }

  /**
   * Host and path, percent-encoded. Throws ValidationError where a match would not give the values back: what the converter does
   * not take, what another variable would take a part of, and `.` and `..`, which clients leave out.
   */
  build(values: BuildValues): { domain: string; path: string } {
    const domain = joinTexts(this.#domain, values)
    // The parts of a path are told apart by their slashes; one that has several variables must come apart again in the same way.
    for (const { elements, text } of this.pathParts) if (text === undefined) joinTexts(elements, values)
    const path = `/${joinTexts(this.#path, values, false)}`
    if (path.split('/').some((segment) => segment === '.' || segment === '..'))
      throw new ValidationError('"." or ".." in the path')
    return { domain, path: encodePath(path) }
  }
}

function joinTexts(elements: readonly Element[], values: BuildValues, check = true): string {
  const texts: string[] = []
  const joined = elements.map((element) => {
    if (element.kind === 'text') return element.text
    const { converter, name } = element
    const text = converter.toUrl(values[name])
    if (!converter.accepts(text) || (converter.partIsolating && text.includes('/'))) throw new ValidationError(name)
    converter.toValue(text)
    texts.push(text)
    return text
  })
  const whole = joined.join('')
  if (check && texts.length > 1) {
    const found = matchElements(elements, whole)
    if (found?.every((text, index) => text === texts[index]) !== true) throw new ValidationError('ambiguous')
  }
  return whole
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null
}

function methodsOf({ pattern, options }: AnyRule): ReadonlySet<string> | undefined {
  if (options.methods === undefined) return undefined
  const methods = new Set(options.methods.map((method) => method.toUpperCase()))
  if (options.websocket === true && [...methods].some((method) => !['GET', 'HEAD', 'OPTIONS'].includes(method)))
    throw invalid(pattern, 'a WebSocket begins with GET')
  if (methods.has('GET')) methods.add('HEAD')
  return methods
}

/** Undefined: all of them. */
function domainPattern({ host, subdomain }: RuleOptions, context: RuleContext): string | undefined {
  if (context.hostMatching) return host?.toLowerCase()
  return context.subdomains ? (subdomain ?? context.defaultSubdomain).toLowerCase() : undefined
}

function elementsOf(pattern: string, { converters, made }: RuleContext): Element[] {
  return parsePattern(pattern).map((piece) => {
    if (piece.kind === 'text') return piece
    const key = `${piece.converter}(${piece.arguments})`
    let converter = made.get(key)
    if (converter === undefined) {
      const Converter = converters.get(piece.converter)
      if (Converter === undefined) throw invalid(pattern, `there is no converter ${JSON.stringify(piece.converter)}`)
      const args = new ConverterArguments(piece.arguments, JSON.stringify(pattern))
      converter = new Converter(args)
      args.done()
      made.set(key, converter)
    }
    return { kind: 'variable', name: piece.name, converter, key }
  })
}
