/**
 * Reads httpd's configuration the way httpd does (its ap_cfg_getline, ap_getword_conf and ap_resolve_env, and mod_rewrite's
 * parseargline), so that a test sees what httpd would see. Written from httpd's rules and not from the writer under test.
 */
export interface ReadDirective {
  name: string
  args: string[]
  block?: ReadDirective[]
}

const REWRITE = new Set(['RewriteCond', 'RewriteRule'])

/** Throws where httpd would refuse the text, or where a parameter is not defined by it. */
export function readConfiguration(text: string): ReadDirective[] {
  const top: ReadDirective[] = []
  const open: { name: string; nodes: ReadDirective[] }[] = [{ name: '', nodes: top }]
  const defined = new Map<string, string>()
  for (const line of logicalLines(text)) {
    if (line === '' || line.startsWith('#')) continue
    const end = /^<\/(\w+)>$/.exec(line)?.[1]
    if (end !== undefined) {
      if (open.pop()?.name !== end || open.length === 0) throw new Error(`unexpected ${line}`)
      continue
    }
    const section = /^<(\w+)\s+(.*)>$/.exec(line)
    const [name = '', rest = ''] = section === null ? split(line) : [section[1], section[2]]
    const args = readArguments(name, rest, defined)
    if (name === 'Define') defined.set(args[0] ?? '', args[1] ?? '')
    const read: ReadDirective = section === null ? { name, args } : { name, args, block: [] }
    open.at(-1)?.nodes.push(read)
    if (read.block !== undefined) open.push({ name, nodes: read.block })
  }
  if (open.length > 1) throw new Error(`${open.at(-1)?.name} is not closed`)
  return top
}

/** A backslash at the end of a line joins the next one to it. */
function logicalLines(text: string): string[] {
  return text
    .replace(/\\\n/g, '')
    .split('\n')
    .map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ''))
}

function split(line: string): [string, string] {
  const end = /\s/.exec(line)?.index ?? line.length
  return [line.slice(0, end), line.slice(end).trim()]
}

function readArguments(name: string, rest: string, defined: Map<string, string>): string[] {
  const resolved = resolve(rest, defined)
  return REWRITE.has(name) ? rewriteWords(resolved) : words(resolved)
}

/** Words between quotes or white space; a backslash escapes the quote and itself. */
function words(text: string): string[] {
  const found: string[] = []
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text.charAt(at))) {
      at += 1
      continue
    }
    const quote = /["']/.exec(text.charAt(at))?.[0]
    let word = ''
    at += quote === undefined ? 0 : 1
    for (; at < text.length; at += 1) {
      const character = text.charAt(at)
      if (quote === undefined ? /\s/.test(character) : character === quote) break
      const next = text.charAt(at + 1)
      if (character === '\\' && (next === '\\' || (quote !== undefined && next === quote))) {
        word += next
        at += 1
      } else word += character
    }
    at += 1
    found.push(word)
  }
  return found
}

/** mod_rewrite's words: nothing is escaped between quotes, but a backslash keeps white space from ending a word. */
function rewriteWords(text: string): string[] {
  const found: string[] = []
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text.charAt(at))) {
      at += 1
      continue
    }
    const quote = /["']/.exec(text.charAt(at))?.[0]
    at += quote === undefined ? 0 : 1
    const start = at
    while (at < text.length && (quote === undefined ? !/\s/.test(text.charAt(at)) : text.charAt(at) !== quote))
      at += text.charAt(at) === '\\' && /\s/.test(text.charAt(at + 1)) ? 2 : 1
    if (quote !== undefined && at >= text.length) throw new Error(`no end of quotes in ${text}`)
    found.push(text.slice(start, at))
    at += 1
  }
  return found
}

function resolve(text: string, defined: Map<string, string>): string {
  return text.replace(/\$\{([^}]*)\}/g, (whole, name: string) => {
    const value = defined.get(name)
    if (value === undefined) throw new Error(`${whole} is not defined`)
    return value
  })
}
