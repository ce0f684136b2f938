import type { Application, Environ } from '../../interface/application.ts'
import { TsgiError } from '../../interface/errors.ts'
import type { RequestOptions } from '../request.ts'
import { hostOf } from '../request-host.ts'
import { CompiledRule } from './compiled-rule.ts'
import type { BuildValues, RuleContext } from './compiled-rule.ts'
import { DEFAULT_CONVERTERS, ValidationError } from './converters.ts'
import type { BaseConverter, ConverterClass } from './converters.ts'
import type { ConverterArguments } from './converter-arguments.ts'
import { MapAdapter } from './map-adapter.ts'
import type { Binding } from './map-adapter.ts'
import { routeApplication } from './route-application.ts'
import type { RouteOptions } from './route-application.ts'
import { RuleTree } from './rule-tree.ts'
import type { TreeAnswer, TreeQuery } from './rule-tree.ts'
import { Rule } from './rule.ts'
import type { AnyRule, Endpoint, RuleOptions, RuleSource, ValuesOfRule } from './rule.ts'
import { rulesOf } from './rule-sources.ts'
import type { EndpointOf } from './rule-sources.ts'

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

export interface BindOptions {
  readonly scriptName?: string
  readonly subdomain?: string
  readonly urlScheme?: string
  /** GET when left out. */
  readonly defaultMethod?: string
  readonly pathInfo?: string
  readonly queryString?: string
  readonly websocket?: boolean
}

/**
 * The rules of an application: which path stands for what, and the other way round. It is exported as `Map`, as in Werkzeug; next to
 * JavaScript's own write `import { Map as UrlMap } from 'tsgi/toolkit'`.
 */
export class RouteMap<Source extends RuleSource = RuleSource, Own extends object = object> {
  readonly strictSlashes: boolean
  readonly mergeSlashes: boolean
  readonly redirectDefaults: boolean
  readonly hostMatching: boolean
  readonly #options: MapOptions<Own>
  readonly #converters: ReadonlyMap<string, ConverterClass>
  readonly #made = new Map<string, BaseConverter<unknown>>()
  readonly #sources: AnyRule[] = []
  #tree = new RuleTree()
  #rules: CompiledRule[] = []
  #byEndpoint = new Map<Endpoint, CompiledRule[]>()
  #subdomains: boolean
  #portsInHosts = false

  /** Throws `TSGI_ERR_ROUTE` for a rule that cannot be. */
  constructor(rules: Iterable<Source> = [], options: MapOptions<Own> = {}) {
    this.strictSlashes = options.strictSlashes ?? true
    this.mergeSlashes = options.mergeSlashes ?? true
    this.redirectDefaults = options.redirectDefaults ?? true
    this.hostMatching = options.hostMatching ?? false
    this.#options = options
    this.#subdomains = options.subdomainMatching ?? false
    this.#converters = new Map([
      ...Object.entries(DEFAULT_CONVERTERS),
      ...Object.entries<ConverterClass>(options.converters ?? {}),
    ])
    this.#addAll(rulesOf(rules))
  }

  /** Adds rules to those that are there. Throws `TSGI_ERR_ROUTE`. */
  add(source: RuleSource<EndpointOf<Source>>): this {
    this.#addAll(source.rules())
    return this
  }

  /** Adds one rule: `map.rule('/tags/<list:names>', { endpoint })`, with values of the types of this map's own converters. Throws `TSGI_ERR_ROUTE`. */
  rule<
    const Pattern extends string,
    Defaults extends object = object,
    const Host extends string = '',
    const Subdomain extends string = '',
    Target extends Endpoint<ValuesOfRule<Pattern, Defaults, Host, Subdomain, Own>> | undefined = Endpoint<
      ValuesOfRule<Pattern, Defaults, Host, Subdomain, Own>
    >,
  >(pattern: Pattern, options: RuleOptions<Target, Defaults, Host, Subdomain>): this {
    // What the endpoint is given was seen to by the types of this method.
    this.#addAll([new Rule(pattern, options as RuleOptions) as AnyRule])
    return this
  }

  /** The rules, or those of one endpoint, in the order in which `build` tries them. */
  iterRules(endpoint?: Endpoint<never>): AnyRule[] {
    const rules = endpoint === undefined ? this.#rules : this.rulesOf(endpoint as Endpoint)
    return rules.map(({ rule }) => rule)
  }

  /** Whether a rule of the endpoint has all these variables. */
  isEndpointExpecting(endpoint: Endpoint<never>, ...names: readonly string[]): boolean {
    return this.rulesOf(endpoint as Endpoint).some((rule) => names.every((name) => rule.arguments.has(name)))
  }

  /** Binds the map to a server's name, to build URLs outside of a request. */
  bind(serverName: string, options: BindOptions = {}): MapAdapter<Exclude<EndpointOf<Source>, undefined>> {
    return new MapAdapter(this, {
      serverName: serverName.toLowerCase(),
      scriptName: (options.scriptName ?? '').replace(/\/+$/, ''),
      subdomain: (options.subdomain ?? this.#options.defaultSubdomain ?? '').toLowerCase(),
      urlScheme: options.urlScheme ?? 'http',
      pathInfo: options.pathInfo ?? '/',
      method: options.defaultMethod?.toUpperCase() ?? 'GET',
      queryString: options.queryString ?? '',
      websocket: options.websocket ?? false,
    })
  }

  /**
   * Binds the map to a request. `serverName` is what subdomains stand before.
   *
   * Throws SecurityError (400) for a `Host` that is none, `TSGI_ERR_OPTION` where subdomains are to be matched and nobody said of what.
   */
  bindToEnviron(
    environ: Environ,
    options: { serverName?: string; subdomain?: string } = {},
  ): MapAdapter<Exclude<EndpointOf<Source>, undefined>> {
    const host = hostOf(environ).toLowerCase()
    const serverName = (options.serverName ?? this.#options.serverName)?.toLowerCase()
    let subdomain: string | undefined = options.subdomain ?? this.#options.defaultSubdomain ?? ''
    if (this.#subdomains && !this.hostMatching && options.subdomain === undefined) {
      if (serverName === undefined) {
        if (this.#options.subdomainMatching === true)
          throw new TsgiError('TSGI_ERR_OPTION', 'subdomainMatching needs a serverName, of the map or of bindToEnviron')
      } else subdomain = subdomainOf(host, serverName)
    }
    const upgrade = environ.HTTP_UPGRADE
    return new MapAdapter(this, {
      serverName: this.hostMatching ? host : (serverName ?? host),
      scriptName: environ.SCRIPT_NAME,
      subdomain: subdomain?.toLowerCase(),
      urlScheme: environ['tsgi.url_scheme'],
      pathInfo: environ.PATH_INFO,
      method: environ.REQUEST_METHOD,
      queryString: environ.QUERY_STRING,
      websocket: typeof upgrade === 'string' && upgrade.toLowerCase() === 'websocket',
    })
  }

  /**
   * An application that calls the handler of the request's path: `handler(request, values, urls)`. It answers 404, 405 and 308 by itself, and OPTIONS
   * where no rule takes it. `views` are the handlers of endpoints that are names.
   *
   * Throws `TSGI_ERR_ROUTE` where a rule has no handler.
   */
  application(options: RouteOptions & RequestOptions = {}): Application {
    return routeApplication(this, options)
  }

  /** @internal */
  find(query: TreeQuery): TreeAnswer {
    return this.#tree.match(query, this.mergeSlashes)
  }

  /** What rules may name: the host, or the subdomain. @internal */
  domainOf({ serverName, subdomain }: Binding): string | undefined {
    if (!this.hostMatching) return subdomain
    return this.#portsInHosts ? serverName : withoutPort(serverName).replace(/\.$/, '')
  }

  /** Whether what a rule has built is on the host of the binding. @internal */
  isHere(binding: Binding, rule: CompiledRule, domain: string): boolean {
    return rule.domainPart === undefined || domain === this.domainOf(binding)
  }

  /** Host and port of what a rule has built. @internal */
  authorityOf(binding: Binding, rule: CompiledRule, domain: string): string {
    const { serverName } = binding
    if (rule.domainPart === undefined) return this.hostUrlName(binding, serverName)
    if (this.hostMatching) return this.#portsInHosts ? domain : domain + serverName.slice(withoutPort(serverName).length)
    return domain === '' ? serverName : `${domain}.${serverName}`
  }

  /** Host and port of the binding itself. @internal */
  hostUrlName({ subdomain }: Binding, serverName: string): string {
    return this.hostMatching || !this.#subdomains || subdomain === undefined || subdomain === ''
      ? serverName
      : `${subdomain}.${serverName}`
  }

  /** @internal */
  compiledRules(): readonly CompiledRule[] {
    return this.#rules
  }

  /** In the order in which they are tried to build a URL. @internal */
  rulesOf(endpoint: Endpoint): readonly CompiledRule[] {
    return this.#byEndpoint.get(endpoint) ?? []
  }

  /** The rule before this one whose defaults are what this one has in its path. @internal */
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

  /** @internal */
  queryOf(values: BuildValues, known: ReadonlySet<string>): string {
    let entries = Object.entries(values).filter(([name, value]) => !known.has(name) && value !== undefined && value !== null)
    if (entries.length === 0) return ''
    const { sortParameters, sortKey = (name: string) => name } = this.#options
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

  #addAll(rules: Iterable<AnyRule>): void {
    for (const rule of rules) this.#sources.push(rule)
    const named = this.#sources.some(({ options }) => options.subdomain !== undefined)
    const subdomains = this.#options.subdomainMatching ?? named
    if (subdomains !== this.#subdomains) {
      this.#subdomains = subdomains
      this.#rules = []
      this.#tree = new RuleTree()
      this.#byEndpoint = new Map()
    }
    const context: RuleContext = {
      converters: this.#converters,
      made: this.#made,
      strictSlashes: this.strictSlashes,
      mergeSlashes: this.mergeSlashes,
      hostMatching: this.hostMatching,
      defaultSubdomain: this.#options.defaultSubdomain ?? '',
      subdomains,
    }
    const added = this.#sources.slice(this.#rules.length).map((rule) => new CompiledRule(rule, context))
    for (const rule of added) {
      this.#rules.push(rule)
      if (rule.options.buildOnly !== true) this.#tree.add(rule)
      if (this.hostMatching && /:\d/.test(rule.options.host ?? '')) this.#portsInHosts = true
      if (rule.endpoint === undefined) continue
      const list = this.#byEndpoint.get(rule.endpoint) ?? []
      list.push(rule)
      this.#byEndpoint.set(rule.endpoint, list)
    }
    for (const rule of added) if (rule.endpoint !== undefined) this.#byEndpoint.get(rule.endpoint)?.sort(compareForBuild)
  }
}

/** Aliases last; the ones with most variables first, and of these the ones with most defaults. */
function compareForBuild(left: CompiledRule, right: CompiledRule): number {
  const aliases = Number(left.options.alias === true) - Number(right.options.alias === true)
  if (aliases !== 0) return aliases
  return right.arguments.size - left.arguments.size || Object.keys(right.defaults).length - Object.keys(left.defaults).length
}

/** What stands before the server's name, `''` where nothing does; undefined: it is another server. */
function subdomainOf(host: string, serverName: string): string | undefined {
  const name = withoutPort(serverName) === serverName ? withoutPort(host) : host
  if (name === serverName) return ''
  return name.endsWith(`.${serverName}`) ? name.slice(0, -serverName.length - 1) : undefined
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '')
}
