import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { allRows } from '../../src/settings/settings-rows.ts'
import type { AnySetting } from '../../src/settings/settings-rows.ts'
import { flagName, variableName } from '../../src/settings/setting-names.ts'

const PAGE = fileURLToPath(new URL('../../docs/settings.md', import.meta.url))
const BEGIN = '<!-- begin settings: made from src/settings/settings-table.ts, do not edit -->'
const END = '<!-- end settings -->'

/** The generated part of docs/settings.md: one table for each theme, in the order of src/settings/settings-table.ts. */
export function renderReference(): string {
  const themes = new Map<string, string[]>()
  for (const [key, row] of allRows()) themes.set(row.theme, [...(themes.get(row.theme) ?? []), line(key, row)])
  const sections = [...themes].flatMap(([theme, lines]) => [
    `## ${theme}`,
    '',
    '| setting | takes | default | does |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ])
  return [BEGIN, '', ...sections, END].join('\n')
}

/** The generated part as it is on the page. */
export function committedReference(): string {
  const text = readFileSync(PAGE, 'utf8')
  return text.slice(text.indexOf(BEGIN), text.indexOf(END) + END.length)
}

export function writeReference(section: string): void {
  const text = readFileSync(PAGE, 'utf8')
  writeFileSync(PAGE, `${text.slice(0, text.indexOf(BEGIN))}${section}${text.slice(text.indexOf(END) + END.length)}`)
}

/** Without what a formatter may have changed: the widths of tables. */
export function withoutWidths(text: string): string {
  return text.replace(/ +/g, ' ').replace(/-{2,}/g, '--').replace(/\s+\n/g, '\n')
}

function line(key: string, row: AnySetting): string {
  const cells = [
    [...namesOf(key, row).map((flag) => flagText(flag, row)), variables(key, row), keyText(key, row)],
    [row.kind.accepted],
    [defaultOf(row)],
    [`${row.help}.`, ...commandOnly(row), ...foreign(row)],
  ]
  return `| ${cells
    .map((parts) =>
      parts
        .filter((part) => part !== '')
        .join('<br>')
        .replaceAll('|', '\\|'),
    )
    .join(' | ')} |`
}

function namesOf(key: string, row: AnySetting): string[] {
  return [flagName(key), ...(row.aliases ?? [])]
}

function flagText(flag: string, { kind }: AnySetting): string {
  if (kind.arity === 'switch') return `\`--${flag}\`, \`--no-${flag}\``
  return kind.bare === undefined ? `\`--${flag} ${kind.placeholder}\`` : `\`--${flag}[=${kind.placeholder}]\``
}

function variables(key: string, row: AnySetting): string {
  return namesOf(key, row)
    .map((flag) => `\`${variableName(flag)}\``)
    .join(', ')
}

function keyText(key: string, row: AnySetting): string {
  return row.notInFile === true ? '' : `\`${key}: ${row.kind.writtenAs ?? 'string'}\``
}

function defaultOf(row: AnySetting): string {
  if (row.defaultText !== undefined) return row.defaultText
  if (typeof row.default === 'boolean') return row.default ? 'on' : 'off'
  return typeof row.default === 'string' || typeof row.default === 'number' ? `\`${row.default}\`` : ''
}

function commandOnly({ commands }: AnySetting): string[] {
  const names = { serve: '`tsgi serve`', 'start-server': '`tsgi-express`', dev: '`tsgi dev`' }
  if (commands.length === 3) return ['`tsgi dev`, too.']
  return commands.join() === 'serve,start-server' ? [] : [`Only ${commands.map((name) => names[name]).join(' and ')}.`]
}

function foreign({ foreignVariables = [] }: AnySetting): string[] {
  return foreignVariables.map((name) => `\`${name}\` is the default where it is set.`)
}
