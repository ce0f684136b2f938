import type { AccessEntry } from '../gateway/access.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { ATOMS, fieldName, namedAtom, pathOf, queryOf, userOf } from './access-atoms.ts'
import type { Atom } from './access-atoms.ts'
import { isoTime } from './access-clock.ts'
import { ABSENT, fieldEscape, jsonString } from './access-value.ts'

/** Writes one request as one line of ASCII, without its end. */
export type AccessFormat = (entry: AccessEntry, elapsedMs: number) => string

const COMMON = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s'

/** Formats that have a name. */
const NAMED: Readonly<Record<string, string>> = { common: COMMON, combined: `${COMMON} "%(f)s" "%(a)s"` }

/** One atom with `%(` and `)s`, or an escaped percent sign. */
const ATOM = /%(?:%|\((?:([A-Za-z])|\{([^{}()\s]{1,100})\}([ioe]))\)s)/g

/** Longest format that is taken, characters: it is for a person to read. */
const MAX_FORMAT = 4096

/** A part of a format: text, an atom by its letter, or one with a name: of a header field, `i` or `o`, or a variable, `e`. */
export type AccessToken = string | { readonly kind: 'atom' | 'i' | 'o' | 'e'; readonly name: string }

/**
 * Makes the function that writes a line: for `common`, `combined`, `json`, or a format of Gunicorn's atoms. Throws
 * `TSGI_ERR_OPTION` where it is none.
 */
export function compileAccessFormat(format: string): AccessFormat {
  if (format === 'json') return jsonFormat
  const pieces = parseAccessFormat(format).map((token) => (typeof token === 'string' ? token : atomOf(token)))
  const writers: AccessFormat[] = []
  // Whether the pieces so far have opened a quote.
  let quoted = false
  for (const [index, piece] of pieces.entries()) {
    if (typeof piece === 'string') {
      if ((piece.split('"').length - 1) % 2 === 1) quoted = !quoted
      writers.push(() => piece)
    } else if ('own' in piece) {
      writers.push(piece.own)
    } else {
      const next = pieces[index + 1]
      const escape = fieldEscape(quoted, typeof next === 'string' ? next.slice(0, 1) : '')
      const { foreign } = piece
      writers.push((entry) => {
        const value = foreign(entry)
        return value === undefined ? ABSENT : escape(value)
      })
    }
  }
  return (entry, elapsedMs) => {
    let line = ''
    for (const write of writers) line += write(entry, elapsedMs)
    return line
  }
}

/** The parts of a format, or of one that has a name, in their order; no two texts beside each other. Throws `TSGI_ERR_OPTION`. */
export function parseAccessFormat(nameOrFormat: string): AccessToken[] {
  const format = NAMED[nameOrFormat] ?? nameOrFormat
  // ASCII alone: a line is then the same in every encoding, and what a client sends cannot look like the format.
  if (format.length > MAX_FORMAT || !/^[\t\x20-\x7e]+$/.test(format)) {
    throw invalid(format, `it may have ${MAX_FORMAT} characters of printable ASCII`)
  }
  const tokens: AccessToken[] = []
  let text = ''
  let end = 0
  for (const match of format.matchAll(ATOM)) {
    const [whole, letter, name, kind] = match
    text += plain(format, format.slice(end, match.index))
    end = match.index + whole.length
    if (whole === '%%') {
      text += '%'
      continue
    }
    if (letter !== undefined && !Object.hasOwn(ATOMS, letter)) throw invalid(format, `${whole} is no atom`)
    if (text !== '') tokens.push(text)
    text = ''
    if (letter !== undefined) tokens.push({ kind: 'atom', name: letter })
    else if (name !== undefined && (kind === 'i' || kind === 'o' || kind === 'e')) tokens.push({ kind, name })
  }
  text += plain(format, format.slice(end))
  if (text !== '') tokens.push(text)
  if (!tokens.some((token) => typeof token === 'object')) throw invalid(format, 'it has no atom')
  return tokens
}

function atomOf({ kind, name }: Exclude<AccessToken, string>): Atom {
  // Only atoms that there are have become tokens.
  return kind === 'atom' ? (ATOMS[name] ?? { own: () => '-' }) : namedAtom(kind, name)
}

/** Text between atoms; a lone percent sign is an atom that was misspelt. */
function plain(format: string, text: string): string {
  if (text.includes('%')) throw invalid(format, `${quote(text.slice(text.indexOf('%'), text.indexOf('%') + 12))} is no atom`)
  return text
}

function invalid(format: string, why: string): TsgiError {
  return new TsgiError(
    'TSGI_ERR_OPTION',
    `--access-log-format is ${quote(format)}, but takes common, combined, json, or atoms such as %(h)s, %(r)s and %({referer}i)s: ${why}`,
  )
}

const HOST = fieldName('host')
const REFERER = fieldName('referer')
const USER_AGENT = fieldName('user-agent')

/** One object a line, its members always the same. What there is none of is null. */
const jsonFormat: AccessFormat = (entry, elapsedMs) =>
  `{"time":"${isoTime(Date.now())}","remote_addr":${orNull(entry.remoteAddress)},"user":${orNull(userOf(entry))},` +
  `"method":${jsonString(entry.method)},"path":${jsonString(pathOf(entry.target))},"query":${orNull(queryOf(entry.target))},` +
  `"protocol":${jsonString(entry.protocol)},"host":${orNull(entry.requestField(HOST))},` +
  `"status":${entry.status},"bytes":${entry.bodyBytes},"duration_s":${(elapsedMs / 1000).toFixed(6)},` +
  `"referer":${orNull(entry.requestField(REFERER))},"user_agent":${orNull(entry.requestField(USER_AGENT))},` +
  `"request_id":${orNull(entry.variable('TSGI_REQUEST_ID'))},"pid":${process.pid}}`

function orNull(value: string | undefined): string {
  return value === undefined || value === '' ? 'null' : jsonString(value)
}
