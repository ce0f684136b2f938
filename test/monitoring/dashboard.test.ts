import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { METRIC_FAMILIES } from '../../src/metrics/metric-families.ts'
import { requires } from '../support/requirements.ts'
import { monitoringFile, promtool } from './promtool.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[]
  }
}

// The tests below fail where the file has another shape.
const dashboard = JSON.parse(readFileSync(monitoringFile('tsgi-dashboard.json'), 'utf8')) as Dashboard
const alerts = readFileSync(monitoringFile('tsgi-alerts.yml'), 'utf8')
const expressions = [
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }) => expr),
]
const variables = dashboard.templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query))

/** Names of series with the labels that they have; Prometheus adds `job` and `instance` to all. */
const SERIES: ReadonlyMap<string, readonly string[]> = new Map(
  METRIC_FAMILIES.flatMap(({ name, type, labels }) => {
    const all = ['job', 'instance', ...labels]
    if (type === 'counter') return [[`${name}_total`, all]]
    if (type === 'info') return [[`${name}_info`, all]]
    if (type === 'gauge') return [[name, all]]
    return [
      [`${name}_bucket`, [...all, 'le']],
      [`${name}_sum`, all],
      [`${name}_count`, all],
    ]
  }),
)

const directory = mkdtempSync(join(tmpdir(), 'tsgi-dashboard-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it('asks the dashboard and the alerts for metrics and labels that there are', () => {
  const used = new Set<string>()
  for (const text of [...expressions, ...variables, alerts]) {
    for (const [, name = '', selectors = ''] of text.matchAll(/\b(tsgi_[a-z0-9_]+)(?:\{([^}]*)\})?/g)) {
      // The alerts speak of one of them in a sentence.
      const labels = SERIES.get(name)
      expect(labels, name).toBeDefined()
      used.add(name)
      for (const [, label = ''] of selectors.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
        expect(labels, `${name}{${label}}`).toContain(label)
    }
    const known = new Set([...SERIES.values()].flat())
    for (const [, names = ''] of text.matchAll(/\b(?:by|on) \(([^)]*)\)/g))
      for (const name of names.split(',')) expect(known, text).toContain(name.trim())
  }
  // Nothing that is counted is left out, but for what the master was started with and what is worth no panel.
  const left = [...SERIES.keys()].filter((name) => !used.has(name) && !/_(?:sum|count)$/.test(name))
  expect(left).toEqual(['tsgi_worker_starts_total'])
})

it('has panels of their own numbers that lie beside and not on each other', () => {
  const { panels } = dashboard
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const taken = new Set<string>()
  for (const { gridPos, title, type, targets = [] } of panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken, title).not.toContain(`${x},${y}`)
        taken.add(`${x},${y}`)
      }
    }
    expect(targets.length > 0, title).toBe(type !== 'row')
    expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length)
  }
})

requires('promtool').test('has expressions that Prometheus reads', () => {
  const rules = expressions.map((expr, index) => ({
    record: `dashboard:expression:${index}`,
    expr: expr.replaceAll('$__rate_interval', '1m'),
  }))
  const file = join(directory, 'rules.json')
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  const { code, said } = promtool(['check', 'rules', file])
  expect(said).toContain(`${expressions.length} rules found`)
  expect(code).toBe(0)
})
