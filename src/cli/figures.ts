/** Figures for people, as `tsgi ctl` and `tsgi top` show them. What is no number is `-`: servers may be older or newer. */

/** Text of a server that is not to move the cursor: control characters as escapes. */
export function plain(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function show(value: unknown): string {
  if (value === undefined || value === null) return '-'
  return plain(Array.isArray(value) ? value.map(String).join(', ') : String(value))
}

/** `93784000` → `1d 2h`: the two largest units. */
export function duration(ms: unknown): string {
  if (typeof ms !== 'number') return '-'
  if (ms < 1000) return `${Math.round(ms)}ms`
  let left = Math.round(ms / 1000)
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const many = Math.floor(left / seconds)
    left -= many * seconds
    if (many > 0) parts.push(`${many}${unit}`)
  }
  return parts.slice(0, 2).join(' ')
}

export function size(bytes: unknown): string {
  if (typeof bytes !== 'number') return '-'
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KB` : `${Math.round(bytes / 1024 ** 2)} MB`
}

/** A rate, a number of things: `0.4`, `17`, `12,345`. */
export function amount(value: unknown): string {
  if (typeof value !== 'number') return '-'
  return value > 0 && value < 10 && !Number.isInteger(value)
    ? value.toFixed(1)
    : String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** Cells below one another, the columns of numbers to the right. */
export function columns(rows: readonly (readonly string[])[], right: readonly boolean[]): string[] {
  const widths = right.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => (right[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
