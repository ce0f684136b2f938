/** `error`: must. `warning`: should. */
export type Severity = 'error' | 'warning'

/** Who can break a rule: what stands inside of `lint`, or what stands outside of it, the server or a middleware. */
export type Party = 'application' | 'server'

interface Rule {
  readonly severity: Severity
  readonly by: Party
}

const APPLICATION_ERROR: Rule = { severity: 'error', by: 'application' }
const APPLICATION_WARNING: Rule = { severity: 'warning', by: 'application' }
const SERVER_ERROR: Rule = { severity: 'error', by: 'server' }
const SERVER_WARNING: Rule = { severity: 'warning', by: 'server' }

/**
 * The rules of docs/tsgi-1.0.md that can be seen while requests are served, by their numbers there. Which they are is said there too;
 * a test ties the two together.
 */
export const RULES = {
  '1.1': APPLICATION_ERROR,
  '1.2': APPLICATION_ERROR,
  '1.3': APPLICATION_ERROR,
  '1.5': APPLICATION_ERROR,
  '1.6': APPLICATION_ERROR,
  '1.7': APPLICATION_ERROR,
  '1.8': APPLICATION_ERROR,
  '1.9': APPLICATION_ERROR,
  '1.10': APPLICATION_WARNING,
  '1.11': APPLICATION_ERROR,
  '1.12': APPLICATION_ERROR,
  '1.13': APPLICATION_ERROR,
  '1.14': APPLICATION_ERROR,
  '1.15': APPLICATION_ERROR,
  '1.16': APPLICATION_ERROR,
  '1.17': APPLICATION_WARNING,
  '1.18': APPLICATION_ERROR,
  '1.19': APPLICATION_ERROR,
  '1.20': APPLICATION_WARNING,
  '1.21': APPLICATION_WARNING,
  '1.22': APPLICATION_ERROR,
  '1.23': APPLICATION_ERROR,
  '1.24': APPLICATION_ERROR,
  '1.25': APPLICATION_ERROR,
  '1.26': APPLICATION_ERROR,
  '1.27': APPLICATION_ERROR,
  '2.1': SERVER_ERROR,
  '2.2': SERVER_ERROR,
  '2.4': SERVER_ERROR,
  '2.5': SERVER_ERROR,
  '2.7': SERVER_ERROR,
  '2.8': SERVER_ERROR,
  '2.9': SERVER_ERROR,
  '2.10': SERVER_WARNING,
  '2.11': SERVER_ERROR,
  '2.12': SERVER_ERROR,
  '2.13': SERVER_ERROR,
  '2.14': SERVER_ERROR,
  '2.15': SERVER_ERROR,
  '2.16': SERVER_ERROR,
  '2.17': SERVER_ERROR,
  '2.18': SERVER_ERROR,
  '2.19': SERVER_WARNING,
  '2.20': SERVER_ERROR,
  '2.21': SERVER_ERROR,
  '2.22': SERVER_ERROR,
  '2.23': SERVER_ERROR,
  '2.24': SERVER_ERROR,
  '2.25': SERVER_ERROR,
  '2.26': SERVER_ERROR,
  '2.27': SERVER_ERROR,
  '3.1': SERVER_ERROR,
  '3.2': SERVER_ERROR,
  '3.4': APPLICATION_ERROR,
  '3.8': APPLICATION_ERROR,
  '5.1': APPLICATION_ERROR,
  '5.2': SERVER_ERROR,
  '5.4': SERVER_ERROR,
} as const satisfies Record<string, Rule>

export type RuleId = keyof typeof RULES
