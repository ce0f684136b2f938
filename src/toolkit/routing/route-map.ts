import type { Application, Environ } from '../../interface/application.ts'
import { TsgiError } from '../../interface/errors.ts'
import type { RequestOptions } from '../request.ts'
import { hostOf } from '../request-host.ts'
import { MapAdapter } from './map-adapter.ts'
import { routeApplication } from './route-application.ts'
import type { RouteOptions } from './route-application.ts'
import { RuleIndex, withoutPort } from './rule-index.ts'
import type { MapOptions } from './rule-index.ts'
import { Rule } from './rule.ts'
import type { AnyRule, Endpoint, RuleOptions, RuleSource, ValuesOfRule } from './rule.ts'
import { rulesOf } from './rule-sources.ts'
import type { EndpointOf } from './rule-sources.ts'

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
  readonly #index: RuleIndex

  /** Throws `TSGI_ERR_ROUTE` for a rule that cannot be. */
  constructor(rules: Iterable<Source> = [], options: MapOptions<Own> = {}) {
    this.#index = new RuleIndex(options)
    this.#index.add(rulesOf(rules))
  }

  /** Adds rules to those that are there. Throws `TSGI_ERR_ROUTE`. */
  add(source: RuleSource<EndpointOf<Source>>): this {
    this.#index.add(source.rules())
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
    this.#index.add([new Rule(pattern, options as RuleOptions) as AnyRule])
    return this
  }

  /** The rules, or those of one endpoint, in the order in which `build` tries them. */
  iterRules(endpoint?: Endpoint<never>): AnyRule[] {
    const rules = endpoint === undefined ? this.#index.compiledRules() : this.#index.rulesOf(endpoint as Endpoint)
    return rules.map(({ rule }) => rule)
  }

  /** Whether a rule of the endpoint has all these variables. */
  isEndpointExpecting(endpoint: Endpoint<never>, ...names: readonly string[]): boolean {
    return this.#index.rulesOf(endpoint as Endpoint).some((rule) => names.every((name) => rule.arguments.has(name)))
  }

  /** Binds the map to a server's name, to build URLs outside of a request. */
  bind(serverName: string, options: BindOptions = {}): MapAdapter<Exclude<EndpointOf<Source>, undefined>> {
    return new MapAdapter(this.#index, {
      serverName: serverName.toLowerCase(),
      scriptName: (options.scriptName ?? '').replace(/\/+$/, ''),
      subdomain: (options.subdomain ?? this.#index.options.defaultSubdomain ?? '').toLowerCase(),
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
    const serverName = (options.serverName ?? this.#index.options.serverName)?.toLowerCase()
    let subdomain: string | undefined = options.subdomain ?? this.#index.options.defaultSubdomain ?? ''
    if (this.#index.subdomains && options.subdomain === undefined) {
      if (serverName === undefined) {
        if (this.#index.options.subdomainMatching === true)
          throw new TsgiError('TSGI_ERR_OPTION', 'subdomainMatching needs a serverName, of the map or of bindToEnviron')
      } else subdomain = subdomainOf(host, serverName)
    }
    const upgrade = environ.HTTP_UPGRADE
    return new MapAdapter(this.#index, {
      serverName: this.#index.hostMatching ? host : (serverName ?? host),
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
}

/** What stands before the server's name, `''` where nothing does; undefined: it is another server. */
function subdomainOf(host: string, serverName: string): string | undefined {
  const name = withoutPort(serverName) === serverName ? withoutPort(host) : host
  if (name === serverName) return ''
  return name.endsWith(`.${serverName}`) ? name.slice(0, -serverName.length - 1) : undefined
}
