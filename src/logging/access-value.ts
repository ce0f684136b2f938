/** Longest value of a client that a line holds, characters. A request has up to 64 KB of them, and a log must stay readable. */
const MAX_VALUE = 8192

/** Stands in for a value that there is none of. */
export const ABSENT = '-'

/** Escapes a foreign value for a field of a line. */
export type Escape = (value: string) => string

/** What no value may say by itself: quotes, the escape's own character, controls, and whatever is not ASCII. */
const UNSAFE = '"\\\\\\0-\\x1f\\x7f-\\uffff'

/**
 * An escape for the value of one field: `\xHH`, as nginx has it. Nothing that is left can end the line or a quoted field. In a
 * field without quotes, neither white space nor `terminator`, the character of the format that ends the field, is left.
 */
export function fieldEscape(quoted: boolean, terminator: string): Escape {
  const own = quoted ? '' : ` ${terminator.replace(/[\\\]^-]/, '\\$&')}`
  const unsafe = new RegExp(`[${UNSAFE}${own}]`)
  const each = new RegExp(unsafe, 'g')
  return (value) => {
    if (value === '') return ABSENT
    const bounded = value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}...` : value
    // Most values are plain, and a test costs less than a replacement.
    return unsafe.test(bounded) ? bounded.replace(each, escapeCharacter) : bounded
  }
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0)
  return code < 256 ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

const BEYOND_ASCII = /[\x7f-\uffff]/
const EACH_BEYOND_ASCII = new RegExp(BEYOND_ASCII, 'g')

/** Whatever a string of JSON, or of ASCII, cannot have as it is. */
const NOT_PLAIN = /[^ !#-[\]-~]/

/** A string of JSON in ASCII, so that it is the same in every encoding. A byte beyond ASCII is the character of its number. */
export function jsonString(value: string): string {
  if (value.length <= MAX_VALUE && !NOT_PLAIN.test(value)) return `"${value}"`
  const text = JSON.stringify(value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}...` : value)
  return BEYOND_ASCII.test(text) ? text.replace(EACH_BEYOND_ASCII, unicodeEscape) : text
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
