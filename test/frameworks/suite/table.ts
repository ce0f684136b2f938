import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DIFFERENCES } from './differences.ts'
import type { Framework } from './frameworks.ts'
import type { Run } from './run.ts'
import { waysOf } from './ways.ts'
import type { Proxy } from './ways.ts'

/** What a table says of one framework. */
export interface Row {
  readonly name: string
  readonly cases: number
  /** For each way with the proxy, the numbers of the differences that occurred. */
  readonly differences: readonly (readonly number[])[]
}

const PAGE = fileURLToPath(new URL('../../../docs/node-applications.md', import.meta.url))
const WRITTEN = 'Written by the test suite: TSGI_UPDATE_TABLE=1 TSGI_TEST_FULL=1 npx vitest run test/frameworks/suite'

/** Where the section of a proxy is on the page, and what it says before its table. */
const SECTIONS: Readonly<Record<Proxy, { begin: string; end: string; introduction: readonly string[] }>> = {
  nginx: {
    begin: `<!-- suite: begin. ${WRITTEN} -->`,
    end: '<!-- suite: end -->',
    introduction: [
      'The same bytes were sent, on Node 20, to the same application on `node:http` and on tsgi, and the answers compared: status line, fields with',
      'their order and case, body, how its end is told, what becomes of the connection. FastCGI, uwsgi and HTTP are behind nginx and',
      'compared with `node:http` behind `proxy_pass`; embedded HTTP is compared with `node:http` itself. A cell names the differences',
      'that occurred; all else was the same.',
    ],
  },
  Apache: {
    begin: `<!-- suite behind Apache: begin. ${WRITTEN} -->`,
    end: '<!-- suite behind Apache: end -->',
    introduction: [
      "The same behind Apache 2.4 with the launcher's own configuration, compared with `node:http` behind `ProxyPass http://`. A response that is",
      'lost half-way is seen to be, over FastCGI and uwsgi, when its connection has been idle for `--keep-alive-timeout`.',
    ],
  },
}

export function rowOf(framework: Framework, run: Run): Row {
  return {
    name: framework.name,
    cases: framework.cases.length,
    differences: waysOf(framework.proxy ?? 'nginx').map((way) => {
      const names = new Set(run.verdicts.filter((verdict) => verdict.way === way.name).flatMap((verdict) => verdict.differences))
      return DIFFERENCES.flatMap(({ name, atTimes = false, sinceNginx }, index) =>
        names.has(name) && !atTimes && sinceNginx === undefined ? [index + 1] : [],
      )
    }),
  }
}

/** The section of the page for a proxy. Differences that only Apache's ways show are listed below its own table. */
export function renderTable(proxy: Proxy, rows: readonly Row[]): string {
  const { begin, end, introduction } = SECTIONS[proxy]
  const head = ['Application', 'Cases', ...waysOf(proxy).map((way) => way.name)]
  const reasons = DIFFERENCES.flatMap(({ name, reason, ways, sinceNode, sinceNginx, atTimes = false }, index) => {
    const isOfApache = ways.every((way) => way.startsWith('Apache '))
    if (isOfApache !== (proxy === 'Apache')) return []
    const where = [
      ways.join(', '),
      ...(sinceNode === undefined ? [] : [`since Node ${sinceNode}`]),
      ...(sinceNginx === undefined ? [] : [`since nginx ${sinceNginx}`]),
      ...(atTimes ? ['at times'] : []),
    ].join('; ')
    return [{ number: index + 1, text: `**${name}** (${where}). ${reason}` }]
  })
  return [
    begin,
    '',
    ...introduction,
    '',
    `| ${head.join(' | ')} |`,
    `| ${head.map((_, index) => (index === 1 ? '--:' : '---')).join(' | ')} |`,
    ...rows.map(rowText),
    '',
    proxy === 'nginx' ? 'The differences, and why they are:' : 'The differences that only Apache causes:',
    '',
    ...reasons.map(({ number, text }) => `${number}. ${text}`),
    '',
    end,
  ].join('\n')
}

export function rowText({ name, cases, differences }: Row): string {
  const cells = differences.map((numbers) => (numbers.length === 0 ? 'none' : numbers.join(', ')))
  return `| ${[name, String(cases), ...cells].join(' | ')} |`
}

/** The section as it is on the page, without what a formatter may have changed. */
export function committedTable(proxy: Proxy): string {
  const { begin, end } = SECTIONS[proxy]
  const text = readFileSync(PAGE, 'utf8')
  return plain(text.slice(text.indexOf(begin), text.indexOf(end) + end.length))
}

/** A text without the widths of its table. */
export function plain(text: string): string {
  return text.replace(/ +/g, ' ').replace(/-{2,}/g, '--').replace(/\s+\n/g, '\n')
}

export function writeTable(proxy: Proxy, section: string): void {
  const { begin, end } = SECTIONS[proxy]
  const text = readFileSync(PAGE, 'utf8')
  writeFileSync(PAGE, `${text.slice(0, text.indexOf(begin))}${section}${text.slice(text.indexOf(end) + end.length)}`)
}
