import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { METRIC_FAMILIES } from '../../src/metrics/metric-families.ts'

const PAGE = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url))
const BEGIN = '<!-- begin metrics: made from src/metrics/metric-families.ts, do not edit -->'
const END = '<!-- end metrics -->'

/** The table of all metrics, as docs/metrics.md has it. */
export function renderFamilies(): string {
  const lines = METRIC_FAMILIES.map(({ name, type, labels, help }) => {
    const shown = type === 'counter' ? `${name}_total` : type === 'info' ? `${name}_info` : name
    return `| \`${shown}\` | ${type} | ${labels.join(', ')} | ${help}. |`
  })
  return [BEGIN, '', '| metric | type | labels | is |', '| --- | --- | --- | --- |', ...lines, '', END].join('\n')
}

export function committedFamilies(): string {
  const text = readFileSync(PAGE, 'utf8')
  return text.slice(text.indexOf(BEGIN), text.indexOf(END) + END.length)
}

export function writeFamilies(section: string): void {
  const text = readFileSync(PAGE, 'utf8')
  writeFileSync(PAGE, `${text.slice(0, text.indexOf(BEGIN))}${section}${text.slice(text.indexOf(END) + END.length)}`)
}
