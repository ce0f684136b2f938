/** Lists and parameters in field values (RFC 9110, section 5.6). Read in one pass each, whatever they hold: no expression can blow up on them. */

const COMMA = 44
const QUOTE = 34
const BACKSLASH = 92

/** The elements of a list, without the white space around them; separators in quoted strings do not count. Empty ones are left out. */
export function splitList(text: string, separator = COMMA): string[] {
  const elements: string[] = []
  let start = 0
  let quoted = false
  for (let index = 0; index <= text.length; index++) {
    const code = index === text.length ? -1 : text.charCodeAt(index)
    if (quoted && code === BACKSLASH) index++
    else if (code === QUOTE) quoted = !quoted
    else if (code === -1 || (!quoted && code === separator)) {
      const element = text.slice(start, index).trim()
      if (element !== '') elements.push(element)
      start = index + 1
    }
  }
  return elements
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** What a name is, and a value that needs no quotes (RFC 9110, section 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** `name=value` elements, names in small letters; one without `=` is null. The first of a name counts, what is no name does not. */
export function parseParameters(text: string, separator = COMMA): Map<string, string | null> {
  const parameters = new Map<string, string | null>()
  for (const element of splitList(text, separator)) {
    const equals = element.indexOf('=')
    const name = (equals === -1 ? element : element.slice(0, equals)).trim().toLowerCase()
    if (!isToken(name) || parameters.has(name)) continue
    parameters.set(name, equals === -1 ? null : unquote(element.slice(equals + 1).trim()))
  }
  return parameters
}

/** What a quoted string says; anything else as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== QUOTE || text.charCodeAt(text.length - 1) !== QUOTE) return text
  return text.slice(1, -1).replace(/\\(.)/g, '$1')
}

/** A token as it is, anything else as a quoted string. */
export function quoteValue(text: string): string {
  return isToken(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}
