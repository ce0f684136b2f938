import { encodePath } from '../encode-path.ts'
import type { BuildValues, CompiledRule } from './compiled-rule.ts'
import { ValidationError } from './converters.ts'
import type { Binding } from './map-adapter.ts'
import { BuildError } from './routing-exceptions.ts'
import type { Endpoint } from './rule.ts'
import type { RuleIndex } from './rule-index.ts'

export interface BuildOptions {
  /** Of the rules of an endpoint one that takes this; the binding's own first when left out. */
  readonly method?: string
  /** With scheme and host. */
  readonly external?: boolean
  /** Whether values that the rule does not have go into the query; yes when left out. */
  readonly appendUnknown?: boolean
  /** Of an external URL; the request's own when left out. It makes the URL an external one. */
  readonly scheme?: string
  /** What follows the `#`. */
  readonly anchor?: string
}

interface Built {
  readonly rule: CompiledRule
  readonly domain: string
  readonly path: string
  readonly query: string
}

/** See `MapAdapter.build`. */
export function buildUrl(
  rules: RuleIndex,
  binding: Binding,
  endpoint: Endpoint,
  values: BuildValues,
  options: BuildOptions,
): string {
  const method = options.method?.toUpperCase()
  const { anchor, scheme } = options
  const built =
    method === undefined
      ? (tryRules(rules, binding, endpoint, values, binding.method, options) ??
        tryRules(rules, binding, endpoint, values, undefined, options))
      : tryRules(rules, binding, endpoint, values, method, options)
  if (built === undefined) {
    const suitable = rules.rulesOf(endpoint).some((rule) => rule.isSuitableFor(values, method))
    const refused = suitable ? 'Its rule does not take one of these values back.' : undefined
    throw new BuildError(endpoint, values, method, rules.compiledRules(), refused)
  }
  const { rule, domain, path, query } = built
  const fragment = anchor === undefined ? '' : `#${encodePath(anchor)}`
  const local = `${encodePath(binding.scriptName)}${path}${query}${fragment}`
  const elsewhere = !rules.isHere(binding, rule, domain)
  // A path that begins with two slashes would be another host.
  if (options.external !== true && scheme === undefined && !elsewhere && !rule.websocket && !local.startsWith('//')) return local
  return `${scheme ?? schemeOf(binding, rule)}://${rules.authorityOf(binding, rule, domain)}${local}`
}

function tryRules(
  rules: RuleIndex,
  binding: Binding,
  endpoint: Endpoint,
  values: BuildValues,
  method: string | undefined,
  { appendUnknown = true }: BuildOptions,
): Built | undefined {
  let first: Built | undefined
  for (const rule of rules.rulesOf(endpoint)) {
    if (!rule.isSuitableFor(values, method)) continue
    try {
      const { domain, path } = rule.build({ ...rule.defaults, ...values })
      const built = { rule, domain, path, query: appendUnknown ? rules.queryOf(values, rule.arguments) : '' }
      // Of rules on several hosts that of this one.
      if (!rules.hostMatching || rules.isHere(binding, rule, domain)) return built
      first ??= built
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
    }
  }
  return first
}

function schemeOf({ urlScheme }: Binding, { websocket }: CompiledRule): string {
  const secure = urlScheme === 'https' || urlScheme === 'wss'
  if (websocket) return secure ? 'wss' : 'ws'
  return secure ? 'https' : 'http'
}
