import type { Difference } from './replay-compare.ts'

/** What became of one recorded request. */
export interface ReplayResult {
  /** In the file, from 1. */
  readonly line: number
  /** `GET /x?a=1`. */
  readonly request: string
  /** When it was recorded, ISO 8601. */
  readonly at: string
  readonly result: 'same' | 'different' | 'skipped'
  /** Why it was skipped. */
  readonly reason?: string
  readonly differences?: readonly Difference[]
  /** What the application's failure was. */
  readonly errors?: readonly string[]
}

/** Lines of a difference that are shown: the whole is in `--json`. */
const MAX_LINES = 40
const MAX_WIDTH = 200

/** The part of a report about one request that has changed. */
export function describeDifference({ line, request, at, differences = [], errors = [] }: ReplayResult): string {
  const lines = [`differs  ${visible(request)}   (line ${line}, ${at})`]
  for (const { what, recorded, now, diff } of differences) {
    lines.push(`         ${what}: ${shown(recorded)} → ${shown(now)}`)
    if (diff !== undefined) lines.push(...bounded(diff.trimEnd().split('\n').slice(2)))
  }
  for (const error of errors) lines.push(...bounded(error.split('\n')))
  return `${lines.join('\n')}\n`
}

/** The last lines of a report. */
export function describeTotals(results: readonly ReplayResult[]): string {
  const reasons = new Map<string, number>()
  for (const { reason } of results) if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  const skipped = [...reasons].map(([reason, count]) => `skipped  ${count}: ${reason}\n`).join('')
  const { same, different } = countResults(results)
  const rest = results.length - same - different
  return `${skipped}${results.length} recorded: ${same} the same, ${different} different, ${rest} skipped\n`
}

export function countResults(results: readonly ReplayResult[]): Record<ReplayResult['result'], number> {
  const counts = { same: 0, different: 0, skipped: 0 }
  for (const { result } of results) counts[result] += 1
  return counts
}

function bounded(lines: readonly string[]): string[] {
  const some = lines.slice(0, MAX_LINES).map((line) => `           ${visible(line).slice(0, MAX_WIDTH)}`)
  return lines.length > MAX_LINES ? [...some, `           … and ${lines.length - MAX_LINES} lines more`] : some
}

function shown(value: string | null): string {
  return value === null ? 'none' : visible(value).slice(0, MAX_WIDTH)
}

/** A response must not speak to the terminal. */
function visible(text: string): string {
  return text.replace(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
