import { TsgiError, quote } from '../../interface/errors.ts'
import { encodePath } from '../encode-path.ts'
import { MethodNotAllowed } from '../exceptions.ts'
import { HTTPException } from '../http-exception.ts'
import { NotFound } from '../plain-exceptions.ts'
import { MultiDict } from '../multi-dict.ts'
import { buildUrl } from './build-url.ts'
import type { BuildOptions } from './build-url.ts'
import type { BuildValues, CompiledRule } from './compiled-rule.ts'
import { RequestRedirect, WebsocketMismatch } from './routing-exceptions.ts'
import type { AnyRule, Endpoint } from './rule.ts'
import type { RuleIndex } from './rule-index.ts'

/** Where a map is bound to. */
export interface Binding {
  /** Name, and port where it is not the scheme's own: what URLs are made with. */
  readonly serverName: string
  /** The mount point: empty, or `/…` with no slash at its end. */
  readonly scriptName: string
  /** Undefined: one that no rule names. */
  readonly subdomain: string | undefined
  readonly urlScheme: string
  readonly pathInfo: string
  readonly method: string
  /** Raw. */
  readonly queryString: string
  readonly websocket: boolean
}

/** What is not as it was bound. */
export interface MatchOptions {
  readonly method?: string
  /** Raw, without `?`; goes into redirects. */
  readonly queryString?: string
  readonly websocket?: boolean
}

export interface RuleMatch<Target = Endpoint> {
  readonly rule: AnyRule
  readonly endpoint: Target
  readonly values: Record<string, unknown>
}

/** A map bound to a request, or to a server's name: matches paths and builds URLs. */
export class MapAdapter<Target = Endpoint> {
  readonly binding: Binding
  readonly #rules: RuleIndex

  constructor(rules: RuleIndex, binding: Binding) {
    this.#rules = rules
    this.binding = binding
  }

  /**
   * What stands for a path, and the values in it: `const [endpoint, values] = urls.match()`.
   *
   * Throws NotFound (404), MethodNotAllowed (405) with the methods that are allowed, RequestRedirect (308), WebsocketMismatch (400).
   */
  match(pathInfo?: string, options?: MatchOptions): [endpoint: Target, values: Record<string, unknown>] {
    const { endpoint, values } = this.matchRule(pathInfo, options)
    return [endpoint, values]
  }

  /** As `match`, with the rule. */
  matchRule(pathInfo = this.binding.pathInfo, options: MatchOptions = {}): RuleMatch<Target> {
    const method = options.method?.toUpperCase() ?? this.binding.method
    const websocket = options.websocket ?? this.binding.websocket
    const queryString = options.queryString ?? this.binding.queryString
    const path = pathInfo === '' || pathInfo.startsWith('/') ? pathInfo : `/${pathInfo}`
    const answer = this.#rules.find({ domain: this.#rules.domainOf(this.binding), path, method, websocket })
    if (answer.kind === 'redirect') throw this.#redirect(this.#pathUrl(answer.path), queryString)
    if (answer.kind === 'none') {
      if (answer.allowed.size > 0) throw new MethodNotAllowed([...answer.allowed].sort())
      if (answer.websocketMismatch) throw new WebsocketMismatch()
      throw new NotFound()
    }
    const { rule, values } = answer
    const better = this.#betterRule(rule, values, method)
    if (better !== undefined) throw this.#redirect(better, queryString)
    const target = rule.options.redirectTo
    if (target !== undefined) throw this.#redirectTo(target, rule, values, queryString)
    if (rule.endpoint === undefined) throw new TsgiError('TSGI_ERR_ROUTE', `${quote(rule.rule.pattern)} has no endpoint`)
    // The map's rules are those of its type.
    return { rule: rule.rule, endpoint: rule.endpoint as Target, values }
  }

  /** Whether a path has something, be it a redirect. */
  test(pathInfo?: string, options?: MatchOptions): boolean {
    try {
      this.matchRule(pathInfo, options)
    } catch (error) {
      if (error instanceof RequestRedirect) return true
      if (error instanceof HTTPException) return false
      throw error
    }
    return true
  }

  /** The methods that a path takes; empty where it takes all, or none. */
  allowedMethods(pathInfo?: string): string[] {
    try {
      // A method that no rule has.
      this.matchRule(pathInfo, { method: '--' })
    } catch (error) {
      if (error instanceof MethodNotAllowed) return [...error.validMethods]
      if (!(error instanceof HTTPException)) throw error
    }
    return []
  }

  /** Calls `view` with what stands for the path. HTTP exceptions are thrown, or given back where `catchHttpExceptions` says so. */
  dispatch<Result>(
    view: (endpoint: Target, values: Record<string, unknown>) => Result,
    {
      pathInfo,
      catchHttpExceptions = false,
      ...options
    }: MatchOptions & { pathInfo?: string; catchHttpExceptions?: boolean } = {},
  ): Result | HTTPException {
    try {
      const { endpoint, values } = this.matchRule(pathInfo, options)
      return view(endpoint, values)
    } catch (error) {
      if (catchHttpExceptions && error instanceof HTTPException) return error
      throw error
    }
  }

  /**
   * The URL of an endpoint: its path, or all of it where it is on another host or `external` is asked for. Values that the rule does not
   * have go into the query, a list as often as it is long; undefined and null are left out.
   *
   * Throws BuildError, `TSGI_ERR_URL_BUILD`, where no rule of the endpoint takes these values.
   */
  build(endpoint: Endpoint<never>, values: BuildValues | MultiDict<unknown> = {}, options: BuildOptions = {}): string {
    const given = values instanceof MultiDict ? Object.fromEntries(singles(values)) : values
    return buildUrl(this.#rules, this.binding, endpoint as Endpoint, given, options)
  }

  /** The address that is preferred to the one of this rule. */
  #betterRule(rule: CompiledRule, values: Record<string, unknown>, method: string): string | undefined {
    if (!this.#rules.redirectDefaults) return undefined
    if (rule.options.alias === true && rule.endpoint !== undefined)
      return buildUrl(this.#rules, this.binding, rule.endpoint, values, { method, appendUnknown: false, external: true })
    const provider = this.#rules.providerOf(rule, values, method)
    if (provider === undefined) return undefined
    const { domain, path } = provider.build({ ...values, ...provider.defaults })
    return this.#url(this.#rules.authorityOf(this.binding, provider, domain), this.binding.scriptName, path)
  }

  #redirectTo(
    target: Exclude<CompiledRule['options']['redirectTo'], undefined>,
    { variables }: CompiledRule,
    values: Record<string, unknown>,
    queryString: string,
  ): RequestRedirect {
    // The adapter that the function sees is one of any endpoints.
    if (typeof target === 'function') return this.#redirect(this.#absolute(target(this as MapAdapter, values)), queryString)
    const [authority = ''] = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i.exec(target) ?? []
    const url = target.replaceAll(/<(?:[^<>]*:)?([A-Za-z_]\w*)>/g, (all, name: string, at: number) => {
      const variable = variables.find((each) => each.name === name)
      if (variable === undefined) return all
      // What is a text of the path is no more than that where it goes: neither another host nor a query.
      const text = variable.converter.toUrl(values[name])
      return at < authority.length ? encodeURIComponent(text) : encodePath(text)
    })
    // Whether it is another host's the rule says, not what the client has put in.
    return this.#redirect(this.#absolute(url, target), queryString)
  }

  /** A path of the map, or a URL of its own. */
  #absolute(target: string, judged = target): string {
    if (/^[a-z][a-z\d+.-]*:\/\//i.test(judged)) return target
    const { serverName, scriptName } = this.binding
    return this.#url(this.#rules.hostUrlName(this.binding, serverName), scriptName, `/${target.replace(/^\/+/, '')}`)
  }

  #pathUrl(path: string): string {
    const { serverName, scriptName } = this.binding
    return this.#url(this.#rules.hostUrlName(this.binding, serverName), scriptName, encodePath(path))
  }

  #url(authority: string, scriptName: string, path: string): string {
    return `${this.binding.urlScheme}://${authority}${encodePath(scriptName)}${path}`
  }

  /** Where it stays on this host the client is told the path alone: what a client says of its host goes into no answer, nor into a cache. */
  #redirect(url: string, queryString: string): RequestRedirect {
    const whole = queryString === '' || url.includes('?') ? url : `${url}?${queryString}`
    const { serverName, urlScheme } = this.binding
    const own = `${urlScheme}://${this.#rules.hostUrlName(this.binding, serverName)}`
    const rest = whole.startsWith(`${own}/`) ? whole.slice(own.length) : undefined
    // Two slashes would be another host.
    return new RequestRedirect(whole, rest === undefined || rest.startsWith('//') ? whole : rest)
  }
}

function* singles(values: MultiDict<unknown>): Generator<[string, unknown]> {
  for (const [key, list] of values.lists()) yield [key, list.length === 1 ? list[0] : list]
}
