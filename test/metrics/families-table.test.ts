import { expect, it } from 'vitest'
import { withoutWidths } from '../process/settings-reference.ts'
import { committedFamilies, renderFamilies, writeFamilies } from './families-table.ts'

it('every metric is in docs/metrics.md as the code declares it (TSGI_UPDATE_TABLE=1 writes it anew)', () => {
  const rendered = renderFamilies()
  if (process.env['TSGI_UPDATE_TABLE'] === '1') writeFamilies(rendered)
  expect(withoutWidths(committedFamilies())).toBe(withoutWidths(rendered))
})
