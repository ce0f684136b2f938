import type { HTTPException } from '../http-exception.ts'
import type { HandlerResult, Request } from '../request.ts'
import { invalid, parsePattern } from './rule-pattern.ts'
import type { MapAdapter } from './map-adapter.ts'
import type { Flat, RuleValues } from './rule-values.ts'

/** What a request is answered by: a request and the values of its path go in, a response comes out. */
export type RouteHandler<Values = Record<string, unknown>> = {
  // As a method, so that a handler of certain values goes where one of any values is expected: the rule sees to the values.
  handler(request: Request, values: Values, urls: MapAdapter): HandlerResult | HTTPException | Promise<HandlerResult>
}['handler']

/** What a rule stands for: a handler, or a name that the application makes something of. */
export type Endpoint<Values = Record<string, unknown>> = string | RouteHandler<Values>

/** Where a rule sends to: a path, with the rule's variables in it, or a function that gives one. */
export type RedirectTarget = string | ((adapter: MapAdapter, values: Record<string, unknown>) => string)

export interface RuleOptions<Target = Endpoint | undefined, Defaults = object, Host = string, Subdomain = string> {
  readonly endpoint?: Target
  /** Values that the pattern does not have. */
  readonly defaults?: Defaults
  /** Any when left out; GET takes HEAD as well. */
  readonly methods?: readonly string[]
  /** For `build` alone: never matches. */
  readonly buildOnly?: boolean
  /** Redirects (308) what matches. */
  readonly redirectTo?: RedirectTarget
  /** Another address of the endpoint: redirects to that of the rule that is none. */
  readonly alias?: boolean
  /** A pattern for the host's name, where the map matches hosts. */
  readonly host?: Host
  /** A pattern for what stands before the server's name. */
  readonly subdomain?: Subdomain
  /** For WebSocket handshakes, and for nothing else. */
  readonly websocket?: boolean
  /** The map's when left out. */
  readonly strictSlashes?: boolean
  readonly mergeSlashes?: boolean
}

/** A rule whose pattern nobody wants to know the type of. */
export interface AnyRule<Target = Endpoint | undefined> {
  readonly pattern: string
  readonly options: RuleOptions<Target>
}

/** Rules, or what makes them: what a map is made of. */
export interface RuleSource<Target = Endpoint | undefined> {
  rules(): Iterable<AnyRule<Target>>
}

/** What the handlers of a rule are given. */
export type ValuesOfRule<Pattern extends string, Defaults, Host extends string, Subdomain extends string, Own = unknown> = Flat<
  RuleValues<Pattern, Own> & RuleValues<Host, Own> & RuleValues<Subdomain, Own> & Defaults
>

/**
 * One pattern of paths and what it stands for: `new Rule('/posts/<int:id>', { endpoint: showPost })`.
 *
 * Variables are `<name>`, `<converter:name>` or `<converter(arguments):name>`; the endpoint is called with their values, of the types that the
 * converters say. Paths that end with a slash are meant to: without it a request is redirected to them.
 */
export class Rule<
  const Pattern extends string = string,
  Defaults extends object = object,
  const Host extends string = '',
  const Subdomain extends string = '',
  const Target extends Endpoint<ValuesOfRule<Pattern, Defaults, Host, Subdomain>> | undefined = Endpoint<
    ValuesOfRule<Pattern, Defaults, Host, Subdomain>
  >,
> implements RuleSource<Target> {
  readonly pattern: Pattern
  readonly options: RuleOptions<Target, Defaults, Host, Subdomain>

  /** Throws `TSGI_ERR_ROUTE` for what is no pattern. */
  constructor(pattern: Pattern, options: RuleOptions<Target, Defaults, Host, Subdomain> = {}) {
    if (!pattern.startsWith('/')) throw invalid(pattern, 'a rule starts with a slash')
    parsePattern(pattern)
    this.pattern = pattern
    this.options = options
  }

  rules(): Iterable<AnyRule<Target>> {
    return [this]
  }
}
