import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DIFFERENCES } from './differences.ts'
import type { Framework } from './frameworks.ts'
import type { Run } from './run.ts'
import { WAYS } from './ways.ts'

/** What the table says of one framework. */
export interface Row {
  readonly name: string
  readonly cases: number
  /** For each of `WAYS`, the numbers of the differences that occurred. */
  readonly differences: readonly (readonly number[])[]
}

const PAGE = fileURLToPath(new URL('../../../docs/node-applications.md', import.meta.url))
const BEGIN = '<!-- suite: begin. Written by the test suite: TSGI_UPDATE_TABLE=1 npx vitest run test/frameworks/suite -->'
const END = '<!-- suite: end -->'

export function rowOf(framework: Framework, run: Run): Row {
  return {
    name: framework.name,
    cases: framework.cases.length,
    differences: WAYS.map((way) => {
      const names = new Set(run.verdicts.filter((verdict) => verdict.way === way.name).flatMap((verdict) => verdict.differences))
      return DIFFERENCES.flatMap((difference, index) => (names.has(difference.name) ? [index + 1] : []))
    }),
  }
}

/** The section of the page. */
export function renderTable(rows: readonly Row[]): string {
  const head = ['Application', 'Cases', ...WAYS.map((way) => way.name)]
  const lines = rows.map(rowText)
  const reasons = DIFFERENCES.map(({ name, reason, ways, sinceNode }, index) => {
    const where = `${ways.join(', ')}${sinceNode === undefined ? '' : `; since Node ${sinceNode}`}`
    return `${index + 1}. **${name}** (${where}). ${reason}`
  })
  return [
    BEGIN,
    '',
    'The same bytes were sent, on Node 20, to the same application on `node:http` and on tsgi, and the answers compared: status line, fields with',
    'their order and case, body, how its end is told, what becomes of the connection. FastCGI, uwsgi and HTTP are behind nginx and',
    'compared with `node:http` behind `proxy_pass`; embedded HTTP is compared with `node:http` itself. A cell names the differences',
    'that occurred; all else was the same.',
    '',
    `| ${head.join(' | ')} |`,
    `| ${head.map((_, index) => (index === 1 ? '--:' : '---')).join(' | ')} |`,
    ...lines,
    '',
    'The differences, and why they are:',
    '',
    ...reasons,
    '',
    END,
  ].join('\n')
}

export function rowText({ name, cases, differences }: Row): string {
  const cells = differences.map((numbers) => (numbers.length === 0 ? 'none' : numbers.join(', ')))
  return `| ${[name, String(cases), ...cells].join(' | ')} |`
}

/** The section as it is on the page, without what a formatter may have changed. */
export function committedTable(): string {
  const text = readFileSync(PAGE, 'utf8')
  return plain(text.slice(text.indexOf(BEGIN), text.indexOf(END) + END.length))
}

/** A text without the widths of its table. */
export function plain(text: string): string {
  return text.replace(/ +/g, ' ').replace(/-{2,}/g, '--').replace(/\s+\n/g, '\n')
}

export function writeTable(section: string): void {
  const text = readFileSync(PAGE, 'utf8')
  writeFileSync(PAGE, `${text.slice(0, text.indexOf(BEGIN))}${section}${text.slice(text.indexOf(END) + END.length)}`)
}
