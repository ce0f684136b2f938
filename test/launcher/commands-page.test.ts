import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { CHECKS } from '../../src/launcher/doctor/checks.ts'

const PAGE = fileURLToPath(new URL('../../docs/commands.md', import.meta.url))
const BEGIN = '<!-- begin checks: made from src/launcher/doctor, do not edit -->'
const END = '<!-- end checks -->'

/** Without what a formatter may have changed: the widths of tables. */
function withoutWidths(text: string): string {
  return text.replace(/ +/g, ' ').replace(/-{2,}/g, '--').replace(/\s+\n/g, '\n').replace(/\n+/g, '\n')
}

it('every check is in docs/commands.md as the code declares it (TSGI_UPDATE_TABLE=1 writes it anew)', () => {
  const rows = CHECKS.map(({ id, about }) => `| \`${id}\` | ${about.replaceAll('|', '\\|')} |`)
  const section = [BEGIN, '', '| check | looks at |', '| --- | --- |', ...rows, '', END].join('\n')
  const text = readFileSync(PAGE, 'utf8')
  const committed = text.slice(text.indexOf(BEGIN), text.indexOf(END) + END.length)
  if (process.env.TSGI_UPDATE_TABLE === '1') {
    writeFileSync(
      PAGE,
      text.replace(committed, () => section),
    )
    return
  }
  expect(withoutWidths(committed)).toBe(withoutWidths(section))
})
