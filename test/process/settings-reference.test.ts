import { expect, it } from 'vitest'
import { committedReference, renderReference, withoutWidths, writeReference } from './settings-reference.ts'

it('every setting is in docs/settings.md as the table declares it (TSGI_UPDATE_TABLE=1 writes it anew)', () => {
  const section = renderReference()
  if (process.env.TSGI_UPDATE_TABLE === '1') writeReference(section)
  expect(withoutWidths(committedReference())).toBe(withoutWidths(section))
})
