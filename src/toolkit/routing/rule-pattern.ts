import { quote, TsgiError } from '../../interface/errors.ts'

/** A pattern in pieces: text as it is, or a variable. */
export type PatternPiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly converter: string; readonly arguments: string }

/** `int(min=1):id`, `int:id` or `id`. */
const VARIABLE = /^(?:([A-Za-z_]\w*)(?:\((.*)\))?:)?([A-Za-z_]\w*)$/

/** Takes a pattern apart: `/posts/<int:id>/<slug>`. Throws `TSGI_ERR_ROUTE`. */
export function parsePattern(pattern: string): PatternPiece[] {
  const pieces: PatternPiece[] = []
  const names = new Set<string>()
  for (let at = 0; at < pattern.length;) {
    const open = pattern.indexOf('<', at)
    const text = pattern.slice(at, open === -1 ? pattern.length : open)
    if (text.includes('>')) throw invalid(pattern, 'a ">" without its "<"')
    if (text !== '') pieces.push({ kind: 'text', text })
    if (open === -1) break
    const close = pattern.indexOf('>', open)
    const inner = pattern.slice(open + 1, close === -1 ? undefined : close)
    const match = VARIABLE.exec(inner)
    if (close === -1 || match === null) throw invalid(pattern, `<${inner}> is no variable; write <name> or <converter:name>`)
    const [, converter = 'default', args = '', name = ''] = match
    if (names.has(name)) throw invalid(pattern, `the variable ${quote(name)} is there twice`)
    if (name === '__proto__') throw invalid(pattern, 'no variable can have this name')
    names.add(name)
    pieces.push({ kind: 'variable', name, converter, arguments: args })
    at = close + 1
  }
  return pieces
}

export function invalid(pattern: string, problem: string): TsgiError {
  return new TsgiError('TSGI_ERR_ROUTE', `${quote(pattern)}: ${problem}`)
}
