import type { CheckProblem, CheckResult } from './check-messages.ts'
import { plain } from './figures.ts'

const KINDS = { tsgi: 'a TSGI application', fetch: 'a fetch application', node: 'a Node application' } as const

/** What is the same in several requests counts once. */
export function severityCounts(result: CheckResult): { errors: number; warnings: number } {
  const problems = grouped(problemsOf(result))
  const errors = problems.filter(([{ severity }]) => severity === 'error').length
  return { errors, warnings: problems.length - errors }
}

/** What was found, for a terminal. A problem is told once, with the requests that have it. */
export function describeCheck(app: string, result: CheckResult): string {
  const { kind, exportName, requests } = result
  const from = exportName === null ? '' : `, export ${exportName}`
  const lines = [`${app}: ${KINDS[kind]}${from}`]
  if (kind !== 'tsgi') {
    lines.push(
      'The rules of TSGI 1.0 are not for it. Looked at: that it answers, whole answers, errors and exceptions, HEAD beside GET.',
    )
  }
  const width = Math.max(...requests.map(({ request }) => request.length))
  for (const { request, status, problems } of requests) {
    const mark = problems.some(({ severity }) => severity === 'error') ? '  !' : problems.length > 0 ? '  ?' : ''
    lines.push(`  ${request.padEnd(width)}  ${status === 0 ? '---' : status}${mark}`)
  }
  lines.push('')
  for (const [problem, where] of grouped(problemsOf(result))) lines.push(...describeProblem(problem, where), '')
  const { errors, warnings } = severityCounts(result)
  lines.push(errors + warnings === 0 ? 'nothing found' : `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`)
  return `${lines.map(plain).join('\n')}\n`
}

function describeProblem(
  { severity, code, rule, by, seen, expected, where }: CheckProblem,
  requests: readonly string[],
): string[] {
  const what = rule === null ? code : `${code} rule ${rule}${by === 'server' ? ' (the server, or a middleware around)' : ''}`
  return [
    `${severity} ${what}: ${seen}`,
    ...(expected === null ? [] : [`  expected: ${expected}`]),
    ...(where === null ? [] : [`  at ${where}`]),
    ...(requests.length === 0 ? [] : [`  in ${requests[0]}${requests.length > 1 ? `, and ${requests.length - 1} more` : ''}`]),
  ]
}

function problemsOf({ requests, problems }: CheckResult): CheckProblem[] {
  return [...problems, ...requests.flatMap((request) => request.problems)]
}

/** Equal problems as one, with the requests that have them; errors first. */
function grouped(problems: readonly CheckProblem[]): [CheckProblem, string[]][] {
  const groups = new Map<string, [CheckProblem, string[]]>()
  for (const problem of problems) {
    const key = JSON.stringify([problem.severity, problem.rule, problem.seen, problem.where])
    const [, requests] = groups.get(key) ?? [problem, []]
    if (problem.request !== null) requests.push(problem.request)
    groups.set(key, [problem, requests])
  }
  const rank = ([{ severity }]: [CheckProblem, string[]]): number => (severity === 'error' ? 0 : 1)
  return [...groups.values()].toSorted((left, right) => rank(left) - rank(right))
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
