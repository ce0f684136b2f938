import type { BaseConverter } from './converters.ts'

/** A piece of a rule that knows its converter. */
export type Element =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly converter: BaseConverter<unknown>; readonly key: string }

/** Characters that are looked at for one text, again and again: an honest path has a few thousand; one that is made to take long has billions. */
const MAX_WORK = 1_000_000

/**
 * Whether the elements make up the whole text; gives the texts of the variables, or undefined.
 *
 * It is what a regular expression of them would do, but the time it takes is bounded, whatever the client sends: a place that failed
 * is not tried again, and a text that needs more than `MAX_WORK` does not match. Converters with slashes take as little as they can,
 * others as much as they can.
 */
export function matchElements(elements: readonly Element[], text: string): readonly string[] | undefined {
  const found: string[] = []
  const failed = new Set<number>()
  let work = 0

  function matches(index: number, position: number): boolean {
    const element = elements[index]
    if (element === undefined) return position === text.length
    if (element.kind === 'text')
      return text.startsWith(element.text, position) && matches(index + 1, position + element.text.length)
    const key = index * (text.length + 1) + position
    if (failed.has(key)) return false
    for (const end of endsOf(index, element.converter, position)) {
      work += 1 + end - position
      if (work > MAX_WORK) break
      const value = text.slice(position, end)
      if (!element.converter.accepts(value)) continue
      const depth = found.push(value)
      if (matches(index + 1, end)) return true
      found.length = depth - 1
    }
    failed.add(key)
    return false
  }

  /** Where the text of a variable may end, the places to be tried first at first. */
  function* endsOf(index: number, { partIsolating }: BaseConverter<unknown>, position: number): Generator<number> {
    const slash = partIsolating ? text.indexOf('/', position) : -1
    const limit = slash === -1 ? text.length : slash
    const next = elements[index + 1]
    work += limit - position
    if (work > MAX_WORK) return
    if (next === undefined) {
      if (limit === text.length) yield limit
    } else if (next.kind === 'text') {
      if (partIsolating) {
        const span = text.slice(position, limit + next.text.length)
        for (let at = span.lastIndexOf(next.text); at > 0; at = span.lastIndexOf(next.text, at - 1)) yield position + at
      } else {
        for (let at = text.indexOf(next.text, position + 1); at !== -1; at = text.indexOf(next.text, at + 1)) yield at
      }
    } else if (partIsolating) {
      for (let end = limit; end > position; end--) yield end
    } else {
      for (let end = position + 1; end <= limit; end++) yield end
    }
  }

  return matches(0, 0) ? found : undefined
}
