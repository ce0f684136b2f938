import { expect } from 'vitest'
import type { BenchOptions } from './bench.ts'
import { caseId } from './case.ts'
import type { Framework } from './frameworks.ts'
import { runSuite } from './run.ts'
import type { Run } from './run.ts'

/** How much of what differs a failure shows. */
const SHOWN = 20

/** Runs the suite with one application, and fails for every difference that is not documented. */
export async function expectSame(framework: Framework, bench: Pick<BenchOptions, 'node' | 'proxy'> = {}): Promise<Run> {
  const run = await runSuite({ ...framework, ...bench }, framework.cases)
  expect(run.problems, run.output).toEqual([])
  const different = run.verdicts.flatMap(({ way, case: one, undocumented }) =>
    undocumented === undefined ? [] : [{ case: caseId(one), way, ...undocumented }],
  )
  expect(different.slice(0, SHOWN).map(({ case: id, way, actual }) => ({ id, way, answer: actual }))).toEqual(
    different.slice(0, SHOWN).map(({ case: id, way, expected }) => ({ id, way, answer: expected })),
  )
  return run
}
