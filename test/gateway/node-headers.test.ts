import { once } from 'node:events'
import { createServer, IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setHeaders } from '../../src/adapters/node-headers.ts'
import { layoutOf } from '../../src/adapters/param-layout.ts'

type Field = readonly [name: string, value: string]

/** Names whose repetition Node treats in its own way, and some that it does not know. */
const NAMES = [
  ...['accept', 'accept-language', 'age', 'authorization', 'cache-control', 'constructor', 'cookie', 'etag', 'expires', 'from'],
  ...['host', 'if-match', 'if-modified-since', 'last-modified', 'location', 'max-forwards', 'origin', 'referer', 'retry-after'],
  ...['server', 'set-cookie', 'user-agent', 'vary', 'via', 'x-a', 'x-b', 'x-forwarded-for', 'to-string'],
]

const fields = fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.stringMatching(/^[!-~]{1,12}$/)), { maxLength: 16 })

/** The fields as a request of ours has them. */
function ours(list: readonly Field[]): IncomingMessage {
  const params = [
    'REQUEST_METHOD',
    'GET',
    ...list.flatMap(([name, value]) => [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, value]),
  ]
  // A socket is all that a request needs to be made; none is read from.
  const request = Reflect.construct(IncomingMessage, [undefined]) as IncomingMessage
  setHeaders(request, params, layoutOf(params), [])
  return request
}

describe('header fields', () => {
  const server = createServer()
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(() => server.close())

  /** The fields as node:http has them when it parses them. */
  async function parsed(list: readonly Field[]): Promise<IncomingMessage> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const requested = once(server, 'request') as Promise<[IncomingMessage]>
    // Without a Host of its own a request of HTTP/1.0 is complete.
    socket.end(`GET / HTTP/1.0\r\n${list.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
    const [request] = await requested
    socket.destroy()
    return request
  }

  it('are joined, listed or left out as node:http does it, at first sight and often', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (list) => {
        // Two hosts are refused before.
        const once_ = list.filter(([name], index) => name !== 'host' || list.findIndex((other) => other[0] === 'host') === index)
        const theirs = await parsed(once_)
        // The ninth time they are made in another way.
        for (let time = 0; time < 10; time++) {
          const request = ours(once_)
          expect(request.headers).toEqual(theirs.headers)
          expect({ ...request.headersDistinct }).toEqual({ ...theirs.headersDistinct })
          expect(request.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text))).toEqual(
            theirs.rawHeaders,
          )
        }
      }),
      { numRuns: 200 },
    )
  })

  it('can be changed by an application, one request at a time', () => {
    const list: Field[] = [['x-a', '1']]
    const first = ours(list)
    first.headers['x-a'] = 'changed'
    first.headersDistinct['x-b'] = ['added']
    expect(first.headersDistinct).toEqual({ 'x-a': ['1'], 'x-b': ['added'] })
    expect(ours(list).headers).toEqual({ 'x-a': '1' })
    expect(Object.keys(ours(list).headersDistinct)).toEqual(['x-a'])
    expect('x-b' in ours(list).headersDistinct).toBe(false)
  })
})
