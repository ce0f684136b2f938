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
  const first = elements[0]
  if (elements.length === 1 && first?.kind === 'variable') {
    if (text === '' || (first.converter.partIsolating && text.includes('/')) || !first.converter.accepts(text)) return undefined
    return [text]
  }
  if (!hasTexts(elements, text)) return undefined
  const search = new ElementSearch(elements, text)
  return search.matches(0, 0) ? search.found : undefined
}

/** Whether what is text in the elements is in the text, in its order: most that does not match is found out by that. */
function hasTexts(elements: readonly Element[], text: string): boolean {
  let at = 0
  let last: Element | undefined
  for (const element of elements) {
    if (element.kind === 'text') {
      const found = text.indexOf(element.text, at)
      if (found === -1 || (last === undefined && found > 0)) return false
      at = found + element.text.length
    }
    last = element
  }
  return last === undefined || last.kind === 'variable' || text.endsWith(last.text)
}

class ElementSearch {
  readonly found: string[] = []
  readonly #elements: readonly Element[]
  readonly #text: string
  #failed: Set<number> | undefined
  #work = 0

  constructor(elements: readonly Element[], text: string) {
    this.#elements = elements
    this.#text = text
  }

  /** Whether the elements from `index` on make up the text from `position` on. */
  matches(index: number, position: number): boolean {
    const element = this.#elements[index]
    if (element === undefined) return position === this.#text.length
    if (element.kind === 'text') {
      return this.#text.startsWith(element.text, position) && this.matches(index + 1, position + element.text.length)
    }
    const key = index * (this.#text.length + 1) + position
    if (this.#failed?.has(key) === true) return false
    if (this.#matchesVariable(index, element.converter, position)) return true
    this.#failed ??= new Set()
    this.#failed.add(key)
    return false
  }

  /** Tries where the text of a variable may end. */
  #matchesVariable(index: number, converter: BaseConverter<unknown>, position: number): boolean {
    const text = this.#text
    const { partIsolating } = converter
    const slash = partIsolating ? text.indexOf('/', position) : -1
    const limit = slash === -1 ? text.length : slash
    const next = this.#elements[index + 1]
    this.#work += limit - position
    if (next === undefined) return limit === text.length && this.#endsAt(index, converter, position, limit)
    if (next.kind === 'variable') {
      const [from, to, step] = partIsolating ? [limit, position, -1] : [position + 1, limit + 1, 1]
      for (let end = from; end !== to && this.#work < MAX_WORK; end += step) {
        if (this.#endsAt(index, converter, position, end)) return true
      }
    } else if (partIsolating) {
      // What is before the position is not searched.
      const span = text.slice(position, limit + next.text.length)
      for (let at = span.lastIndexOf(next.text); at > 0 && this.#work < MAX_WORK; at = span.lastIndexOf(next.text, at - 1)) {
        if (this.#endsAt(index, converter, position, position + at)) return true
      }
    } else {
      let end = text.indexOf(next.text, position + 1)
      for (; end !== -1 && this.#work < MAX_WORK; end = text.indexOf(next.text, end + 1)) {
        if (this.#endsAt(index, converter, position, end)) return true
      }
    }
    return false
  }

  #endsAt(index: number, converter: BaseConverter<unknown>, position: number, end: number): boolean {
    if (end <= position) return false
    this.#work += 1 + end - position
    const value = this.#text.slice(position, end)
    if (!converter.accepts(value)) return false
    const depth = this.found.push(value)
    if (this.matches(index + 1, end)) return true
    this.found.length = depth - 1
    return false
  }
}
