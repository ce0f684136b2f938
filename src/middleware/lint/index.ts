/** `tsgi/lint`: checks an application, a middleware or a server by the rules of TSGI 1.0. */
export { LintFinding } from './finding.ts'
export type { LintOptions } from './finding.ts'
export { lint } from './lint.ts'
export { RULES } from './rules.ts'
export type { Party, RuleId, Severity } from './rules.ts'
