/**
 * Reads nginx's configuration the way nginx does (its ngx_conf_read_token), so that a test sees what nginx would see.
 * Written from nginx's rules and not from the writer under test.
 */
export interface ReadDirective {
  args: string[]
  block?: ReadDirective[]
}

/** Throws where nginx would refuse the text. */
export function readConfiguration(text: string): ReadDirective[] {
  const top: ReadDirective[] = []
  const open: ReadDirective[][] = [top]
  let args: string[] = []
  let at = 0
  while (at < text.length) {
    const character = text.charAt(at)
    if (/[ \t\r\n]/.test(character)) at += 1
    else if (character === '#') at = endOfLine(text, at)
    else if (character === ';' || character === '{') {
      if (args.length === 0 && character === ';') throw new Error(`unexpected ; at ${at}`)
      const read: ReadDirective = character === '{' ? { args, block: [] } : { args }
      open.at(-1)?.push(read)
      if (read.block !== undefined) open.push(read.block)
      args = []
      at += 1
    } else if (character === '}') {
      if (args.length > 0 || open.length === 1) throw new Error(`unexpected } at ${at}`)
      open.pop()
      at += 1
    } else {
      const token = character === '"' || character === "'" ? readQuoted(text, at + 1, character) : readBare(text, at)
      args.push(token.value)
      at = token.end
    }
  }
  if (open.length > 1 || args.length > 0) throw new Error('unexpected end of file')
  return top
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end
}

function readQuoted(text: string, start: number, mark: string): { value: string; end: number } {
  let raw = ''
  for (let at = start; at < text.length; at += 1) {
    if (text.charAt(at) === '\\') {
      raw += text.slice(at, at + 2)
      at += 1
    } else if (text.charAt(at) === mark) {
      if (!/[ \t\r\n;{)]/.test(text.charAt(at + 1)))
        throw new Error(`unexpected ${JSON.stringify(text.charAt(at + 1))} behind a quote`)
      return { value: unescape(raw), end: at + 1 }
    } else raw += text.charAt(at)
  }
  throw new Error('unexpected end of file in a quoted value')
}

function readBare(text: string, start: number): { value: string; end: number } {
  let at = start
  while (at < text.length && !/[ \t\r\n;{]/.test(text.charAt(at)))
    at += text.charAt(at) === '\\' ? 2 : text.startsWith('${', at) ? text.indexOf('}', at) - at + 1 : 1
  return { value: unescape(text.slice(start, at)), end: at }
}

/** nginx knows six escapes; any other backslash is one. */
function unescape(raw: string): string {
  return raw.replace(/\\(["'\\trn])/g, (_, character: string) => ({ t: '\t', r: '\r', n: '\n' })[character] ?? character)
}
