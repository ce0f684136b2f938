import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../../src/settings/settings-table.ts'
import type { ValueKind } from '../../src/settings/settings-values.ts'

interface Range {
  readonly name: string
  readonly kind: ValueKind<unknown, unknown>
  readonly least: number
  readonly most: number
}

const DAY_MS = 86_400_000

/** What a setting takes, by the words with which it says so; undefined: no number. */
function rangeOf(name: string, kind: ValueKind<unknown, unknown>): Range | undefined {
  const integer = /an integer from (-?\d+) to (\d+)$/.exec(kind.accepted)
  if (integer !== null) return { name, kind, least: Number(integer[1]), most: Number(integer[2]) }
  if (kind.accepted.startsWith('a size')) return { name, kind, least: 0, most: Number.MAX_SAFE_INTEGER }
  return undefined
}

const ROWS: readonly [string, ValueKind<unknown, unknown>][] = Object.entries(SETTINGS).map(([name, { kind }]) => [name, kind])
const RANGES = ROWS.map(([name, kind]) => rangeOf(name, kind)).filter((range) => range !== undefined)

/** Shortest time of those that are durations, milliseconds. */
const DURATIONS = ROWS.flatMap(([name, kind]) => {
  const [, number, unit] = /^a duration .* from (\d+)(ms|s|m) to 24d$/.exec(kind.accepted) ?? []
  if (number === undefined) return []
  return [{ name, kind, least: Number(number) * (unit === 'ms' ? 1 : unit === 's' ? 1000 : 60_000) }]
})

describe('a setting that is a number', () => {
  it('is found by what it says that it takes', () => {
    expect(RANGES.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['port', 'processes', 'limitRequestBody', 'rotateLogs']),
    )
    expect(DURATIONS.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['requestTimeout', 'connectTimeout', 'socketTimeout']),
    )
  })

  it.each(RANGES)('$name: takes $least and $most, and what is between, and nothing beyond', ({ kind, least, most }) => {
    // A size has 15 digits at most, and a unit.
    const largest = most === Number.MAX_SAFE_INTEGER ? [999_999_999_999_999] : [most - 1, most]
    for (const good of [least, least + 1, ...largest]) expect(kind.parse(String(good)), String(good)).toBe(good)
    const beyond = most === Number.MAX_SAFE_INTEGER ? '9007199254740993' : String(most + 1)
    for (const bad of [String(least - 1), beyond, '', '1e3', '0x10', ' 5', '5.5.5', '+5']) {
      expect(kind.parse(bad), bad).toBeUndefined()
    }
  })

  it.each(DURATIONS)('$name: takes $least ms and 24 days, and nothing beyond', ({ kind, least }) => {
    for (const good of [least, least + 1, 24 * DAY_MS - 1, 24 * DAY_MS]) expect(kind.parse(`${good}ms`)).toBe(good)
    const bad = [`${24 * DAY_MS + 1}ms`, '25d', '-1ms', '', ...(least > 0 ? [`${least - 1}ms`] : [])]
    for (const each of bad) expect(kind.parse(each), each).toBeUndefined()
  })
})
