import { METRIC_FAMILIES } from './metric-families.ts'
import type { Labels, MetricFamily, MetricsSnapshot, Sample } from './metric-families.ts'

/** Media types of the two texts. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Prometheus' text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function prometheusText(snapshot: MetricsSnapshot): string {
  const lines: string[] = []
  for (const family of METRIC_FAMILIES) {
    const name = family.type === 'counter' ? `${family.name}_total` : family.type === 'info' ? `${family.name}_info` : family.name
    lines.push(`# HELP ${name} ${escaped(family.help)}`, `# TYPE ${name} ${family.type === 'info' ? 'gauge' : family.type}`)
    for (const sample of family.samples(snapshot)) lines.push(sampleLine(family, sample))
  }
  return `${lines.join('\n')}\n`
}

/** OpenMetrics 1.0: https://prometheus.io/docs/specs/om/open_metrics_spec/ */
export function openMetricsText(snapshot: MetricsSnapshot): string {
  const lines: string[] = []
  for (const family of METRIC_FAMILIES) {
    lines.push(`# TYPE ${family.name} ${family.type}`)
    if (family.unit !== undefined) lines.push(`# UNIT ${family.name} ${family.unit}`)
    lines.push(`# HELP ${family.name} ${escaped(family.help)}`)
    for (const sample of family.samples(snapshot)) lines.push(sampleLine(family, sample))
  }
  return `${lines.join('\n')}\n# EOF\n`
}

function sampleLine(
  { name, type }: MetricFamily,
  { suffix = type === 'counter' ? '_total' : '', labels, value }: Sample,
): string {
  return `${name}${suffix}${labelText(labels)} ${value}`
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value)).replaceAll('"', '\\"')}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
