import type { CompiledRule } from './compiled-rule.ts'
import { matchElements } from './match-elements.ts'
import { compareParts } from './rule-parts.ts'
import type { RulePart } from './rule-parts.ts'

/** One place in the tree: what may come next, and the rules that end here. */
class Node {
  readonly texts = new Map<string, Node>()
  readonly branches: { readonly part: RulePart; readonly node: Node }[] = []
  readonly rules: CompiledRule[] = []

  /** The place behind a part; made where there is none yet. */
  next(part: RulePart): Node {
    let node =
      part.text === undefined ? this.branches.find((each) => each.part.key === part.key)?.node : this.texts.get(part.text)
    if (node !== undefined) return node
    node = new Node()
    if (part.text !== undefined) this.texts.set(part.text, node)
    else {
      this.branches.push({ part, node })
      this.branches.sort((left, right) => compareParts(left.part, right.part))
    }
    return node
  }
}

export interface TreeQuery {
  /** Host or subdomain; undefined: one that no rule names. */
  readonly domain: string | undefined
  /** Decoded. */
  readonly path: string
  readonly method: string
  readonly websocket: boolean
}

export type TreeAnswer =
  | { readonly kind: 'match'; readonly rule: CompiledRule; readonly values: Record<string, unknown> }
  /** The same, at another path: one with a slash at its end, or with fewer of them in it. */
  | { readonly kind: 'redirect'; readonly path: string }
  /** Nothing for this method, or not by WebSocket, or the other way round. */
  | { readonly kind: 'none'; readonly allowed: ReadonlySet<string>; readonly websocketMismatch: boolean }

/**
 * The rules as a tree, a level for each segment of the path: matching takes the time of the path's length, not of the number of rules.
 * Segments that are text are found by hash; variables are tried behind them, the narrowest first, and a place is looked at once at most.
 */
export class RuleTree {
  readonly #domains = new Node()
  readonly #anyDomain = new Node()

  add(rule: CompiledRule): void {
    let node = rule.domainPart === undefined ? this.#anyDomain : this.#domains.next(rule.domainPart)
    for (const part of rule.pathParts) node = node.next(part)
    node.rules.push(rule)
  }

  match(query: TreeQuery, mergeSlashes: boolean): TreeAnswer {
    const search = new Search(query.method, query.websocket)
    const { path } = query
    if (this.#find(search, query.domain, path)) return search.match
    if (search.slashMissing) return { kind: 'redirect', path: `${path}/` }
    if (mergeSlashes && path.includes('//')) {
      const merged = path.replaceAll(/\/{2,}/g, '/')
      if (this.#find(search, query.domain, merged) && search.match.rule.mergeSlashes) return { kind: 'redirect', path: merged }
      if (search.slashMissing) return { kind: 'redirect', path: `${merged}/` }
    }
    return { kind: 'none', allowed: search.allowed, websocketMismatch: search.websocketMismatch }
  }

  #find(search: Search, domain: string | undefined, path: string): search is Search & { match: Found } {
    // The empty path is the mount point without its slash.
    const segments = path === '' ? [] : path.slice(1).split('/')
    if (domain !== undefined) {
      const node = this.#domains.texts.get(domain)
      if (node !== undefined && search.start(node, segments, [])) return true
      if (search.slashMissing) return false
      for (const { part, node: behind } of this.#domains.branches) {
        const texts = matchElements(part.elements, domain)
        if (texts !== undefined && search.start(behind, segments, texts)) return true
        if (search.slashMissing) return false
      }
    }
    return search.start(this.#anyDomain, segments, [])
  }
}

type Found = TreeAnswer & { kind: 'match' }

/** One walk through the tree. */
class Search {
  match: Found | undefined
  slashMissing = false
  websocketMismatch = false
  readonly allowed = new Set<string>()
  readonly #method: string
  readonly #websocket: boolean
  #segments: readonly string[] = []
  #texts: string[] = []

  constructor(method: string, websocket: boolean) {
    this.#method = method
    this.#websocket = websocket
  }

  start(node: Node, segments: readonly string[], texts: readonly string[]): boolean {
    this.#segments = segments
    this.#texts = [...texts]
    return this.#visit(node, 0)
  }

  /** True: a rule matches. False with `slashMissing`: one would, and nobody else is to be asked. */
  #visit(node: Node, at: number): boolean {
    const segment = this.#segments[at]
    if (segment === undefined) return this.#atEnd(node)
    const behind = node.texts.get(segment)
    if (behind !== undefined && this.#visit(behind, at + 1)) return true
    if (this.slashMissing) return false
    const texts = this.#texts
    const depth = texts.length
    for (const branch of node.branches) {
      if (this.#follow(branch.part, branch.node, segment, at)) return true
      if (this.slashMissing) return false
      texts.length = depth
    }
    // A slash too much is forgiven by rules that say so.
    return segment === '' && at === this.#segments.length - 1 && this.#choose(node.rules, (rule) => !rule.strictSlashes)
  }

  #follow(part: RulePart, behind: Node, segment: string, at: number): boolean {
    const { elements, final, suffixed } = part
    const [first] = elements
    if (!final) {
      if (elements.length === 1 && first?.kind === 'variable') {
        if (segment === '' || !first.converter.accepts(segment)) return false
        this.#texts.push(segment)
      } else {
        const texts = matchElements(elements, segment)
        if (texts === undefined) return false
        this.#texts.push(...texts)
      }
      return this.#visit(behind, at + 1)
    }
    const rest = this.#segments.slice(at).join('/')
    const slash = suffixed && rest.endsWith('/')
    const texts = matchElements(elements, slash ? rest.slice(0, -1) : rest)
    if (texts === undefined) return false
    this.#texts.push(...texts)
    return this.#visit(behind, slash ? this.#segments.length - 1 : this.#segments.length)
  }

  #atEnd(node: Node): boolean {
    if (this.#choose(node.rules, undefined)) return true
    const behind = node.texts.get('')
    if (behind === undefined || !this.#choose(behind.rules, undefined)) return false
    if (this.match?.rule.strictSlashes !== true) return true
    this.match = undefined
    this.slashMissing = true
    return false
  }

  #choose(rules: readonly CompiledRule[], filter: ((rule: CompiledRule) => boolean) | undefined): boolean {
    for (const rule of rules) {
      if (filter !== undefined && !filter(rule)) continue
      const values = rule.valuesOf(this.#texts)
      if (values === undefined) continue
      if (rule.websocket !== this.#websocket) {
        this.websocketMismatch = true
      } else if (rule.methods !== undefined && !rule.methods.has(this.#method)) {
        for (const method of rule.methods) this.allowed.add(method)
      } else {
        this.match = { kind: 'match', rule, values }
        return true
      }
    }
    return false
  }
}
