import { expect, it } from 'vitest'
import { requires } from '../../support/requirements.ts'
import { expectSame } from './checked.ts'
import { DIFFERENCES } from './differences.ts'
import { FRAMEWORKS, LISTENER } from './frameworks.ts'
import { nodeMajor } from './run.ts'
import { committedTable, plain, renderTable, rowOf, writeTable } from './table.ts'
import type { Row } from './table.ts'

const MINUTE_MS = 60_000
const rows: Row[] = []
const occurred = new Set<string>()

requires('full', 'apps', 'nginx', 'dist', 'proc').describe('applications of frameworks', () => {
  it.each([LISTENER, ...FRAMEWORKS])(
    '$name is served as node:http serves it, but for documented differences',
    async (framework) => {
      const run = await expectSame(framework)
      rows.push(rowOf(framework, run))
      for (const { way, differences } of run.verdicts) for (const name of differences) occurred.add(`${name} (${way})`)
    },
    2 * MINUTE_MS,
  )

  it('document no difference that does not occur', () => {
    const documented = DIFFERENCES.filter(({ sinceNode = 0 }) => sinceNode <= nodeMajor()).flatMap(({ name, ways }) =>
      ways.map((way) => `${name} (${way})`),
    )
    expect(documented.filter((difference) => !occurred.has(difference))).toEqual([])
  })

  it('are in the documentation with what was found', () => {
    const section = renderTable(rows)
    if (process.env.TSGI_UPDATE_TABLE === '1') writeTable(section)
    expect(timeless(committedTable())).toBe(timeless(plain(section)))
  })
})

/** Whether nginx has sent the beginning of a lost response on (difference 9) depends on when the loss comes. */
function timeless(table: string): string {
  return table.replaceAll(/\b9, /g, '').replaceAll(/, 9(?= \|)/g, '')
}
