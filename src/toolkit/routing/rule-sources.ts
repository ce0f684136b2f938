import { TsgiError } from '../../interface/errors.ts'
import { Rule } from './rule.ts'
import type { AnyRule, RuleOptions, RuleSource } from './rule.ts'

/** What a rule stands for, of several rules. */
export type EndpointOf<Source> = Source extends RuleSource<infer Target> ? Target : never

/** A rule like another one, but for these. */
function like<Target>(
  { pattern, options }: AnyRule<Target>,
  change: { pattern?: string; options?: RuleOptions<Target> },
): AnyRule<Target> {
  // What a rule's pattern gives its endpoint was seen to where it was written.
  return new Rule(change.pattern ?? pattern, { ...options, ...change.options } as RuleOptions) as AnyRule as AnyRule<Target>
}

/** Rules under a common path: `new Submount('/blog', [new Rule('/', …), new Rule('/<slug>', …)])`. The path may have variables. */
export class Submount<const Source extends RuleSource> implements RuleSource<EndpointOf<Source>> {
  readonly #path: string
  readonly #sources: readonly Source[]

  constructor(path: string, rules: Iterable<Source>) {
    this.#path = path.replace(/\/+$/, '')
    this.#sources = [...rules]
  }

  *rules(): Generator<AnyRule<EndpointOf<Source>>> {
    for (const rule of rulesOf(this.#sources)) yield like(rule, { pattern: this.#path + rule.pattern })
  }
}

/** Rules of one subdomain. */
export class Subdomain<const Source extends RuleSource> implements RuleSource<EndpointOf<Source>> {
  readonly #subdomain: string
  readonly #sources: readonly Source[]

  constructor(subdomain: string, rules: Iterable<Source>) {
    this.#subdomain = subdomain
    this.#sources = [...rules]
  }

  *rules(): Generator<AnyRule<EndpointOf<Source>>> {
    for (const rule of rulesOf(this.#sources)) yield like(rule, { options: { subdomain: this.#subdomain } })
  }
}

/** Rules whose endpoints are names, which get a prefix. */
export class EndpointPrefix implements RuleSource {
  readonly #prefix: string
  readonly #sources: readonly RuleSource[]

  constructor(prefix: string, rules: Iterable<RuleSource>) {
    this.#prefix = prefix
    this.#sources = [...rules]
  }

  /** Throws `TSGI_ERR_ROUTE` where an endpoint is no name. */
  *rules(): Generator<AnyRule> {
    for (const rule of rulesOf(this.#sources)) {
      const { endpoint } = rule.options
      if (typeof endpoint !== 'string')
        throw new TsgiError('TSGI_ERR_ROUTE', `"${rule.pattern}": EndpointPrefix needs an endpoint that is a name`)
      yield like(rule, { options: { endpoint: this.#prefix + endpoint } })
    }
  }
}

/** Rules with `$name` or `${name}` in their patterns and names, to be filled in: `new RuleTemplate([…]).with({ name: 'user' })`. */
export class RuleTemplate {
  readonly #sources: readonly RuleSource[]

  constructor(rules: Iterable<RuleSource>) {
    this.#sources = [...rules]
  }

  with(values: Readonly<Record<string, string>>): RuleSource {
    const fill = <Value>(value: Value): Value =>
      // What was a string is one again.
      typeof value === 'string' ? (fillIn(value, values) as Value) : value
    const sources = this.#sources
    return {
      *rules() {
        for (const { pattern, options } of rulesOf(sources)) {
          const entries = Object.entries(options).map(([name, value]): [string, unknown] => [name, fill<unknown>(value)])
          const { defaults } = options
          if (defaults !== undefined) entries.push(['defaults', mapValues(defaults, fill)])
          // The options of the rule, strings for strings.
          yield new Rule(fillIn(pattern, values), Object.fromEntries(entries) as RuleOptions) as AnyRule
        }
      },
    }
  }
}

function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (all, plain?: string, braced?: string) => {
    const name = plain ?? braced
    if (name === undefined) return '$'
    const value = values[name]
    if (value === undefined) throw new TsgiError('TSGI_ERR_ROUTE', `the template has ${all}, for which there is no value`)
    return value
  })
}

function mapValues(object: object, change: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]))
}

export function* rulesOf<Source extends RuleSource>(sources: Iterable<Source>): Generator<AnyRule<EndpointOf<Source>>> {
  // The type says of a source what it says of its rules.
  for (const source of sources) yield* source.rules() as Iterable<AnyRule<EndpointOf<Source>>>
}
