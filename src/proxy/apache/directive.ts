import { quote } from '../../interface/errors.ts'
import type { ConfigurationLine } from '../configuration-line.ts'
import { bounded, invalid, printable, word } from '../configuration-value.ts'
import type { Literal } from '../configuration-value.ts'
import { DIRECTIVES } from './directive-table.ts'
import type { Meaning, Reader } from './directive-table.ts'

export type DirectiveName = keyof typeof DIRECTIVES

/** Text of our own, in which `%{...}`, `$1` and a regular expression's signs mean what they mean to the directive. */
export interface Own {
  readonly own: string
}

/** One argument: a word or number, a value from outside, text of our own, or several of them joined to one. */
export type Argument = string | number | Literal | Own | readonly (Literal | Own)[]

export interface Directive {
  readonly name: DirectiveName
  readonly args: readonly Argument[]
  /** The directives of a section. */
  readonly block?: readonly Node[]
  /** The option that caused this directive, without dashes: `port`. */
  readonly option?: string
}

/** A line of comment for the reader. */
export interface Comment {
  readonly comment: string
}

/** One element of a configuration. */
export type Node = Directive | Comment

/** The parameter that holds one `$`: httpd knows no other way to write a `${`. */
const DOLLAR = '${tsgi_dollar}'

/** Longest argument, bytes as written. Older httpd copy some of them into buffers of 8192. */
const MAX_ARGUMENT_BYTES = 8000

/** A value from outside, to be taken as it is. */
export function literal(text: string): Literal {
  return { literal: text }
}

/** Text of our own. */
export function own(text: string): Own {
  return { own: text }
}

/** A directive with its arguments. */
export function directive(name: DirectiveName, ...args: readonly Argument[]): Directive {
  return { name, args }
}

/** A section: a directive that holds others. */
export function section(name: DirectiveName, args: readonly Argument[], nodes: readonly Node[]): Directive {
  return { name, args, block: nodes }
}

/** The same directive, with the option that caused it. */
export function from(option: string, node: Directive): Directive {
  return { ...node, option }
}

/** The text of a configuration. A line of comment before a directive names the option behind it: nothing may stand behind one. */
export function render(nodes: readonly Node[]): string {
  return renderLines(nodes)
    .map(({ text }) => `${text}\n`)
    .join('')
}

/**
 * The lines of a configuration, and before them what makes a literal `${` possible, where one needs it. Throws `TSGI_ERR_OPTION`,
 * with the option's name, for a value that cannot be written: one with a control character, one too long, or one that has what
 * the directive gives a meaning that nothing takes away.
 */
export function renderLines(nodes: readonly Node[]): ConfigurationLine[] {
  const lines = renderNodes(nodes, '')
  if (!lines.some(({ text }) => text.includes(DOLLAR))) return lines
  return [{ text: '# A "${" in a value: httpd knows no other way to write one.' }, { text: 'Define tsgi_dollar "$"' }, ...lines]
}

function renderNodes(nodes: readonly Node[], indent: string): ConfigurationLine[] {
  return nodes.flatMap((node) => {
    if ('comment' in node) return { text: node.comment === '' ? '' : `${indent}# ${comment(node.comment)}` }
    return renderDirective(node, indent)
  })
}

function renderDirective(node: Directive, indent: string): ConfigurationLine[] {
  const [reader, ...meanings] = DIRECTIVES[node.name]
  const args = node.args.map((arg, index) => renderArgument(arg, reader, meanings[index] ?? 'ours', node.option))
  const words = [node.name, ...args].join(' ')
  const option = node.option === undefined ? {} : { option: word(node.option) }
  return [
    ...(node.option === undefined ? [] : [{ text: `${indent}# --${word(node.option)}`, ...option }]),
    { text: `${indent}${node.block === undefined ? words : `<${words}>`}`, ...option },
    ...(node.block === undefined ? [] : [...renderNodes(node.block, `${indent}    `), { text: `${indent}</${node.name}>` }]),
  ]
}

function renderArgument(argument: Argument, reader: Reader, meaning: Meaning, option: string | undefined): string {
  if (typeof argument === 'string') return word(argument)
  if (typeof argument === 'number') return word(String(argument))
  const parts = 'literal' in argument || 'own' in argument ? [argument] : argument
  const text = parts.map((part) => ('own' in part ? part.own : escapeLiteral(part.literal, meaning, option))).join('')
  return bounded(quoted(text, reader, option), MAX_ARGUMENT_BYTES, option, 'Apache')
}

/** An argument between quotes, so that the reader of configurations takes it for one, and finds no `${` in it. */
function quoted(text: string, reader: Reader, option: string | undefined): string {
  if (reader === 'words') return withoutParameters(`"${text.replace(/["\\]/g, '\\$&')}"`)
  if (text.includes('"') && text.includes("'"))
    throw invalid(option, `${quote(text)} has both kinds of quotes, which Apache cannot be told here`)
  const mark = text.includes('"') ? "'" : '"'
  return withoutParameters(`${mark}${text}${mark}`)
}

function withoutParameters(written: string): string {
  return written.replaceAll('${', () => `${DOLLAR}{`)
}

/** What the directive itself makes of the characters of an argument. */
function escapeLiteral(value: string, meaning: Meaning, option: string | undefined): string {
  const text = printable(value, option, 'Apache')
  switch (meaning) {
    case 'plain':
      return text
    case 'format':
      return text.replaceAll('\\', '\\\\').replaceAll('%', '%%')
    case 'regex':
      return regexOf(text)
    case 'expand':
      return text.replace(/[\\$%]/g, '\\$&')
    case 'socket':
      return without(text, /[|?#]/, option)
    case 'expanded-socket':
      return without(text, /[|?#]/, option).replace(/[\\$%]/g, '\\$&')
    case 'pattern':
      return without(text, /[*?[]/, option)
    case 'name':
      return without(text, /^#/, option)
    case 'header':
      return without(text, /[%\\$]/, option)
    case 'ours':
      throw new Error(`${quote(text)} comes from outside, for which this directive has no place`)
  }
}

function without(text: string, active: RegExp, option: string | undefined): string {
  const found = active.exec(text)?.[0]
  if (found === undefined) return text
  throw invalid(option, `${quote(text)} has a ${quote(found)}, which has a meaning of its own to Apache here`)
}

/** A regular expression that matches this text. Characters by their numbers: some have a meaning to the reader of configurations, too. */
export function regexOf(text: string): string {
  return text.replace(/[^\w/\x80-\u{10ffff}-]/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A backslash at its end would take the next line along. */
function comment(text: string): string {
  if (text.endsWith('\\')) throw new Error('a comment must not end with a backslash')
  return printable(text, undefined, 'Apache')
}
