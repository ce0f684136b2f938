import { stripAuthority } from '../../../src/gateway/request-target.ts'
import type { ClientLimits } from '../../../src/server/client-limits.ts'
import { concat, latin1, latin1Text } from '../../wire/bytes.ts'
import { fastcgiRequest } from '../../wire/fastcgi.ts'
import { httpRequestHead } from '../../wire/request.ts'
import { scgiRequest } from '../../wire/scgi.ts'
import { uwsgiRequest } from '../../wire/uwsgi.ts'
import { fastcgiSent } from '../reference/fastcgi.ts'
import { httpSent } from '../reference/http.ts'
import { valueOf } from '../reference/request.ts'
import type { SentRequest } from '../reference/request.ts'
import { scgiSent } from '../reference/scgi.ts'
import { uwsgiSent } from '../reference/uwsgi.ts'
import { foundBytes, vectorsOf } from '../seeds.ts'
import { Finding, pick } from '../target.ts'
import type { Random, Target } from '../target.ts'
import type { Asked } from './application.ts'
import { LiveServer } from './live.ts'
import type { Kind } from './live.ts'
import { someVariables, VARIABLE_WORDS } from './variables.ts'

/** What the first byte of a connection says that it speaks. */
function sentOn(input: Uint8Array): readonly SentRequest[] {
  const first = input[0] ?? 0
  if (first === 0) return [uwsgiSent(input)].filter((request) => request !== undefined)
  if (first === 1) return fastcgiSent(input).filter(({ role }) => role === 1)
  if (first >= 48 && first <= 57) return [scgiSent(input)].filter((request) => request !== undefined)
  return httpSent(input)
}

/** Each request that the application was asked must be one that was sent, in the order in which they were sent. */
function expectSent(asked: readonly Asked[], sent: readonly SentRequest[]): void {
  let at = 0
  for (const one of asked) {
    const found = sent.findIndex((request, index) => index >= at && isSame(one, request))
    if (found === -1) {
      const body = latin1Text(concat(one.pieces))
      throw new Finding(`a request that was not sent: ${JSON.stringify([strings(one.environ), body, one.complete])}`)
    }
    at = found + 1
  }
}

function isSame({ environ, pieces, complete }: Asked, sent: SentRequest): boolean {
  const read = latin1Text(concat(pieces))
  const body = latin1Text(sent.body)
  if (!body.startsWith(read) || (complete && (!sent.complete || read !== body))) return false
  const method = valueOf(sent.params, 'REQUEST_METHOD')
  // A Request writes the usual methods in capitals.
  const sentMethod = environ.REQUEST_URI === undefined ? method?.toUpperCase() : method
  const toldMethod = environ.REQUEST_URI === undefined ? String(environ.REQUEST_METHOD).toUpperCase() : environ.REQUEST_METHOD
  if (toldMethod !== sentMethod) return false
  const uri = valueOf(sent.params, 'REQUEST_URI') ?? ''
  const told = environ.REQUEST_URI
  // Where a proxy sends none, it is made of SCRIPT_NAME and PATH_INFO; a fetch application is told a URL.
  if (uri !== '' && told !== undefined && told !== uri && told !== stripAuthority(uri)) return false
  return strings(environ).every(([name, value]) => !name.startsWith('HTTP_') || isMadeOf(name, value, sent.params))
}

/** A header field has the values of those that were sent, joined; the server may have put others for what proxies say of clients. */
function isMadeOf(name: string, value: string, params: readonly string[]): boolean {
  if (name === 'HTTP_HOST' || name.startsWith('HTTP_X_FORWARDED_')) return true
  const values = params.filter((_, index) => index % 2 === 1 && params[index - 1] === name)
  return values.join(name === 'HTTP_COOKIE' ? '; ' : ', ') === value
}

function strings(environ: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(environ).filter((pair): pair is [string, string] => typeof pair[1] === 'string')
}

/** Limits of clients as they are without a word, but for one that is met more often when it is small. */
const CLIENTS: ClientLimits = {
  connectionLimit: 100,
  maxTargetBytes: 1000,
  maxHeadBytes: 16_384,
  maxFields: 100,
  headerTimeoutMs: 20_000,
  bodyTimeoutMs: 20_000,
  bodyMaxTimeoutMs: undefined,
  sendTimeoutMs: 20_000,
  keepAliveTimeoutMs: 20_000,
  trustProxy: [],
  trustProxyHeader: 'X-Forwarded-For',
}

const HTTP_WORDS = [
  'GET ', 'POST ', 'HEAD ', 'CONNECT ', ' HTTP/1.1\r\n', ' HTTP/1.0\r\n', ' HTTP/2.0\r\n', '\r\n', '\r\n\r\n', '\n', '\r', '\0',
  'Content-Length: 5\r\n', 'Content-Length: 0\r\n', 'Content-Length: +5\r\n', 'Content-Length: 5, 5\r\n', 'Content-Length : 5\r\n',
  'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n', 'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding:\tchunked\r\n', ' chunked', 'Host: a\r\n', 'X_A: 1\r\n', 'X-Forwarded-For: 1.2.3.4\r\n', 'Expect: 100-continue\r\n',
  'Connection: close\r\n', 'Connection: upgrade\r\nUpgrade: websocket\r\n', 'Connection: Transfer-Encoding\r\n', ' folded\r\n',
  '0\r\n\r\n', '5\r\nhello\r\n', 'ffffffff\r\n', '0x5\r\n', '5;a="b\r\n', 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n', '*', 'http://a/b',
] // prettier-ignore

function someHttp(random: Random): Uint8Array {
  const body = new Uint8Array(random(400)).fill(98)
  const chunked = random(2) === 0
  const head = httpRequestHead({
    method: pick(random, ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS']),
    target: pick(random, ['/', '/a?b', '/%2e', '/read', '/x/y/z']),
    ...(random(2) === 0 ? {} : chunked ? { length: 'chunked' as const } : { body }),
  })
  if (!head.includes('chunked')) return head.includes('Content-Length') ? concat([latin1(head), body]) : latin1(head)
  return concat([latin1(`${head}${body.length.toString(16)}\r\n`), body, latin1('\r\n0\r\n\r\n')])
}

function someOfAny(random: Random): Uint8Array {
  const { params, body } = someVariables(random)
  return pick(random, [someHttp, () => uwsgiRequest(params, body), () => fastcgiRequest(1, params, body)])(random)
}

const PROXY_SIDE = ['server/', 'gateway/', 'protocol/']

function liveTarget(
  options: Pick<Target, 'name' | 'share' | 'dictionary' | 'seeds' | 'covers'> & { generate: (random: Random) => Uint8Array },
  clients?: ClientLimits,
  kind: Kind = 'tsgi',
): Target {
  const server = new LiveServer(kind, clients)
  return {
    ...options,
    start: () => server.start(),
    run: async (input) => expectSent(await server.send(input), sentOn(input)),
    stop: () => server.stop(),
  }
}

export const SERVERS: readonly Target[] = [
  liveTarget({
    name: 'live-fastcgi',
    share: 5,
    covers: [...PROXY_SIDE],
    dictionary: [
      ...VARIABLE_WORDS,
      '\x01\x04\x00\x01\x00\x00\x00\x00',
      '\x01\x05\x00\x01\x00\x00\x00\x00',
      '\x01\x02\x00\x01\x00\x00\x00\x00',
    ],
    seeds: [...vectorsOf('fastcgi'), ...foundBytes('live')],
    generate: (random) => {
      const request = (): Uint8Array => {
        const { params, body } = someVariables(random)
        return fastcgiRequest(1 + random(2), params, body, { keep: random(2) === 0 })
      }
      return concat(Array.from({ length: 1 + random(3) }, request))
    },
  }),
  liveTarget({
    name: 'live-uwsgi',
    share: 5,
    covers: [...PROXY_SIDE],
    dictionary: VARIABLE_WORDS,
    seeds: [...vectorsOf('uwsgi'), ...foundBytes('live')],
    generate: (random) => {
      const { params, body } = someVariables(random)
      return uwsgiRequest(params, body)
    },
  }),
  liveTarget({
    name: 'live-scgi',
    share: 5,
    covers: [...PROXY_SIDE],
    dictionary: [...VARIABLE_WORDS, '\x00', ','],
    seeds: [...vectorsOf('scgi'), ...foundBytes('live')],
    generate: (random) => {
      const { params, body } = someVariables(random)
      return scgiRequest(params, body)
    },
  }),
  liveTarget({
    name: 'live-http',
    share: 5,
    covers: [...PROXY_SIDE],
    dictionary: HTTP_WORDS,
    seeds: [...foundBytes('http'), ...foundBytes('live')],
    generate: someHttp,
  }),
  liveTarget(
    {
      name: 'live-clients',
      share: 5,
      covers: [...PROXY_SIDE],
      dictionary: HTTP_WORDS,
      seeds: [...foundBytes('http'), ...foundBytes('live')],
      generate: someHttp,
    },
    CLIENTS,
  ),
  liveTarget(
    {
      name: 'live-node',
      share: 5,
      covers: ['server/', 'gateway/', 'adapters/'],
      dictionary: [...VARIABLE_WORDS, ...HTTP_WORDS],
      seeds: [...vectorsOf('uwsgi'), ...vectorsOf('fastcgi'), ...foundBytes('http'), ...foundBytes('live')],
      generate: someOfAny,
    },
    undefined,
    'node',
  ),
  liveTarget(
    {
      name: 'live-fetch',
      share: 5,
      covers: ['server/', 'gateway/', 'adapters/'],
      dictionary: [...VARIABLE_WORDS, ...HTTP_WORDS],
      seeds: [...vectorsOf('uwsgi'), ...vectorsOf('fastcgi'), ...foundBytes('http'), ...foundBytes('live')],
      generate: someOfAny,
    },
    undefined,
    'fetch',
  ),
]
