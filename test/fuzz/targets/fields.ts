import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { decodePath, splitTarget, stripAuthority, targetUnderMount } from '../../../src/gateway/request-target.ts'
import { checkResponseHead } from '../../../src/gateway/response-head.ts'
import { quote, TsgiError } from '../../../src/interface/errors.ts'
import { fieldEscape, jsonString } from '../../../src/logging/access-value.ts'
import { parseContentLength } from '../../../src/protocol/content-length.ts'
import { addressOf, listOf, parseForwarded } from '../../../src/server/forwarded-header.ts'
import { TrustedProxies } from '../../../src/server/trusted-proxies.ts'
import { encodePath } from '../../../src/toolkit/encode-path.ts'
import { parseParameters, quoteValue, splitList, unquote } from '../../../src/toolkit/field-list.ts'
import {
  Accept,
  Authorization,
  CacheControl,
  ContentRange,
  escapeHtml,
  ETags,
  Headers,
  httpDate,
  HTTPException,
  IfRange,
  parseDate,
  Range,
  Request,
  safeJoin,
  secureFilename,
  SignedCookies,
} from '../../../src/toolkit/index.ts'
import { parseMediaType } from '../../../src/toolkit/media-type.ts'
import { setCookieField } from '../../../src/toolkit/set-cookie.ts'
import { environOf } from '../../toolkit/called.ts'
import { latin1, latin1Text } from '../../wire/bytes.ts'
import { foundBytes } from '../seeds.ts'
import { Finding } from '../target.ts'
import type { Target } from '../target.ts'

const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/

function expectTrue(holds: boolean, what: string): void {
  if (!holds) throw new Finding(what)
}

/** What `make` gives; undefined where it throws what it may. */
function unless<T>(allowed: (error: unknown) => boolean, make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    if (!allowed(error)) throw error
    return undefined
  }
}

const isCoded =
  (...codes: string[]) =>
  (error: unknown): boolean =>
    error instanceof TsgiError && codes.includes(error.code)
const isStatus =
  (...statuses: number[]) =>
  (error: unknown): boolean =>
    error instanceof HTTPException && statuses.includes(error.status)

/** What is read, written and read again is the same. */
function readsAgain<T extends { toString(): string }>(name: string, parse: (text: string) => T | undefined, text: string): void {
  const first = parse(text)
  if (first === undefined) return
  const written = first.toString()
  expectTrue(isDeepStrictEqual(parse(written), first), `${name}: ${JSON.stringify(written)} reads as another one`)
}

const COOKIES = new SignedCookies({ keys: ['k'.repeat(32)] })
const ESCAPES = [fieldEscape(true, '"'), fieldEscape(false, ']')]

function checkToolkitFields(text: string): void {
  readsAgain('Range', (each) => Range.parse(each), text)
  readsAgain('Content-Range', (each) => ContentRange.parse(each), text)
  readsAgain('ETags', (each) => ETags.parse(each), text)
  readsAgain('If-Range', (each) => IfRange.parse(each), text)
  readsAgain('Authorization', (each) => Authorization.parse(each), text)
  const control = new CacheControl(text).toString()
  expectTrue(new CacheControl(control).toString() === control, 'Cache-Control reads as another one')
  const date = parseDate(text)
  expectTrue(date === undefined || parseDate(httpDate(date))?.getTime() === date.getTime(), 'a date reads as another one')
  const range = Range.parse(text)?.rangeForLength(1000)
  expectTrue(
    range === undefined || (range[0] >= 0 && range[0] < range[1] && range[1] <= 1000),
    'a range outside of what there is',
  )
  for (const kind of ['type', 'language', 'encoding', 'charset'] as const) {
    const accept = new Accept(kind, text)
    const choices = ['text/html', 'application/json', 'en', 'gzip', 'utf-8']
    expectTrue([undefined, ...choices].includes(accept.bestMatch(choices)), 'a choice that was not offered')
    expectTrue(Array.isArray(accept.preferred), 'no list')
  }
  const { type } = parseMediaType(text)
  expectTrue(type === type.toLowerCase(), 'a type in capitals')
  expectTrue(unquote(quoteValue(text)) === text, 'a quoted value reads as another one')
  expectTrue(splitList(quoteValue(text)).length <= 1, 'a quoted value falls into pieces')
  expectTrue(
    [...parseParameters(text).keys()].every((name) => name !== ''),
    'a parameter without a name',
  )
}

function checkRequestHead(text: string): void {
  const environ = environOf({
    HTTP_COOKIE: text,
    QUERY_STRING: text,
    HTTP_HOST: text,
    PATH_INFO: text,
    HTTP_X_FORWARDED_FOR: text,
  })
  const request = new Request(environ)
  expectTrue(
    [...request.cookies].every(([name]) => !name.includes(';')),
    'two cookies in one',
  )
  expectTrue(
    [...request.args].every(([name, value]) => typeof name === 'string' && typeof value === 'string'),
    'no text',
  )
  const host = unless(isStatus(400), () => request.host)
  expectTrue(host === undefined || !/[^\w.:[\]-]/.test(host), 'a host with more in it')
  const url = unless(isStatus(400), () => request.url)
  expectTrue(url === undefined || (/^[\x21-\x7e]+$/.test(url) && url.startsWith('http://')), 'a URL with more in it')
  expectTrue(
    request.accessRoute.every((each) => !each.includes(',')),
    'a list in a list',
  )
  const field = unless(isCoded('TSGI_ERR_HEADER_INVALID'), () => setCookieField('c', text))
  if (field === undefined) return
  expectTrue(/^c=[\x21-\x3a\x3c-\x7e]*; Path=\/$/.test(field), 'a cookie with more in it')
  const back = new Request(environOf({ HTTP_COOKIE: field.split(';')[0] })).cookies.get('c')
  expectTrue(back === text, 'a cookie reads as another one')
  expectTrue(COOKIES.unsign('c', text) === undefined, 'a cookie that nobody has signed')
  expectTrue(
    COOKIES.unsign('c', COOKIES.sign('c', text)) === (text.length < 2000 ? text : COOKIES.unsign('c', COOKIES.sign('c', text))),
    'a signed cookie reads as another one',
  )
}

function checkForwarded(text: string): void {
  for (const hop of parseForwarded(text) ?? []) expectTrue(hop.address === undefined || isIP(hop.address) > 0, 'no address')
  const address = addressOf(text)
  expectTrue(address === undefined || isIP(address) > 0, 'no address')
  expectTrue(
    listOf(text).every((each) => !each.includes(',')),
    'a list in a list',
  )
  for (const header of ['X-Forwarded-For', 'Forwarded']) {
    const headers = { forwarded: text, 'x-forwarded-for': text, 'x-forwarded-proto': text, 'x-forwarded-host': text, host: 'a' }
    const rawHeaders = Object.entries(headers).flat()
    // All of a request that is looked at.
    const request = { headers, rawHeaders } as unknown as IncomingMessage
    new TrustedProxies(['127.0.0.0/8'], header).believe(request, '127.0.0.1', 80)
    const told = request.headers['x-forwarded-for']
    expectTrue(typeof told === 'string' && isIP(told) > 0, 'a client without an address')
    expectTrue(!CONTROL.test(String(request.headers.host)) && !String(request.headers.host).includes('/'), 'no host')
  }
}

function checkTargets(text: string): void {
  const { path, query } = splitTarget(stripAuthority(text))
  expectTrue(!path.includes('?') && !path.includes('#') && !query.includes('#'), 'a target cut at another place')
  expectTrue(decodePath(path).length <= path.length, 'a path that grows')
  const below = targetUnderMount(text, '/app')
  expectTrue(below === undefined || below.startsWith('/'), 'a target that does not begin with a slash')
  const ascii = text.replace(/[\x80-\xff]/g, '')
  expectTrue(decodePath(encodePath(ascii)) === ascii, 'a path reads as another one')
  const joined = safeJoin('/srv/files', text)
  expectTrue(joined === undefined || /^\/srv\/files(?:\/|$)/.test(joined), 'a path that leads out')
  const name = secureFilename(text)
  expectTrue(/^[A-Za-z0-9_.-]{0,255}$/.test(name) && !name.startsWith('.'), 'a name that is none')
}

function checkOutput(text: string): void {
  const refused = isCoded('TSGI_ERR_HEADER_INVALID', 'TSGI_ERR_STATUS_INVALID')
  for (const make of [
    () => checkResponseHead('200 OK', [['X-A', text]]),
    () => checkResponseHead('200 OK', [[text, 'v']]),
    () => checkResponseHead(text, []),
    () => checkResponseHead('200 OK', [['Content-Length', text]]),
  ]) {
    const head = unless(refused, make)
    if (head === undefined) continue
    expectTrue(!CONTROL.test(head.status) && head.statusCode >= 200 && head.statusCode < 600, 'a status with more in it')
    expectTrue(head.fields === '' || /^[^\r\n\0]+\r\n$/.test(head.fields), 'a field with more in it')
  }
  const headers = unless(refused, () => new Headers([['X-A', text]]))
  expectTrue(headers === undefined || !CONTROL.test(headers.get('X-A', '')), 'a field with more in it')
  const length = unless(isCoded('TSGI_ERR_CONTENT_LENGTH'), () => parseContentLength(text))
  expectTrue(length === undefined || Number.isSafeInteger(length), 'no length')
  expectTrue(!/[<>"]/.test(escapeHtml(text)), 'HTML')
  expectTrue(!/[\0-\x1f\x7f-\x9f]/.test(quote(text)), 'a control character in a log')
  for (const escape of ESCAPES) expectTrue(/^[\x20-\x7e]*$/.test(escape(text)), 'a control character in a log')
  expectTrue(JSON.parse(jsonString(text)) === text || text.length > 8000, 'JSON reads as another one')
}

const WORDS = [
  'bytes=0-499', 'bytes=-1', 'bytes 0-1/2', 'W/"a"', '"a", W/"b"', '*', 'Basic YTpi', 'Bearer x', 'Digest realm="a\\"b", nc=1', 'max-age=1, no-cache="a, b"',
  'Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994', 'text/html;q=0.5, */*;q=0.1', 'gzip;q=1.0, identity; q=0.5, *;q=0',
  'for=192.0.2.1;proto=https, for="[2001:db8::1]:80"', '192.0.2.1, [::1]:80, unknown', 'a=b; c="d e"; __proto__=x', 'multipart/form-data; boundary="a b"', '/a%2Fb/../c?d#e',
  'http://a/b', '/app/x', '..\\..', 'C:', '%c0%ae', '\xc3\xa4', ', ', '; ', '=', '"', '\\', '%', '%00', '\r\n', '\0', '    ', 'q=', 'COM1.txt', '[::1]:80', '::ffff:1.2.3.4',
] // prettier-ignore

export const FIELDS: Target = {
  name: 'fields',
  share: 10,
  covers: [
    'toolkit/',
    'server/forwarded-header',
    'server/trusted-proxies',
    'gateway/request-target',
    'gateway/response-head',
    'logging/access-value',
  ],
  dictionary: WORDS,
  seeds: [...WORDS.map(latin1), ...foundBytes('fields')],
  run: (input) => {
    // No header is longer.
    const text = latin1Text(input.subarray(0, 16_384))
    checkToolkitFields(text)
    checkRequestHead(text)
    checkForwarded(text)
    checkTargets(text)
    checkOutput(text)
  },
}
