import { concat, latin1Text } from '../../wire/bytes.ts'
import type { SentRequest } from './request.ts'

/** More than one space does not make the line another one; readers may take them (section 3). */
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +([\x21-\x7e\x80-\xff]+) +HTTP\/1\.([01])$/
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)$/
const CHUNK_LINE = /^(0*[0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/

interface Read {
  readonly body: Uint8Array
  /** Where the next request begins, undefined: the body is not all there, or its end is not to be known. */
  readonly end: number | undefined
}

/**
 * Every request of an HTTP/1.1 connection that can be read in one way only (RFC 9112); the first that cannot is the end. `params`
 * are REQUEST_METHOD, REQUEST_URI and the header fields, `HTTP_…`, those of a name joined.
 */
export function httpSent(input: Uint8Array): SentRequest[] {
  const requests: SentRequest[] = []
  const text = latin1Text(input)
  let at: number | undefined = 0
  while (at !== undefined) {
    // Empty lines in front of a request are read over (section 2.2).
    while (text[at] === '\r' || text[at] === '\n') at++
    const head: number = text.indexOf('\r\n\r\n', at)
    if (head === -1) break
    const lines: string[] = text.slice(at, head).split('\r\n')
    const [line = '', ...fieldLines] = lines
    const [, method = '', target = '', minor] = REQUEST_LINE.exec(line) ?? []
    const fields = new Map<string, string[]>()
    for (const fieldLine of fieldLines) {
      const [, name, value = ''] = FIELD_LINE.exec(fieldLine) ?? []
      if (name === undefined) return requests
      fields.set(name.toLowerCase(), [...(fields.get(name.toLowerCase()) ?? []), trimmed(value)])
    }
    if (method === '') break
    const read = bodyOf(input, text, head + 4, fields, minor === '1')
    if (read === undefined) break
    // Names with an underscore would become variables of others, and are dropped, as proxies do.
    const known = [...fields].filter(([name]) => !name.includes('_'))
    const variables = known.flatMap(([name, values]) => [
      `HTTP_${name.toUpperCase().replaceAll('-', '_')}`,
      values.join(name === 'cookie' ? '; ' : ', '),
    ])
    requests.push({
      params: ['REQUEST_METHOD', method, 'REQUEST_URI', target, ...variables],
      body: read.body,
      complete: read.end !== undefined,
    })
    // What follows is not HTTP.
    at = method === 'CONNECT' ? undefined : read.end
  }
  return requests
}

/** By hand: an expression would try each run of spaces again and again. */
function trimmed(value: string): string {
  let [start, end] = [0, value.length]
  while (value[start] === ' ' || value[start] === '\t') start++
  while (end > start && (value[end - 1] === ' ' || value[end - 1] === '\t')) end--
  return value.slice(start, end)
}

/** Undefined: two readers may read it in two ways, or nobody can. */
function bodyOf(
  input: Uint8Array,
  text: string,
  start: number,
  fields: ReadonlyMap<string, readonly string[]>,
  chunksAllowed: boolean,
): Read | undefined {
  const lengths = fields.get('content-length') ?? []
  const codings = fields.get('transfer-encoding') ?? []
  if (codings.length === 0) {
    if (lengths.length > 1 || !/^[0-9]{1,16}$/.test(lengths[0] ?? '0')) return undefined
    const end = start + Number(lengths[0] ?? 0)
    return { body: input.subarray(start, end), end: end <= input.length ? end : undefined }
  }
  if (lengths.length > 0 || codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked' || !chunksAllowed) return undefined
  return chunksOf(input, text, start)
}

function chunksOf(input: Uint8Array, text: string, start: number): Read {
  const pieces: Uint8Array[] = []
  let at = start
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    const size = lineEnd === -1 ? undefined : CHUNK_LINE.exec(text.slice(at, lineEnd))?.[1]
    if (size === undefined) return { body: concat(pieces), end: undefined }
    at = lineEnd + 2
    const length = Number.parseInt(size, 16)
    if (length === 0) break
    pieces.push(input.subarray(at, at + length))
    at += length
    if (text.slice(at, at + 2) !== '\r\n') return { body: concat(pieces), end: undefined }
    at += 2
  }
  // Trailers, then an empty line.
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    const line = lineEnd === -1 ? undefined : text.slice(at, lineEnd)
    if (line === undefined) return { body: concat(pieces), end: undefined }
    at = lineEnd + 2
    if (line === '') return { body: concat(pieces), end: at }
    if (!FIELD_LINE.test(line)) return { body: concat(pieces), end: undefined }
  }
}
