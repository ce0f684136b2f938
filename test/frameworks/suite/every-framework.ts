import { expect, it } from 'vitest'
import { expectSame } from './checked.ts'
import { DIFFERENCES } from './differences.ts'
import { FRAMEWORKS, LISTENER } from './frameworks.ts'
import { isExpected, nodeMajor } from './run.ts'
import { committedTable, plain, renderTable, rowOf, writeTable } from './table.ts'
import type { Row } from './table.ts'
import { waysOf } from './ways.ts'
import type { Proxy } from './ways.ts'

const MINUTE_MS = 60_000

/** Every application with a proxy: what it is compared with, and the proxy's table in the documentation. */
export function everyFramework(proxy: Proxy): void {
  const rows: Row[] = []
  const occurred = new Set<string>()

  it.each([LISTENER, ...FRAMEWORKS])(
    '$name is served as node:http serves it, but for documented differences',
    async (framework) => {
      const run = await expectSame(framework, { proxy })
      rows.push(rowOf({ ...framework, proxy }, run))
      for (const { way, differences } of run.verdicts) for (const name of differences) occurred.add(`${name} (${way})`)
    },
    2 * MINUTE_MS,
  )

  it('document no difference that does not occur', () => {
    const tested: readonly string[] = waysOf(proxy).map((way) => way.name)
    const documented = DIFFERENCES.filter((one) => isExpected(one, nodeMajor()) && one.atTimes !== true).flatMap(
      ({ name, ways }) => ways.filter((way) => tested.includes(way)).map((way) => `${name} (${way})`),
    )
    expect(documented.filter((difference) => !occurred.has(difference))).toEqual([])
  })

  it('are in the documentation with what was found', () => {
    const section = renderTable(proxy, rows)
    if (process.env.TSGI_UPDATE_TABLE === '1') writeTable(proxy, section)
    expect(timeless(committedTable(proxy))).toBe(timeless(plain(section)))
  })
}

/** Whether nginx has sent the beginning of a lost response on (difference 9) depends on when the loss comes. */
function timeless(table: string): string {
  return table.replaceAll(/\b9, /g, '').replaceAll(/, 9(?= \|)/g, '')
}
