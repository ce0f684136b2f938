import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EVERY_WAY } from '../conformance/bench.ts'
import { latin1, pattern } from '../wire/bytes.ts'
import { exchange, type Answer } from '../wire/exchange.ts'
import type { WireRequest } from '../wire/request.ts'
import { overFetch, type Fetch } from './served.ts'

// A module of JavaScript, which a process without a loader runs too.
const { everything } = (await import(new URL('fixtures/everything.mjs', import.meta.url).href)) as { everything: Fetch }

const JSON_BODY = { headers: [['Content-Type', 'application/json']], body: Buffer.from('{"ä":[1,null]}') } as const
const FORM = Buffer.from(
  [
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n',
    '--b\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\nContent-Type: text/x\r\n\r\nfile\r\n',
    '--b--\r\n',
  ].join(''),
)

const REQUESTS: readonly WireRequest[] = [
  ...[
    '/text',
    '/empty',
    '/nothing',
    '/null',
    '/html',
    '/json',
    '/json-status',
    '/bytes',
    '/buffer',
    '/blob',
    '/params',
    '/stream',
    '/stream-length',
    '/stream-at-once',
    '/sse',
    '/later',
    '/cookies',
    '/cookies-behind',
    '/headers-pairs',
    '/headers-latin',
    '/headers-changed',
    '/redirect',
    '/redirect-by-hand',
    '/created',
    '/no-content',
    '/not-modified',
    '/reset-content',
    '/not-found',
    '/teapot',
    '/unknown-status',
    '/throws',
    '/rejects',
    '/body-again',
    '/clone',
    '/body-null',
    '/echo-text',
    '/constants',
    '/instance',
    '/new-request',
    '/large',
    '/a/b%20c/%E2%82%AC?q=1&q=2',
    '/a/../b',
    '/a/%2e%2e/b',
    '//double//slash',
    '/?',
    '/%7Etilde/',
    '/a?b?c=/d',
  ].map((target) => ({ target })),
  ...['/text', '/bytes', '/json', '/not-found', '/no-content'].map((target) => ({ method: 'HEAD', target })),
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'].map((method) => ({ method, target: '/url' })),
  {
    target: '/fields',
    headers: [
      ['Accept', 'a/b'],
      ['X-A', '1'],
      ['X-A', '2'],
      ['X-B', 'caf\xe9'],
      ['Cookie', 'a=1; b=2'],
    ],
  },
  {
    target: '/get-field',
    headers: [
      ['X-A', 'a'],
      ['X-B', ''],
    ],
  },
  { method: 'POST', target: '/fields', ...JSON_BODY },
  { method: 'POST', target: '/echo-text', ...JSON_BODY },
  { method: 'POST', target: '/echo-text', body: Buffer.from('\ufeffmarked \xff') },
  { method: 'POST', target: '/echo-text', length: 0 },
  { method: 'POST', target: '/echo-json', ...JSON_BODY },
  { method: 'PUT', target: '/echo-bytes', body: pattern(70_000) },
  { method: 'POST', target: '/echo-blob', ...JSON_BODY },
  { method: 'POST', target: '/echo-form', headers: [['Content-Type', 'multipart/form-data; boundary=b']], body: FORM },
  {
    method: 'POST',
    target: '/echo-form',
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: latin1('a=1+2&b=%C3%A4'),
  },
  { method: 'POST', target: '/echo-stream', body: pattern(200_000) },
  { method: 'POST', target: '/echo-direct', headers: [['Content-Type', 'text/x']], body: latin1('direct') },
  { method: 'POST', target: '/body-twice', body: latin1('twice') },
  { method: 'POST', target: '/new-request', headers: [['X-A', '1']], body: latin1('new') },
  { method: 'POST', target: '/text', body: pattern(100_000) },
]

/** Said of the connection, not of the response; and what a proxy says of itself. */
const OF_CONNECTION = new Set(['connection', 'date', 'keep-alive', 'server', 'transfer-encoding'])

/**
 * What is compared. These differences are meant:
 * - a text without a type is `text/plain;charset=UTF-8`, as the standard writes it; @hono/node-server puts a space in it;
 * - no body has a length of 0 here and is sent in no chunks there; a short stream has a length here where it is there at once;
 * - a field value beyond ASCII is latin-1 here, whatever the body; Node writes it as UTF-8 beside a body that is a string;
 * - an application that fails is answered with the words of the status here, with nothing there.
 */
function compared(answer: Answer, target: string): unknown {
  if (/^\/(?:throws|rejects)$/.test(target)) return answer.status
  const headers = answer.headers
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => !OF_CONNECTION.has(name))
    .filter(([name, value]) => name !== 'content-length' || !(value === '0' || STREAMED.test(target)))
    .map(([name, value]) => `${name}: ${name === 'content-type' ? value.replace(/;\s*/, ';') : value}`)
  return { status: answer.status, state: answer.state, headers: headers.sort(), body: answer.text }
}

const STREAMED = /^\/(?:stream|sse|stream-at-once|echo-direct|params)$/

let child: ChildProcess
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tsgi-node-server-'))
  const script = fileURLToPath(new URL('fixtures/node-server.mjs', import.meta.url))
  child = fork(script, [join(directory, 'socket')], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] })
  await once(child, 'message')
})
afterAll(async () => {
  const exited = once(child, 'exit')
  child.kill()
  await exited
  await rm(directory, { recursive: true, force: true })
})

overFetch(EVERY_WAY, 'the same as on @hono/node-server', (bench, use) => {
  it.each(REQUESTS.map((request, index) => [index, request.method ?? 'GET', request.target ?? '/'] as const))(
    '%i: %s %s',
    async (index, _method, target) => {
      const request = REQUESTS[index] ?? {}
      use(everything)
      const theirs = await exchange({ type: 'unix', path: join(directory, 'socket') }, 'http', request)
      const ours = await bench.send(request)
      expect(compared(ours, target)).toEqual(compared(theirs, target))
    },
  )
})
