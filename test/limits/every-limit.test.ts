import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as limits from '../../src/interface/limits.ts'
import { SETTINGS } from '../../src/settings/settings-table.ts'
import { INTERFACE, NO_LIMITS, SETTINGS_THAT_LIMIT, TOOLKIT_FILE } from './covered.ts'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

/** Settings that are whole numbers or sizes, by what they say that they take. */
const NUMBERS = Object.entries(SETTINGS)
  .filter(([, { kind }]) => /^(?:an integer|a size|auto, or an integer)/.test(kind.accepted))
  .map(([name]) => name)

it('every limit of src/interface/limits.ts has a test at it, below it and above it', () => {
  expect(Object.keys(INTERFACE).sort()).toEqual(Object.keys(limits).sort())
})

it('every setting that is a number or a size has one, or limits nothing', () => {
  expect([...Object.keys(SETTINGS_THAT_LIMIT), ...NO_LIMITS].sort()).toEqual(NUMBERS.sort())
})

it.each(Object.entries({ ...INTERFACE, ...SETTINGS_THAT_LIMIT }))('%s: the test is there', (_, [file, title]) => {
  const titles = [...read(file).matchAll(/\b(?:it|describe|over|test)(?:\.each\([^]*?\]\))?\(\s*(?:[A-Z_]+,\s*)?'([^']*)'/g)]
  expect(titles.map((match) => match[1]).filter((each) => each?.startsWith(title))).not.toEqual([])
})

it('every number that a toolkit’s Request can be told has a row in the table of such tests', () => {
  const declared = read('src/toolkit/request-limits.ts').matchAll(/^ {2}readonly (\w+)\?: number$/gm)
  const table = read(TOOLKIT_FILE)
  const names = [...declared].map((match) => match[1] ?? '')
  expect(names.length).toBeGreaterThanOrEqual(7)
  expect(names.filter((name) => !table.includes(`\n  ${name}: {`))).toEqual([])
})
