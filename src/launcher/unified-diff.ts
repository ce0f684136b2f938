/** Lines around a change that show where it is. */
const CONTEXT = 3

/** Cells of the table that is filled to compare two texts; beyond it what differs is shown as one change. 16 MB. */
const MAX_CELLS = 4_000_000

interface Edit {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

/** How `before` becomes `after`, as `diff -u` writes it, so that `patch` reads it; empty where they are the same. */
export function unifiedDiff(before: string, after: string, names: { readonly before: string; readonly after: string }): string {
  if (before === after) return ''
  const edits = editsOf(linesOf(before), linesOf(after))
  return `--- ${names.before}\n+++ ${names.after}\n${hunks(edits).join('')}`
}

/** Each with its end, which the last one may lack. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function editsOf(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1
  let end = 0
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1
  const same = (lines: readonly string[]): Edit[] => lines.map((line) => ({ sign: ' ', line }))
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ]
}

/** By the longest common subsequence: the table holds its length for each pair of ends. */
function middle(before: readonly string[], after: readonly string[]): Edit[] {
  const width = after.length + 1
  const removed = (line = ''): Edit => ({ sign: '-', line })
  const added = (line = ''): Edit => ({ sign: '+', line })
  if ((before.length + 1) * width > MAX_CELLS) return [...before.map(removed), ...after.map(added)]
  const lengths = new Uint32Array((before.length + 1) * width)
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        before[row] === after[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const edits: Edit[] = []
  let [row, column] = [0, 0]
  while (row < before.length || column < after.length) {
    if (row < before.length && column < after.length && before[row] === after[column]) {
      edits.push({ sign: ' ', line: before[row] ?? '' })
      row += 1
      column += 1
    } else if (row < before.length && (column === after.length || at(row + 1, column) >= at(row, column + 1))) {
      edits.push(removed(before[row]))
      row += 1
    } else {
      edits.push(added(after[column]))
      column += 1
    }
  }
  return edits
}

function hunks(edits: readonly Edit[]): string[] {
  const found: string[] = []
  let index = 0
  while (index < edits.length) {
    const first = edits.findIndex(({ sign }, at) => at >= index && sign !== ' ')
    if (first < 0) break
    const start = Math.max(index, first - CONTEXT)
    let last = first
    // Two changes whose contexts touch are one hunk.
    for (let at = first; at < edits.length && at - last <= 2 * CONTEXT; at += 1) if (edits[at]?.sign !== ' ') last = at
    const end = Math.min(edits.length, last + CONTEXT + 1)
    found.push(hunk(edits, start, end))
    index = end
  }
  return found
}

function hunk(edits: readonly Edit[], start: number, end: number): string {
  const count = (from: number, to: number, other: '-' | '+'): number =>
    edits.slice(from, to).filter(({ sign }) => sign !== other).length
  // An empty side is told by the line before it.
  const side = (other: '-' | '+'): string => {
    const lines = count(start, end, other)
    return `${count(0, start, other) + (lines === 0 ? 0 : 1)},${lines}`
  }
  const body = edits
    .slice(start, end)
    .map(({ sign, line }) => `${sign}${line}${line.endsWith('\n') ? '' : '\n\\ No newline at end of file\n'}`)
  return `@@ -${side('+')} +${side('-')} @@\n${body.join('')}`
}
