import { quote } from '../../interface/errors.ts'
import type { RuleId } from './rules.ts'

type Found = (rule: RuleId, seen: string, expected: string) => void

/** What the rest of the response has to agree with. */
export interface SeenHead {
  /** 0 where the status is none. */
  readonly statusCode: number
  readonly hasContentType: boolean
  /** -1 where there is none that could be kept to. */
  readonly contentLength: number
}

const STATUS = /^[2-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?$/
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const ETAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/

const SERVERS = ['connection', 'keep-alive', 'status', 'te', 'trailer', 'transfer-encoding', 'upgrade']

/** Fields whose values are no lists: of two, every client takes another one. */
const SINGLE = [
  'content-type',
  'date',
  'etag',
  'expires',
  'age',
  'last-modified',
  'location',
  'retry-after',
  'server',
  'content-range',
]

/** What describes a content that a 304 does not have (RFC 9110, section 15.4.5). */
const OF_CONTENT = ['allow', 'content-encoding', 'content-language', 'content-md5', 'content-range']

/** Status and header fields as an application has given them. */
export function checkHead(status: unknown, headers: unknown, found: Found): SeenHead {
  const statusCode = checkStatus(status, found)
  if (!Array.isArray(headers)) {
    found('1.11', `the headers are ${quote(headers)}`, 'a list of [name, value]')
    return { statusCode, hasContentType: true, contentLength: -1 }
  }
  const seen = new Map<string, string>()
  for (const pair of headers as readonly unknown[]) {
    const field = fieldOf(pair, found)
    if (field !== undefined) checkField(field, seen, statusCode, found)
  }
  const length = seen.get('content-length') ?? ''
  return { statusCode, hasContentType: seen.has('content-type'), contentLength: /^\d{1,15}$/.test(length) ? Number(length) : -1 }
}

function checkStatus(status: unknown, found: Found): number {
  if (typeof status !== 'string' || !STATUS.test(status)) {
    found('1.9', `the status is ${quote(status)}`, 'text such as "200 OK", from 200 to 599')
    return 0
  }
  if (status.slice(4).trim() === '') found('1.10', `the status is ${quote(status)}`, 'a reason behind the number')
  return Number(status.slice(0, 3))
}

function fieldOf(pair: unknown, found: Found): [name: string, value: string] | undefined {
  const isPair = Array.isArray(pair) && pair.length === 2 && pair.every((each) => typeof each === 'string')
  if (!isPair) {
    found(
      '1.11',
      `a header is ${Array.isArray(pair) ? `[${pair.map(quote).join(', ')}]` : quote(pair)}`,
      '[name, value], two texts',
    )
    return undefined
  }
  // It has just been looked at.
  const [name, value] = pair as [string, string]
  if (!TOKEN.test(name)) found('1.12', `a header has the name ${quote(name)}`, 'a token (RFC 9110, section 5.6.2)')
  if (!VALUE.test(value)) {
    found('1.13', `the header ${quote(name)} has the value ${quote(value)}`, 'latin-1 without control characters but the tab')
  }
  return [name, value]
}

function checkField([written, value]: [string, string], seen: Map<string, string>, statusCode: number, found: Found): void {
  const name = written.toLowerCase()
  const again = seen.has(name)
  if (SERVERS.includes(name) || name.startsWith('proxy-')) {
    found('1.6', `there is a header ${quote(written)}`, 'it to be left to the server')
  }
  if (again && SINGLE.includes(name)) found('1.21', `the header ${quote(written)} is there twice`, 'one')
  if (name === 'content-length') {
    if (!/^\d{1,15}$/.test(value)) found('1.18', `Content-Length is ${quote(value)}`, 'digits')
    else if (again) found('1.18', 'Content-Length is there twice', 'one')
    if (statusCode === 204) found('1.18', 'Content-Length is there with the status 204', 'none')
  }
  if (name === 'etag' && !ETAG.test(value)) found('1.20', `ETag is ${quote(value)}`, '"…" or W/"…", with the quotes')
  if (name === 'content-type' && (statusCode === 204 || statusCode === 304)) {
    found('1.15', `Content-Type is there with the status ${statusCode}`, 'none')
  }
  if (statusCode === 304 && OF_CONTENT.includes(name)) {
    found('1.17', `there is ${quote(written)} with the status 304`, 'what describes a content to be left out')
  }
  if (!again) seen.set(name, value)
}
