import { CompiledRule } from './compiled-rule.ts'
import type { BuildValues, RuleContext } from './compiled-rule.ts'
import type { ConverterArguments } from './converter-arguments.ts'
import { DEFAULT_CONVERTERS, ValidationError } from './converters.ts'
import type { BaseConverter, ConverterClass } from './converters.ts'
import type { Binding } from './map-adapter.ts'
import { RuleTree } from './rule-tree.ts'
import type { TreeAnswer, TreeQuery } from './rule-tree.ts'
import type { AnyRule, Endpoint } from './rule.ts'

export interface MapOptions<Own extends object = object> {
  /** A path without the slash at its rule's end is redirected to the one with it; yes when left out. */
  readonly strictSlashes?: boolean
  /** `//` is redirected to `/`; yes when left out. */
  readonly mergeSlashes?: boolean
  /** A path whose value is another rule's default is redirected to that of the other rule; yes when left out. */
  readonly redirectDefaults?: boolean
  /** Rules look at the host. */
  readonly hostMatching?: boolean
  /** Rules look at what stands before the server's name; where some of them name a subdomain when left out. */
  readonly subdomainMatching?: boolean
  /** The subdomain of rules that name none. */
  readonly defaultSubdomain?: string
  /** What URLs are made with, and what subdomains stand before: `example.org`. What the client asks for when left out. */
  readonly serverName?: string
  /** Sorts what `build` puts into the query, by name, or by `sortKey`. */
  readonly sortParameters?: boolean
  readonly sortKey?: (name: string, value: unknown) => string | number
  /** Converters of your own, by name. */
  readonly converters?: { readonly [Name in keyof Own]: new (args: ConverterArguments) => BaseConverter<Own[Name]> }
}

/** What a map knows of its rules, for those who match paths and build URLs by it. */
export class RuleIndex {
  readonly options: MapOptions
  readonly redirectDefaults: boolean
  readonly hostMatching: boolean
  readonly #converters: ReadonlyMap<string, ConverterClass>
  readonly #made = new Map<string, BaseConverter<unknown>>()
  #tree = new RuleTree()
  #rules: CompiledRule[] = []
  #byEndpoint = new Map<Endpoint, CompiledRule[]>()
  #subdomains: boolean
  #portsInHosts = false

  constructor(options: MapOptions) {
    this.options = options
    this.redirectDefaults = options.redirectDefaults ?? true
    this.hostMatching = options.hostMatching ?? false
    this.#subdomains = options.subdomainMatching ?? false
    // Each is one, by the type of the option.
    this.#converters = new Map([
      ...Object.entries(DEFAULT_CONVERTERS),
      ...Object.entries((options.converters ?? {}) as Record<string, ConverterClass>),
    ])
  }

  /** Whether rules look at the subdomain. */
  get subdomains(): boolean {
    return this.#subdomains && !this.hostMatching
  }

  /** All of them, or none where one is none. Throws `TSGI_ERR_ROUTE`. */
  add(rules: Iterable<AnyRule>): void {
    const added = [...rules]
    const subdomains =
      this.options.subdomainMatching ?? (this.#subdomains || added.some(({ options }) => options.subdomain !== undefined))
    const context: RuleContext = {
      converters: this.#converters,
      made: this.#made,
      strictSlashes: this.options.strictSlashes ?? true,
      mergeSlashes: this.options.mergeSlashes ?? true,
      hostMatching: this.hostMatching,
      defaultSubdomain: this.options.defaultSubdomain ?? '',
      subdomains,
    }
    const isAnew = subdomains !== this.#subdomains
    // Once one rule names a subdomain, those that were there before are of the default one.
    const sources = isAnew ? [...this.#rules.map(({ rule }) => rule), ...added] : added
    const compiled = sources.map((rule) => new CompiledRule(rule, context))
    if (isAnew) {
      this.#subdomains = subdomains
      this.#rules = []
      this.#tree = new RuleTree()
      this.#byEndpoint = new Map()
    }
    for (const rule of compiled) this.#insert(rule)
    for (const { endpoint } of compiled) if (endpoint !== undefined) this.#byEndpoint.get(endpoint)?.sort(compareForBuild)
  }

  find(query: TreeQuery): TreeAnswer {
    return this.#tree.match(query, this.options.mergeSlashes ?? true)
  }

  /** What rules may name: the host, or the subdomain. */
  domainOf({ serverName, subdomain }: Binding): string | undefined {
    if (!this.hostMatching) return subdomain
    return this.#portsInHosts ? serverName : withoutPort(serverName).replace(/\.$/, '')
  }

  /** Whether what a rule has built is on the host of the binding. */
  isHere(binding: Binding, rule: CompiledRule, domain: string): boolean {
    return rule.domainPart === undefined || domain === this.domainOf(binding)
  }

  /** Host and port of what a rule has built. */
  authorityOf(binding: Binding, rule: CompiledRule, domain: string): string {
    const { serverName } = binding
    if (rule.domainPart === undefined) return this.hostUrlName(binding, serverName)
    if (this.hostMatching) return this.#portsInHosts ? domain : domain + serverName.slice(withoutPort(serverName).length)
    return domain === '' ? serverName : `${domain}.${serverName}`
  }

  /** Host and port of the binding itself. */
  hostUrlName({ subdomain }: Binding, serverName: string): string {
    return !this.subdomains || subdomain === undefined || subdomain === '' ? serverName : `${subdomain}.${serverName}`
  }

  compiledRules(): readonly CompiledRule[] {
    return this.#rules
  }

  /** In the order in which they are tried to build a URL. */
  rulesOf(endpoint: Endpoint): readonly CompiledRule[] {
    return this.#byEndpoint.get(endpoint) ?? []
  }

  /** The rule before this one whose defaults are what this one has in its path. */
  providerOf(rule: CompiledRule, values: Record<string, unknown>, method: string): CompiledRule | undefined {
    if (rule.endpoint === undefined) return undefined
    for (const other of this.rulesOf(rule.endpoint)) {
      if (other === rule) return undefined
      if (!other.providesDefaultsFor(rule) || !other.isSuitableFor(values, method)) continue
      try {
        other.build({ ...values, ...other.defaults })
        return other
      } catch (error) {
        if (!(error instanceof ValidationError)) throw error
      }
    }
    return undefined
  }

  queryOf(values: BuildValues, known: ReadonlySet<string>): string {
    let entries = Object.entries(values).filter(([name, value]) => !known.has(name) && value !== undefined && value !== null)
    if (entries.length === 0) return ''
    const { sortParameters, sortKey = (name: string) => name } = this.options
    if (sortParameters === true) {
      const keyed = entries.map((entry) => ({ entry, key: sortKey(...entry) }))
      keyed.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
      entries = keyed.map(({ entry }) => entry)
    }
    const query = new URLSearchParams()
    for (const [name, value] of entries)
      for (const each of Array.isArray(value) ? (value as unknown[]) : [value])
        if (each !== undefined && each !== null) query.append(name, String(each))
    return query.size === 0 ? '' : `?${query.toString()}`
  }

  #insert(rule: CompiledRule): void {
    this.#rules.push(rule)
    if (rule.options.buildOnly !== true) this.#tree.add(rule)
    if (this.hostMatching && /:\d/.test(rule.options.host ?? '')) this.#portsInHosts = true
    if (rule.endpoint === undefined) return
    const list = this.#byEndpoint.get(rule.endpoint) ?? []
    list.push(rule)
    this.#byEndpoint.set(rule.endpoint, list)
  }
}

/** Aliases last; the ones with most variables first, and of these the ones with most defaults. */
function compareForBuild(left: CompiledRule, right: CompiledRule): number {
  const aliases = Number(left.options.alias === true) - Number(right.options.alias === true)
  if (aliases !== 0) return aliases
  return right.arguments.size - left.arguments.size || Object.keys(right.defaults).length - Object.keys(left.defaults).length
}

export function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '')
}
