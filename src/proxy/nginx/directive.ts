import { quote } from '../../interface/errors.ts'
import type { ConfigurationLine } from '../configuration-line.ts'
import { bounded, invalid, printable as printableFor, word } from '../configuration-value.ts'
import type { Literal } from '../configuration-value.ts'

export type { Literal } from '../configuration-value.ts'

/**
 * What a `$` means in a directive's arguments. A directive that is not in this table cannot be written.
 *
 * `plain`: itself. `variables`: nginx replaces `$name`; a `$` of a literal value is written as a variable that holds one, for nginx
 * knows no other way to escape it. `constant`: nginx replaces it too, but does something else for a value that has a variable
 * (it opens such a log for every line, as the worker's user, and looks such a server up for every request), so that a literal `$` is refused.
 */
const DIRECTIVES = {
  absolute_redirect: 'plain',
  access_log: 'constant',
  add_header: 'variables',
  alias: 'variables',
  auth_request: 'plain',
  auth_request_set: 'variables',
  autoindex: 'plain',
  charset: 'plain',
  charset_types: 'plain',
  client_body_buffer_size: 'plain',
  client_body_temp_path: 'plain',
  client_body_timeout: 'plain',
  client_header_buffer_size: 'plain',
  client_header_timeout: 'plain',
  client_max_body_size: 'plain',
  daemon: 'plain',
  default_type: 'plain',
  error_log: 'plain',
  error_page: 'variables',
  events: 'plain',
  fastcgi_buffer_size: 'plain',
  fastcgi_buffers: 'plain',
  fastcgi_busy_buffers_size: 'plain',
  fastcgi_connect_timeout: 'plain',
  fastcgi_intercept_errors: 'plain',
  fastcgi_keep_conn: 'plain',
  fastcgi_next_upstream: 'plain',
  fastcgi_param: 'variables',
  fastcgi_pass: 'variables',
  fastcgi_pass_request_body: 'plain',
  fastcgi_read_timeout: 'plain',
  fastcgi_send_timeout: 'plain',
  fastcgi_temp_path: 'plain',
  geo: 'plain',
  gzip: 'plain',
  gzip_min_length: 'plain',
  gzip_proxied: 'plain',
  gzip_types: 'plain',
  gzip_vary: 'plain',
  http: 'plain',
  http2: 'plain',
  if: 'variables',
  hash: 'variables',
  include: 'plain',
  index: 'variables',
  internal: 'plain',
  keepalive: 'plain',
  keepalive_timeout: 'plain',
  least_conn: 'plain',
  listen: 'plain',
  location: 'plain',
  log_format: 'variables',
  map: 'variables',
  pid: 'plain',
  proxy_buffer_size: 'plain',
  proxy_buffers: 'plain',
  proxy_busy_buffers_size: 'plain',
  proxy_connect_timeout: 'plain',
  proxy_http_version: 'plain',
  proxy_intercept_errors: 'plain',
  proxy_next_upstream: 'plain',
  proxy_pass: 'constant',
  proxy_pass_request_body: 'plain',
  proxy_read_timeout: 'plain',
  proxy_redirect: 'variables',
  proxy_send_timeout: 'plain',
  proxy_set_header: 'variables',
  proxy_temp_path: 'plain',
  real_ip_header: 'plain',
  real_ip_recursive: 'plain',
  recursive_error_pages: 'plain',
  resolver: 'plain',
  return: 'variables',
  rewrite: 'variables',
  root: 'variables',
  scgi_buffer_size: 'plain',
  scgi_buffers: 'plain',
  scgi_busy_buffers_size: 'plain',
  scgi_connect_timeout: 'plain',
  scgi_intercept_errors: 'plain',
  scgi_next_upstream: 'plain',
  scgi_param: 'variables',
  scgi_pass: 'variables',
  scgi_pass_request_body: 'plain',
  scgi_read_timeout: 'plain',
  scgi_send_timeout: 'plain',
  scgi_temp_path: 'plain',
  send_timeout: 'plain',
  sendfile: 'plain',
  server: 'plain',
  server_name: 'plain',
  server_tokens: 'variables',
  set: 'variables',
  set_real_ip_from: 'plain',
  ssl_certificate: 'constant',
  ssl_certificate_key: 'constant',
  ssl_ciphers: 'plain',
  ssl_client_certificate: 'plain',
  ssl_prefer_server_ciphers: 'plain',
  ssl_protocols: 'plain',
  ssl_session_cache: 'plain',
  ssl_session_tickets: 'plain',
  ssl_session_timeout: 'plain',
  ssl_verify_client: 'plain',
  ssl_verify_depth: 'plain',
  tcp_nopush: 'plain',
  try_files: 'variables',
  types: 'plain',
  upstream: 'plain',
  user: 'plain',
  uwsgi_buffer_size: 'plain',
  uwsgi_buffers: 'plain',
  uwsgi_busy_buffers_size: 'plain',
  uwsgi_connect_timeout: 'plain',
  uwsgi_intercept_errors: 'plain',
  uwsgi_next_upstream: 'plain',
  uwsgi_param: 'variables',
  uwsgi_pass: 'variables',
  uwsgi_pass_request_body: 'plain',
  uwsgi_read_timeout: 'plain',
  uwsgi_send_timeout: 'plain',
  uwsgi_temp_path: 'plain',
  volatile: 'plain',
  worker_connections: 'plain',
  worker_processes: 'plain',
  worker_shutdown_timeout: 'plain',
  zone: 'plain',
} as const satisfies Record<string, DollarMeaning>

type DollarMeaning = 'plain' | 'variables' | 'constant'

export type DirectiveName = keyof typeof DIRECTIVES

/** The variable that holds one `$`; `dollarDeclaration` declares it. */
const DOLLAR = 'tsgi_dollar'

/** Longest argument, bytes as written. nginx reads its configuration through a buffer of 4096 bytes, which an argument must fit in. */
const MAX_ARGUMENT_BYTES = 4000

/** The value of a variable of nginx. */
export interface Variable {
  readonly variable: string
}

/** One argument: a word or number of our own, a value from outside, a variable, or several of them joined to one. */
export type Argument = string | number | Literal | Variable | readonly (Literal | Variable)[]

export interface Directive {
  readonly name: DirectiveName
  readonly args: readonly Argument[]
  /** The directives of a block. */
  readonly block?: readonly Node[]
  /** The option that caused this directive, without dashes: `port`. */
  readonly option?: string
}

/** A line of a `map` or `geo` block. */
export interface Entry {
  readonly key: Argument
  readonly value: Argument
}

/** A line of comment for the reader. */
export interface Comment {
  readonly comment: string
}

/** One element of a configuration. */
export type Node = Directive | Entry | Comment

/** A value from outside, to be taken as it is. */
export function literal(text: string): Literal {
  return { literal: text }
}

/** A variable of nginx, without its `$`. */
export function variable(name: string): Variable {
  return { variable: name }
}

/** A directive with its arguments. */
export function directive(name: DirectiveName, ...args: readonly Argument[]): Directive {
  return { name, args }
}

/** A directive that holds others. */
export function block(name: DirectiveName, args: readonly Argument[], nodes: readonly Node[]): Directive {
  return { name, args, block: nodes }
}

/** The same directive, with the option that caused it. */
export function from(option: string, node: Directive): Directive {
  return { ...node, option }
}

/** What makes a literal `$` possible: goes into the `http` block where `needsDollar`. */
export const dollarDeclaration: Directive = block('geo', [variable(DOLLAR)], [{ key: 'default', value: literal('$') }])

/** Whether a value in these directives is written with the variable that `dollarDeclaration` declares. */
export function needsDollar(nodes: readonly Node[], meaning: DollarMeaning = 'plain'): boolean {
  return nodes.some((node) => {
    if ('comment' in node) return false
    if ('key' in node) return meaning === 'variables' && hasDollar(node.value)
    const own = DIRECTIVES[node.name]
    return (own === 'variables' && node.args.some(hasDollar)) || needsDollar(node.block ?? [], own)
  })
}

function hasDollar(argument: Argument): boolean {
  if (typeof argument !== 'object' || 'variable' in argument) return false
  return 'literal' in argument ? argument.literal.includes('$') : argument.some(hasDollar)
}

/** The text of a configuration: `renderLines` with the option behind each line. */
export function render(nodes: readonly Node[]): string {
  return renderLines(nodes)
    .map(({ text, option }) => `${text}${option === undefined ? '' : `  # --${option}`}\n`)
    .join('')
}

/**
 * The lines of a configuration. Throws `TSGI_ERR_OPTION`, with the option's name, for a value that cannot be written:
 * one with a control character, or one too long for nginx.
 */
export function renderLines(nodes: readonly Node[], parent?: Directive, indent = ''): ConfigurationLine[] {
  return nodes.flatMap((node) => {
    if ('comment' in node) return { text: node.comment === '' ? '' : `${indent}# ${printable(node.comment, undefined)}` }
    if ('key' in node) return { text: `${indent}${renderEntry(node, parent)}` }
    return renderDirective(node, indent)
  })
}

function renderDirective(node: Directive, indent: string): ConfigurationLine[] {
  const args = node.args.map((arg) => renderArgument(arg, DIRECTIVES[node.name], node.option))
  // nginx wants parentheses round the condition of an `if`.
  const words = node.name === 'if' ? ['if', `(${args.join(' ')})`] : [node.name, ...args]
  const line = (end: string): ConfigurationLine => ({
    text: `${indent}${words.join(' ')}${end}`,
    ...(node.option === undefined ? {} : { option: word(node.option) }),
  })
  if (node.block === undefined) return [line(';')]
  if (node.block.length === 0) return [line(' {}')]
  return [line(' {'), ...renderLines(node.block, node, `${indent}    `), { text: `${indent}}` }]
}

function renderEntry(entry: Entry, parent: Directive | undefined): string {
  const value = renderArgument(entry.value, parent === undefined ? 'plain' : DIRECTIVES[parent.name], parent?.option)
  return `${renderArgument(entry.key, 'plain', parent?.option)} ${value};`
}

function renderArgument(argument: Argument, meaning: DollarMeaning, option: string | undefined): string {
  if (typeof argument === 'string') return word(argument)
  if (typeof argument === 'number') return word(String(argument))
  if ('variable' in argument) return `$${variableName(argument.variable)}`
  const parts = 'literal' in argument ? [argument] : argument
  const text = parts.map((part) =>
    'variable' in part ? `\${${variableName(part.variable)}}` : escapeLiteral(part.literal, meaning, option),
  )
  return bounded(`"${text.join('')}"`, MAX_ARGUMENT_BYTES, option, 'nginx')
}

/** Between double quotes nginx gives a meaning to the quote, the backslash and, where it replaces variables, the `$`. */
function escapeLiteral(text: string, meaning: DollarMeaning, option: string | undefined): string {
  if (meaning === 'constant' && text.includes('$'))
    throw invalid(option, `${quote(text)} has a "$", which nginx would take for a variable here`)
  const escaped = printable(text, option).replace(/["\\]/g, '\\$&')
  return meaning === 'variables' ? escaped.replaceAll('$', () => `\${${DOLLAR}}`) : escaped
}

function printable(text: string, option: string | undefined): string {
  return printableFor(text, option, 'nginx')
}

function variableName(name: string): string {
  if (!/^\w+$/.test(name)) throw new Error(`${quote(name)} is no variable of nginx`)
  return name
}
