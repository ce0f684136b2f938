import { createServer, type IncomingMessage } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeHandler } from '../../src/adapters/node-application.ts'
import { applicationHandler } from '../../src/gateway/run-application.ts'
import type { RequestHandler } from '../../src/gateway/request-handler.ts'
import type { ClientLimits } from '../../src/server/client-limits.ts'
import { Server } from '../../src/server/server.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { until } from '../support/until.ts'
import { ask, LIMITS } from './direct.ts'

interface Told {
  readonly url: string | undefined
  readonly forwarded: string | undefined
  readonly peer: string | undefined
}

const ANSWER = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'

/** Applications that take connections over, and write down of whom. */
const KINDS: Readonly<Record<string, (told: Told[]) => RequestHandler>> = {
  'a TSGI application': (told) =>
    applicationHandler((environ) => {
      const { REQUEST_URI: url, HTTP_X_FORWARDED_FOR: forwarded, REMOTE_ADDR: peer } = environ
      told.push({ url, forwarded: typeof forwarded === 'string' ? forwarded : undefined, peer })
      environ['tsgi.upgrade']?.().end(ANSWER)
      return null
    }),
  'a Node application': (told) => {
    const server = createServer()
    server.on('upgrade', ({ url, headers, socket }: IncomingMessage, stream) => {
      told.push({ url, forwarded: String(headers['x-forwarded-for'] ?? '') || undefined, peer: socket.remoteAddress })
      stream.end(ANSWER)
    })
    return nodeHandler(server, new CollectedLog())
  },
}

async function serving(handler: RequestHandler, limits: Partial<ClientLimits> = {}): Promise<number> {
  const server = new Server({ handler, log: new CollectedLog(), clients: { ...LIMITS, ...limits } })
  onTestFinished(async () => void (await server.drain(200)))
  const address = await server.listen({ type: 'tcp', host: '127.0.0.1', port: 0 })
  if (address.type !== 'tcp') throw new Error('not TCP')
  return address.port
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: echo\r\n'

const REFUSED: Readonly<Record<string, [head: string, status: number]>> = {
  'two hosts': [`GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n${UPGRADE}\r\n`, 400],
  'no host': [`GET / HTTP/1.1\r\n${UPGRADE}\r\n`, 400],
  'HTTP/0.9': [`GET /\n${UPGRADE}\r\n`, 505],
  'a long URL': [`GET /${'x'.repeat(8190)} HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`, 414],
  'many fields': [`GET / HTTP/1.1\r\nHost: a\r\n${UPGRADE}${'a: b\r\n'.repeat(98)}\r\n`, 431],
}

describe.each(Object.entries(KINDS))('a request for an upgrade, to %s', (_, kind) => {
  it.each(Object.entries(REFUSED))('is refused with %s, as every other request is', async (_name, [head, status]) => {
    const told: Told[] = []
    const answer = await ask(await serving(kind(told)), head)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(told).toEqual([])
  })

  it('is served within the limits', async () => {
    const told: Told[] = []
    const fields = 'a: b\r\n'.repeat(97)
    expect(await ask(await serving(kind(told)), `GET /x HTTP/1.1\r\nHost: a\r\n${UPGRADE}${fields}\r\n`)).toBe(ANSWER)
    expect(told).toMatchObject([{ url: '/x' }])
  })

  it('tells nothing that a client says about itself', async () => {
    const told: Told[] = []
    const head = `GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n${UPGRADE}\r\n`
    expect(await ask(await serving(kind(told)), head)).toBe(ANSWER)
    expect(told).toMatchObject([{ forwarded: undefined, peer: '127.0.0.1' }])
  })

  it('tells whom a trusted proxy says that it is from, and no more', async () => {
    const told: Told[] = []
    const head = `GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n${UPGRADE}\r\n`
    expect(await ask(await serving(kind(told), { trustProxy: ['127.0.0.0/8'] }), head)).toBe(ANSWER)
    expect(told).toMatchObject([{ forwarded: '192.0.2.1', peer: '192.0.2.1' }])
  })
})

describe('over the unix socket of a proxy', () => {
  it.each([
    ['HTTP/0.9', 'GET /a\n\r\n', 505],
    ['HTTP/2.0', 'GET /a HTTP/2.0\r\nHost: a\r\n\r\n', 505],
    ['HTTP/0.9 and an upgrade', `GET /a\n${UPGRADE}\r\n`, 505],
    ['chunks in HTTP/1.0', 'POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['no host', 'GET /a HTTP/1.1\r\n\r\n', 400],
    ['an encoding that is none', 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\nContent-Length: 2\r\n\r\na0', '501|400'],
    ['a space that is none', 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\xa0chunked\r\n\r\n0\r\n\r\n', 501],
    ['another encoding', 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
  ])('%s is refused, and what stands behind it is not served', async (_, head, status) => {
    const asked: string[] = []
    const folder = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
    const path = join(folder, 'app.sock')
    const handler = applicationHandler((environ, startResponse) => {
      asked.push(environ.REQUEST_URI)
      startResponse('200 OK', [])
      return 'ok'
    })
    const server = new Server({ handler, log: new CollectedLog() })
    onTestFinished(async () => {
      await server.drain(200)
      rmSync(folder, { recursive: true, force: true })
    })
    await server.listen({ type: 'unix', path })
    const socket = connect(path)
    let text = ''
    socket.setEncoding('latin1').on('data', (piece: string) => (text += piece))
    socket.on('error', () => {})
    socket.write(`${head}GET /b HTTP/1.1\r\nHost: a\r\n\r\n`, 'latin1')
    await until(() => socket.closed, 'the end of the connection')
    // Newer Nodes refuse one of these by themselves.
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 (?:${status}) `))
    expect(asked).toEqual([])
  })
})
