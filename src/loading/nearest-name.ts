/** Letters that a close name may differ in. */
const CLOSE_NAME_EDITS = 2

/** Longest name that is compared, characters: the comparison takes the square of it. */
const MAX_COMPARED = 64

/**
 * What `name` may be a slip of: the candidate that differs in the fewest letters, in two at most and in no more than a third.
 * Case, `-` and `_` do not count.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = letters(name)
  if (wanted.length > MAX_COMPARED) return undefined
  let nearest: string | undefined
  let least = Math.min(CLOSE_NAME_EDITS, Math.floor(wanted.length / 3))
  for (const candidate of candidates) {
    const edits = editDistance(wanted, letters(candidate))
    if (edits < least || (edits === least && nearest === undefined)) {
      nearest = candidate
      least = edits
    }
  }
  return nearest
}

function letters(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase()
}

/** Whether two names differ in a letter or two at most; case does not count. */
export function isNear(a: string, b: string): boolean {
  return editDistance(a.toLowerCase(), b.toLowerCase()) <= CLOSE_NAME_EDITS
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [row, letter] of [...a].entries()) {
    const current = [row + 1]
    for (const [column, other] of [...b].entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1)
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1))
    }
    previous = current
  }
  return previous.at(-1) ?? 0
}
