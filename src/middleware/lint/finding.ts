import type { Environ, ErrorStream } from '../../interface/application.ts'
import { quote, TsgiError } from '../../interface/errors.ts'
import { RULES } from './rules.ts'
import type { Party, RuleId, Severity } from './rules.ts'

/** A rule of TSGI 1.0 that was seen to be broken. Its stack leads to where. */
export class LintFinding extends TsgiError {
  /** Its number in docs/tsgi-1.0.md. */
  readonly rule: RuleId
  readonly severity: Severity
  readonly by: Party
  readonly seen: string
  readonly expected: string
  /** Method and path of the request; undefined where it is about none. */
  readonly request: string | undefined

  constructor(rule: RuleId, seen: string, expected: string, request: string | undefined) {
    const { severity, by } = RULES[rule]
    const where = request === undefined ? '' : ` (${request})`
    super('TSGI_ERR_LINT', `rule ${rule}, ${severity} of the ${by}: ${seen}; expected ${expected}${where}`)
    this.rule = rule
    this.severity = severity
    this.by = by
    this.seen = seen
    this.expected = expected
    this.request = request
  }
}

export interface LintOptions {
  /** Is told every finding. When left out each is a line on `tsgi.errors`, the same one once. */
  readonly onFinding?: ((finding: LintFinding) => void) | undefined
  /** Errors are thrown where they are seen, so that the request fails. Default false. */
  readonly throws?: boolean | undefined
  /** Rules that are not looked at, by their numbers. */
  readonly ignore?: readonly RuleId[] | undefined
  /** How long a body may be at its end without a call of its `close()`, milliseconds. 10 seconds when left out. */
  readonly closeWithinMs?: number | undefined
}

/** Different lines that are written; whoever makes requests can vary them. */
const MAX_LINES = 1000

/** What all calls of one linted application report to. */
export class Reporter {
  readonly #options: LintOptions
  readonly #written = new Set<string>()

  constructor(options: LintOptions) {
    this.#options = options
  }

  /** Throws the finding, where errors are thrown: what it was about must not go on. */
  report(rule: RuleId, seen: string, expected: string, environ?: Environ): void {
    const finding = this.note(rule, seen, expected, environ)
    if (finding?.severity === 'error' && this.#options.throws === true) throw finding
  }

  /** Where nobody would catch what is thrown. */
  note(rule: RuleId, seen: string, expected: string, environ?: Environ): LintFinding | undefined {
    if (this.#options.ignore?.includes(rule) === true) return undefined
    const finding = new LintFinding(rule, seen, expected, requestOf(environ))
    if (this.#options.onFinding === undefined) this.#write(finding, environ)
    else this.#options.onFinding(finding)
    return finding
  }

  #write(finding: LintFinding, environ: Environ | undefined): void {
    const key = `${finding.rule} ${finding.seen}`
    if (this.#written.has(key) || this.#written.size > MAX_LINES) return
    this.#written.add(key)
    const more = this.#written.size > MAX_LINES ? ' (what else is found is not written any more)' : ''
    errorsOf(environ).write(`TSGI_ERR_LINT ${finding.message}${more}\n`)
  }
}

function requestOf(environ: Environ | undefined): string | undefined {
  if (typeof environ !== 'object' || environ === null) return undefined
  return `${quote(environ.REQUEST_METHOD)} ${quote(environ.REQUEST_URI)}`
}

/** The server's error log, or standard error where it has none that could be used. */
function errorsOf(environ: Environ | undefined): Pick<ErrorStream, 'write'> {
  const errors: unknown = typeof environ === 'object' && environ !== null ? environ['tsgi.errors'] : undefined
  const isStream = typeof errors === 'object' && errors !== null && 'write' in errors && typeof errors.write === 'function'
  // It has the method that is used.
  return isStream ? (errors as ErrorStream) : process.stderr
}
