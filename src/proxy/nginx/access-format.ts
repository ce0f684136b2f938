import { TsgiError } from '../../interface/errors.ts'
import { parseAccessFormat } from '../../logging/access-format.ts'
import type { AccessToken } from '../../logging/access-format.ts'
import { directive, literal, variable } from './directive.ts'
import type { Argument, Directive, Literal, Variable } from './directive.ts'

/** nginx's words for the atoms. It has none for whole seconds, milli- and microseconds. */
const LETTERS: Readonly<Record<string, readonly (Literal | Variable)[]>> = {
  h: [variable('remote_addr')],
  l: [literal('-')],
  u: [variable('remote_user')],
  t: [literal('['), variable('time_local'), literal(']')],
  r: [variable('request')],
  s: [variable('status')],
  m: [variable('request_method')],
  U: [variable('uri')],
  q: [variable('args')],
  H: [variable('server_protocol')],
  b: [variable('body_bytes_sent')],
  B: [variable('body_bytes_sent')],
  f: [variable('http_referer')],
  a: [variable('http_user_agent')],
  L: [variable('request_time')],
  p: [literal('<'), variable('pid'), literal('>')],
}

/** The members of our own JSON lines; true: a number. */
const JSON_MEMBERS: readonly (readonly [name: string, variable: string, number?: true])[] = [
  ['time', 'time_iso8601'],
  ['remote_addr', 'remote_addr'],
  ['user', 'remote_user'],
  ['method', 'request_method'],
  ['path', 'uri'],
  ['query', 'args'],
  ['protocol', 'server_protocol'],
  ['host', 'http_host'],
  ['status', 'status', true],
  ['bytes', 'body_bytes_sent', true],
  ['duration_s', 'request_time', true],
  ['referer', 'http_referer'],
  ['user_agent', 'http_user_agent'],
  ['request_id', 'request_id'],
  ['pid', 'pid', true],
]

const NAME = 'tsgi_access'

/** The name of the format in nginx, and what declares it. Throws `TSGI_ERR_OPTION` for an atom that nginx cannot write. */
export function nginxAccessFormat(format: string): { name: string; declaration: Directive[] } {
  if (format === 'combined') return { name: format, declaration: [] }
  const args: Argument[] =
    format === 'json' ? ['escape=json', jsonObject()] : [parseAccessFormat(format).flatMap((token) => words(token))]
  return { name: NAME, declaration: [directive('log_format', NAME, ...args)] }
}

function jsonObject(): (Literal | Variable)[] {
  const members = JSON_MEMBERS.flatMap(([name, source, isNumber], index) => {
    const [before, after] = isNumber === true ? ['', ''] : ['"', '"']
    return [literal(`${index === 0 ? '' : ','}"${name}":${before}`), variable(source), literal(after)]
  })
  return [literal('{'), ...members, literal('}')]
}

function words(token: AccessToken): readonly (Literal | Variable)[] {
  if (typeof token === 'string') return [literal(token)]
  const known = token.kind === 'atom' ? LETTERS[token.name] : named(token.kind, token.name)
  if (known !== undefined) return known
  const atom = token.kind === 'atom' ? token.name : `{${token.name}}${token.kind}`
  throw new TsgiError(
    'TSGI_ERR_OPTION',
    `--access-log-format: nginx, which writes this log, has no word for %(${atom})s; take another one, or --server-type embedded`,
  )
}

function named(kind: 'i' | 'o' | 'e', name: string): readonly Variable[] | undefined {
  const variableName = name.toLowerCase().replaceAll('-', '_')
  if (kind === 'e' || !/^\w+$/.test(variableName)) return undefined
  return [variable(`${kind === 'i' ? 'http' : 'sent_http'}_${variableName}`)]
}
