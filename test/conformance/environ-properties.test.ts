import fc from 'fast-check'
import { expect, it } from 'vitest'
import { application as echoEnviron } from '../fixtures/apps/echo-environ.ts'
import { FastcgiPeer } from '../wire/fastcgi-peer.ts'
import * as wire from '../wire/fastcgi.ts'
import { DIRECT_WAYS, over } from './bench.ts'

/** How often each request is sent: a server that remembers what it has seen does so by then. */
const TIMES = 20

/** Header fields that may come several times, dropped ones and names that would break a program they were pasted into. */
const FIELDS = [
  'HTTP_ACCEPT',
  'HTTP_COOKIE',
  'HTTP_X_A',
  'HTTP_X_B',
  'HTTP_PROXY',
  'HTTP_TE',
  'HTTP_CONNECTION',
  'HTTP_EXPECT',
  'HTTP_CONTENT_LENGTH',
  'HTTP_CONTENT_TYPE',
  'HTTP_TRANSFER_ENCODING',
  'HTTP_X-DASH',
  'HTTP_\xe4',
  'HTTP_',
  'HTTP_"]:[',
  'HTTP_\u0000',
]
const DROPPED = new Set([
  'HTTP_PROXY',
  'HTTP_TE',
  'HTTP_CONNECTION',
  'HTTP_EXPECT',
  'HTTP_CONTENT_LENGTH',
  'HTTP_CONTENT_TYPE',
  'HTTP_TRANSFER_ENCODING',
])

/** Variables of a proxy: each comes once. */
const OTHERS = [
  'REMOTE_USER',
  'MY_SETTING',
  'a-b',
  'x y',
  '"',
  "'",
  '\\',
  '${x}',
  '`',
  '];process.exit(1);[',
  'caf\xe9',
  '1',
  '01',
]

const value = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '"', '\\', '\xe9', '\n', ','), maxLength: 6 })

const paramsArbitrary = fc
  .record({
    core: fc.shuffledSubarray(
      ['REQUEST_METHOD', 'REQUEST_URI', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL', 'CONTENT_TYPE', 'CONTENT_LENGTH'],
      { minLength: 7 },
    ),
    fields: fc.array(fc.tuple(fc.constantFrom(...FIELDS), value), { maxLength: 8 }),
    others: fc.uniqueArray(fc.tuple(fc.constantFrom(...OTHERS), value), { maxLength: 5, selector: ([name]) => name }),
    type: fc.constantFrom('', 'text/plain'),
    length: fc.constantFrom('', '0'),
  })
  .chain(({ core, fields, others, type, length }) => {
    const known: Record<string, string> = {
      REQUEST_METHOD: 'GET',
      REQUEST_URI: '/a%2Fb?c',
      SERVER_NAME: 'tsgi.test',
      SERVER_PORT: '80',
      SERVER_PROTOCOL: 'HTTP/1.1',
      CONTENT_TYPE: type,
      CONTENT_LENGTH: length,
    }
    const pairs = [...core.map((name): [string, string] => [name, known[name] ?? '']), ...fields, ...others]
    return fc.shuffledSubarray(pairs, { minLength: pairs.length })
  })

/** The variables that an application must see: RFC 3875 and the rules of this server, said a second time. */
function expectedVariables(pairs: readonly (readonly [string, string])[]): Map<string, string> {
  const variables = new Map<string, string>()
  for (const [name, text] of pairs) {
    if (DROPPED.has(name)) continue
    if ((name === 'CONTENT_TYPE' || name === 'CONTENT_LENGTH') && text === '') continue
    const before = variables.get(name)
    if (before === undefined || !name.startsWith('HTTP_')) variables.set(name, text)
    else variables.set(name, before + (name === 'HTTP_COOKIE' ? '; ' : ', ') + text)
  }
  variables.set('SCRIPT_NAME', '')
  variables.set('PATH_INFO', '/a/b')
  variables.set('QUERY_STRING', 'c')
  return variables
}

over(
  DIRECT_WAYS.filter(({ wire: spoken }) => spoken === 'fastcgi'),
  'the environ of any request',
  (bench) => {
    it('is what its variables say, the first time and the twentieth', async () => {
      bench.use(echoEnviron)
      const peer = await FastcgiPeer.open(bench.address)
      await fc.assert(
        fc.asyncProperty(paramsArbitrary, async (pairs) => {
          const request = wire.fastcgiRequest(1, pairs.flat(), new Uint8Array(0), { keep: true })
          const expected = expectedVariables(pairs)
          for (let time = 1; time <= TIMES; time++) {
            await peer.send(request)
            const { stdout } = await peer.reply(1)
            const body = Buffer.from(stdout.slice(stdout.indexOf('\r\n\r\n') + 4), 'latin1').toString('utf8')
            expect(stdout).toMatch(/^Status: 200 /)
            const environ = JSON.parse(body) as Record<string, unknown>
            const variables = Object.entries(environ).filter(([name]) => !name.startsWith('tsgi.'))
            expect(new Map(variables), `request ${time}`).toEqual(expected)
          }
          peer.forget()
        }),
        { numRuns: 60, seed: 20_140_406 },
      )
      peer.leave()
    })
  },
)
