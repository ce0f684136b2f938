import type { Element } from './match-elements.ts'

/** One step in the tree: a segment of the path, or, where a converter takes slashes, all that is left of it. */
export interface RulePart {
  readonly elements: readonly Element[]
  /** Parts with the same key match the same texts. */
  readonly key: string
  /** The text of a part without variables. */
  readonly text: string | undefined
  /** Takes all that is left. */
  readonly final: boolean
  /** Of a final part: a slash follows, which clients may have left out. */
  readonly suffixed: boolean
}

/** The parts of a path, without its first slash. */
export function splitParts(elements: readonly Element[]): RulePart[] {
  const parts: RulePart[] = []
  let current: Element[] = []
  let final = false
  for (const element of elements) {
    if (element.kind === 'variable') {
      current.push(element)
      if (!element.converter.partIsolating) final = true
    } else if (final) {
      current.push(element)
    } else {
      const [first = '', ...others] = element.text.split('/')
      if (first !== '') current.push({ kind: 'text', text: first })
      for (const text of others) {
        parts.push(makePart(current, false, false))
        current = text === '' ? [] : [{ kind: 'text', text }]
      }
    }
  }
  const last = current.at(-1)
  if (!final || last?.kind !== 'text' || !last.text.endsWith('/')) return [...parts, makePart(current, final, false)]
  const text = last.text.slice(0, -1)
  const stripped = text === '' ? current.slice(0, -1) : [...current.slice(0, -1), { ...last, text }]
  return [...parts, makePart(stripped, true, true), makePart([], false, false)]
}

export function makePart(elements: readonly Element[], final: boolean, suffixed: boolean): RulePart {
  const only = elements[0]
  const text = elements.length === 0 ? '' : elements.length === 1 && only?.kind === 'text' ? only.text : undefined
  const key = elements.map((each) => (each.kind === 'text' ? JSON.stringify(each.text) : `<${each.key}>`)).join('')
  return { elements, key: `${key}${final ? '…' : ''}${suffixed ? '/' : ''}`, text, final, suffixed }
}

/** Which of two parts with variables is tried first: the one with more text, then with longer text, more variables, narrower ones. */
export function compareParts(left: RulePart, right: RulePart): number {
  return compareLists(weightOf(left), weightOf(right))
}

function weightOf({ elements }: RulePart): number[] {
  const texts = elements.flatMap((each) => (each.kind === 'text' ? each.text.split('/').filter((text) => text !== '') : []))
  const weights = elements.flatMap((each) => (each.kind === 'variable' ? [each.converter.weight] : []))
  return [-texts.length, ...texts.map((text) => -text.length), -weights.length, ...weights]
}

function compareLists(left: readonly number[], right: readonly number[]): number {
  // The numbers of texts and of variables come first, so that what is compared stands for the same.
  for (const [index, value] of left.entries()) {
    const difference = value - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
