import { TsgiError } from '../../interface/errors.ts'
import { parseAccessFormat } from '../../logging/access-format.ts'
import type { AccessToken } from '../../logging/access-format.ts'
import type { Literal } from '../configuration-value.ts'
import type { Wire } from '../site.ts'
import { directive, literal, own } from './directive.ts'
import type { Directive, Own } from './directive.ts'

/** httpd's words for the atoms. It has none for seconds with a fraction. What a client has sent it escapes by itself: `\xHH`, `\"`. */
const LETTERS: Readonly<Record<string, string>> = {
  h: '%a',
  l: '-',
  u: '%u',
  t: '%t',
  r: '%r',
  s: '%>s',
  m: '%m',
  U: '%U',
  // Without the question mark, which %q has. The worker is told it, too; `accessVariables` sets it for all wires.
  q: '%{QUERY_STRING}e',
  H: '%H',
  b: '%b',
  B: '%B',
  f: '%{Referer}i',
  a: '%{User-Agent}i',
  T: '%T',
  M: '%{ms}T',
  D: '%D',
  p: '<%P>',
}

/** The name of the format in the configuration. */
export const ACCESS_FORMAT = 'tsgi_access'

/** The LogFormat. Throws `TSGI_ERR_OPTION` for what httpd cannot write. */
export function apacheAccessFormat(format: string, wire: Wire): Directive {
  if (format === 'json') {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      '--access-log-format json: Apache, which writes this log, escapes characters as \\xHH, which is no JSON; take another format, or --server-type nginx or embedded',
    )
  }
  return directive(
    'LogFormat',
    parseAccessFormat(format).map((token) => word(token, wire)),
    ACCESS_FORMAT,
  )
}

/** What the format needs beyond what httpd has by itself: the query as a variable. It is one of CGI's, so that the worker may have it. */
export function accessVariables(format: string): Directive[] {
  const asked = parseAccessFormat(format).some(
    (token) => typeof token === 'object' && token.kind === 'atom' && token.name === 'q',
  )
  return asked ? [directive('SetEnvIfExpr', own('%{QUERY_STRING} =~ /^(.*)$/'), own('QUERY_STRING=$1'))] : []
}

function word(token: AccessToken, wire: Wire): Literal | Own {
  if (typeof token === 'string') return literal(token)
  const known = token.kind === 'atom' ? LETTERS[token.name] : named(token.kind, token.name, wire)
  if (known !== undefined) return own(known)
  const atom = token.kind === 'atom' ? token.name : `{${token.name}}${token.kind}`
  throw new TsgiError(
    'TSGI_ERR_OPTION',
    `--access-log-format: Apache, which writes this log, has no word for %(${atom})s; take another one, or --server-type embedded`,
  )
}

/** Over HTTP there are no variables. */
function named(kind: 'i' | 'o' | 'e', name: string, wire: Wire): string | undefined {
  if (!/^[\w-]+$/.test(name) || (kind === 'e' && wire === 'http')) return undefined
  return `%{${name}}${kind}`
}
