import { describe, expect, it } from 'vitest'
import { parseForwarded } from '../../src/server/forwarded-header.ts'
import type { ClientLimits } from '../../src/server/client-limits.ts'
import { ask, direct } from './direct.ts'

/** What an application is told of a client, by both of its kinds. */
async function told(limits: Partial<ClientLimits>, ...fields: string[]): Promise<Record<string, unknown>> {
  const request = `GET /x HTTP/1.1\r\nHost: inner.test\r\nConnection: close\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`
  const tsgi = await direct((environ, startResponse) => {
    startResponse('200 OK', [])
    const { REMOTE_ADDR: address, HTTP_HOST: host, SERVER_PORT: port } = environ
    const forwarded = Object.keys(environ).filter((name) => /FORWARDED|REAL_IP/.test(name))
    return JSON.stringify({ address, host, port, scheme: environ['tsgi.url_scheme'], forwarded })
  }, limits)
  const node = await direct(
    {
      listener: ({ socket, headers }, response) => {
        const forwarded = Object.entries(headers).filter(([name]) => /forwarded|real-ip/.test(name))
        response.end(
          JSON.stringify({
            address: socket.remoteAddress?.replace(/^::ffff:/, ''),
            host: headers.host,
            scheme: 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http',
            forwarded: Object.fromEntries(forwarded),
          }),
        )
      },
    },
    limits,
  )
  const [a, b] = await Promise.all(
    [tsgi, node].map(
      async ({ port }) =>
        JSON.parse((await ask(port, request)).split('\r\n\r\n')[1]?.match(/\{.*\}/s)?.[0] ?? '') as Record<string, unknown>,
    ),
  )
  const { forwarded: names, ...seen } = a ?? {}
  const { forwarded, ...seenByNode } = b ?? {}
  expect(seenByNode).toEqual({ address: seen.address, host: seen.host, scheme: seen.scheme })
  return { ...seen, headers: forwarded, names }
}

const ALL = [
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: outer.test',
  'X-Forwarded-Port: 8443',
  'Forwarded: for=192.0.2.9;proto=https',
]

describe('what a client says about itself', () => {
  it('is dropped where nobody is trusted', async () => {
    const seen = await told({}, ...ALL)
    expect(seen).toMatchObject({ address: '127.0.0.1', host: 'inner.test', scheme: 'http', headers: {}, names: [] })
  })

  it('is dropped where somebody else is trusted, and so is a header of another name', async () => {
    const seen = await told({ trustProxy: ['10.0.0.0/8'], trustProxyHeader: 'X-Real-IP' }, ...ALL, 'X-Real-IP: 192.0.2.1')
    expect(seen).toMatchObject({ address: '127.0.0.1', host: 'inner.test', scheme: 'http', headers: {}, names: [] })
  })

  it('is a line in the log, once for each peer', async () => {
    const { port, log } = await direct({ listener: (_request, response) => void response.end() })
    for (let i = 0; i < 3; i++)
      await ask(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n')
    expect(log.entries.map(({ message }) => message).filter((message) => message.includes('--trust-proxy'))).toHaveLength(1)
  })
})

describe('what a trusted proxy says', () => {
  const LOCAL = { trustProxy: ['127.0.0.0/8'] }
  const CHAIN = { trustProxy: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'] }

  it('is believed: address, scheme, host and port', async () => {
    const seen = await told(LOCAL, ...ALL)
    expect(seen).toMatchObject({ address: '192.0.2.1', host: 'outer.test', port: '8443', scheme: 'https' })
    expect(seen.headers).toEqual({
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'outer.test',
      'x-forwarded-port': '8443',
    })
  })

  it.each<[string, Partial<ClientLimits>, string[], Record<string, string>]>([
    ['the last address is the client', LOCAL, ['X-Forwarded-For: 6.6.6.6, 192.0.2.1'], { address: '192.0.2.1' }],
    [
      'other trusted proxies are passed over',
      CHAIN,
      ['X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.1.2.3, fd00::1'],
      { address: '192.0.2.1' },
    ],
    [
      'several fields are one list',
      CHAIN,
      ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 192.0.2.1, 10.1.2.3'],
      { address: '192.0.2.1' },
    ],
    ['where all are trusted, it is the first', CHAIN, ['X-Forwarded-For: 10.0.0.9, 10.1.2.3'], { address: '10.0.0.9' }],
    ['what is no address ends the chain', CHAIN, ['X-Forwarded-For: 192.0.2.1, unknown, 10.1.2.3'], { address: '10.1.2.3' }],
    ['nonsense is the proxy itself', LOCAL, ['X-Forwarded-For: <script>'], { address: '127.0.0.1' }],
    ['nothing is the proxy itself', LOCAL, ['X-Forwarded-Proto: https'], { address: '127.0.0.1', scheme: 'https', port: '443' }],
    ['a port is cut off', LOCAL, ['X-Forwarded-For: 192.0.2.1:1234'], { address: '192.0.2.1' }],
    ['IPv6 in brackets', LOCAL, ['X-Forwarded-For: [2001:db8::1]:1234'], { address: '2001:db8::1' }],
    ['IPv4 within IPv6', LOCAL, ['X-Forwarded-For: ::ffff:192.0.2.1'], { address: '192.0.2.1' }],
    ['one of two proxies', { trustProxy: ['1'] }, ['X-Forwarded-For: 6.6.6.6, 192.0.2.1'], { address: '192.0.2.1' }],
    ['two proxies', { trustProxy: ['2'] }, ['X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1'], { address: '192.0.2.1' }],
    ['more proxies than there are', { trustProxy: ['5'] }, ['X-Forwarded-For: 192.0.2.1, 10.0.0.1'], { address: '192.0.2.1' }],
    [
      'what stands beside the client in other lists is the client’s',
      { trustProxy: ['2'] },
      [
        'X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1',
        'X-Forwarded-Proto: http, https, http',
        'X-Forwarded-Host: evil.test, outer.test, inner.test',
      ],
      { address: '192.0.2.1', scheme: 'https', host: 'outer.test' },
    ],
    [
      'a scheme and a host that are none are left',
      LOCAL,
      ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: javascript', 'X-Forwarded-Host: a/b', 'X-Forwarded-Port: x'],
      { address: '192.0.2.1', scheme: 'http', host: 'inner.test' },
    ],
    [
      'another header',
      { ...LOCAL, trustProxyHeader: 'CF-Connecting-IP' },
      ['CF-Connecting-IP: 192.0.2.1', 'X-Forwarded-For: 6.6.6.6'],
      { address: '192.0.2.1' },
    ],
    [
      'Forwarded',
      { ...CHAIN, trustProxyHeader: 'Forwarded' },
      [
        'Forwarded: for=6.6.6.6, for=192.0.2.1;proto=https;host="outer.test:8443";by=10.0.0.1, for="[fd00::1]:99"',
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-Port: 1',
      ],
      { address: '192.0.2.1', scheme: 'https', host: 'outer.test:8443', port: '8443' },
    ],
    [
      'Forwarded that is malformed',
      { ...LOCAL, trustProxyHeader: 'Forwarded' },
      ['Forwarded: for=192.0.2.1;;proto'],
      { address: '127.0.0.1', scheme: 'http' },
    ],
  ])('%s', async (_name, limits, fields, expected) => {
    expect(await told(limits, ...fields)).toMatchObject(expected)
  })

  it('is another client’s in each request of a connection', async () => {
    const { port } = await direct((environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', String(environ.REMOTE_ADDR?.length)]])
      return environ.REMOTE_ADDR ?? ''
    }, LOCAL)
    const one = (address: string, more = ''): string => `GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${address}\r\n${more}\r\n`
    const answer = await ask(port, one('192.0.2.1') + one('192.0.2.2') + one('192.0.2.3', 'Connection: close\r\n'))
    expect(answer.match(/192\.0\.2\.\d/g)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  })
})

describe('a Forwarded field', () => {
  it('is read as RFC 7239 has it', () => {
    expect(parseForwarded('For="[2001:db8:cafe::17]:4711"')).toEqual([
      { address: '2001:db8:cafe::17', proto: undefined, host: undefined },
    ])
    expect(parseForwarded('for=192.0.2.60;proto=HTTP;by=203.0.113.43')).toEqual([
      { address: '192.0.2.60', proto: 'http', host: undefined },
    ])
    expect(parseForwarded('for=192.0.2.43, for="_gazonk", for=unknown')?.map(({ address }) => address)).toEqual([
      '192.0.2.43',
      undefined,
      undefined,
    ])
    expect(parseForwarded('for="192.0.2.1;proto=https, for=6.6.6.6";host="a\\"b"')).toEqual([
      { address: undefined, proto: undefined, host: 'a"b' },
    ])
  })

  it.each(['', ',', 'for', 'for=', 'for=a;for=b', 'for=a,', 'for="a', 'for=a b', 'for==a', ';for=a'])(
    'that is %j is nothing',
    (text) => {
      expect(parseForwarded(text)).toBeUndefined()
    },
  )
})
