import { describe, expect, it } from 'vitest'
import { requires } from '../../support/requirements.ts'
import { caseId } from './case.ts'
import { contractCases } from './cases/index.ts'
import { expectSame } from './checked.ts'
import { DIFFERENCES } from './differences.ts'
import { LISTENER } from './frameworks.ts'
import { differencesOf, nodeMajor } from './run.ts'
import { committedTable, plain, rowOf, rowText } from './table.ts'
import { waysOf } from './ways.ts'

const MINUTE_MS = 60_000

describe('the suite', () => {
  it('has at least 150 cases for every application, each with a name of its own', () => {
    expect(contractCases.length).toBeGreaterThanOrEqual(150)
    const ids = LISTENER.cases.map(caseId)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('names every documented difference once', () => {
    const names = DIFFERENCES.map((difference) => difference.name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })
})

requires('nginx', 'dist', 'proc').describe('a (req, res) listener', () => {
  it(
    'is served as node:http serves it, but for documented differences, each of which occurs',
    async () => {
      const run = await expectSame(LISTENER)
      const occurred = new Set(run.verdicts.flatMap(({ way, differences }) => differences.map((name) => `${name} (${way})`)))
      const tested: readonly string[] = waysOf('nginx').map((way) => way.name)
      const documented = differencesOf(LISTENER.name, nodeMajor()).flatMap(({ name, ways }) =>
        ways.filter((way) => tested.includes(way)).map((way) => `${name} (${way})`),
      )
      expect(documented.filter((difference) => !occurred.has(difference))).toEqual([])
      if (process.env.TSGI_UPDATE_TABLE !== '1') expect(committedTable('nginx')).toContain(plain(rowText(rowOf(LISTENER, run))))
    },
    2 * MINUTE_MS,
  )
})
