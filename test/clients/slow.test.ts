import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createServer, type ServerResponse } from 'node:http'
import { nodeHandler } from '../../src/adapters/node-application.ts'
import { Server } from '../../src/server/server.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { repeatUntil, until } from '../support/until.ts'
import { Client, direct, LIMITS } from './direct.ts'

const SHORT = { headerTimeoutMs: 500, bodyTimeoutMs: 400, sendTimeoutMs: 600, keepAliveTimeoutMs: 300 }

/** `node:http` looks once a second, and newer ones add a second to the time of an idle connection. */
const LATE_MS = 2600

const hello = { listener: (_request: unknown, response: ServerResponse) => void response.end('hello') }

async function elapsedUntilClosed(client: Client): Promise<number> {
  const start = performance.now()
  await client.whole()
  return performance.now() - start
}

describe.each(['auto', 'http'] as const)('slow clients of a bind with --protocol %s', (protocol) => {
  it('lose their connections: one that says nothing, one that sends its head byte by byte; meanwhile others are served', async () => {
    const { port, server } = await direct(hello, SHORT, { protocol })
    const silent = await Promise.all(Array.from({ length: 20 }, () => Client.open(port)))
    const slow = await Promise.all(
      Array.from({ length: 20 }, async () => (await Client.open(port)).send('GET / HTTP/1.1\r\nHost: a\r\n')),
    )
    const trickle = setInterval(() => {
      for (const client of slow) if (!client.closed) client.send('X')
    }, 100)
    try {
      const other = (await Client.open(port)).send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect(await elapsedUntilClosed(other)).toBeLessThan(900)
      expect(other.text).toMatch(/hello$/)
      const times = await Promise.all([...silent, ...slow].map(elapsedUntilClosed))
      expect(Math.max(...times)).toBeLessThan(SHORT.headerTimeoutMs + LATE_MS)
      for (const client of slow) expect(client.text).toMatch(/^(?:HTTP\/1\.1 408 |$)/)
    } finally {
      clearInterval(trickle)
    }
    await until(() => server.requestsInFlight === 0, 'no request in flight')
  })

  it('lose an idle connection behind a response', async () => {
    const { port } = await direct(hello, SHORT, { protocol })
    const client = (await Client.open(port)).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => client.text.endsWith('hello'), 'the answer')
    const elapsed = await elapsedUntilClosed(client)
    expect(elapsed).toBeGreaterThan(SHORT.keepAliveTimeoutMs - 100)
    expect(elapsed).toBeLessThan(SHORT.keepAliveTimeoutMs + LATE_MS)
  })
})

describe('a body that does not come on', () => {
  it('is a 408 to a Node application and a TSGI application that read it, and ends the connection', async () => {
    const log: string[] = []
    const node = await direct(
      {
        listener: (request, response) => {
          request.on('data', () => {})
          request.on('end', () => void response.end('whole'))
          request.on('error', () => log.push('error'))
          request.on('close', () => log.push('close'))
        },
      },
      SHORT,
    )
    const tsgi = await direct(async (environ, startResponse) => {
      await environ['tsgi.input'].read()
      startResponse('200 OK', [])
      return 'whole'
    }, SHORT)
    await Promise.all(
      [node, tsgi].map(async ({ port }) => {
        const client = (await Client.open(port)).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nsome')
        const elapsed = await elapsedUntilClosed(client)
        expect(client.statuses).toEqual([408])
        expect(elapsed).toBeGreaterThan(SHORT.bodyTimeoutMs - 100)
        expect(elapsed).toBeLessThan(SHORT.bodyTimeoutMs + LATE_MS)
      }),
    )
    expect(log).toContain('close')
    expect(tsgi.log.codes).toEqual(['TSGI_ERR_BODY_TIMEOUT'])
  })

  it('is not missed where pieces keep coming, nor where the application takes its time', async () => {
    const { port } = await direct(async (environ, startResponse) => {
      const body = await environ['tsgi.input'].read()
      await new Promise((resolve) => setTimeout(resolve, 2 * SHORT.bodyTimeoutMs))
      startResponse('200 OK', [['Connection', 'close']])
      return body
    }, SHORT)
    const client = (await Client.open(port)).send('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n')
    for (const piece of 'abcde') {
      client.send(piece)
      await new Promise((resolve) => setTimeout(resolve, SHORT.bodyTimeoutMs / 2))
    }
    expect(await client.whole()).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\nabcde$/)
  })

  it('has an end where all of it takes too long, though pieces keep coming', async () => {
    const { port } = await direct(
      async (environ, startResponse) => {
        await environ['tsgi.input'].read()
        startResponse('200 OK', [])
        return null
      },
      { ...SHORT, bodyMaxTimeoutMs: 500 },
    )
    const client = (await Client.open(port)).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n')
    const trickle = setInterval(() => client.closed || client.send('x'), 100)
    const elapsed = await elapsedUntilClosed(client)
    clearInterval(trickle)
    expect(client.text).toMatch(/^(?:HTTP\/1\.1 408 |$)/)
    expect(elapsed).toBeLessThan(SHORT.headerTimeoutMs + 500 + LATE_MS)
  })
})

describe('a client that does not read', () => {
  it('is given up, and holds no more than the buffers meanwhile', async () => {
    let given = 0
    let closed = false
    const piece = new Uint8Array(64 * 1024)
    const { port } = await direct((_environ, startResponse) => {
      startResponse('200 OK', [])
      return (async function* () {
        try {
          for (;;) {
            given += piece.length
            yield piece
          }
        } finally {
          closed = true
        }
      })()
    }, SHORT)
    const client = await Client.open(port)
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => closed, 'the end of the response', SHORT.sendTimeoutMs + LATE_MS + 2000)
    // What the kernel takes on both sides, and a little of ours.
    expect(given).toBeLessThan(16 * 1024 * 1024)
  })

  it('is not given up while it reads slowly', async () => {
    // More than the kernel holds, at a rate that takes several times the limit.
    const total = 16 * 1024 * 1024
    const { port } = await direct((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', String(total)]])
      return new Uint8Array(total)
    }, SHORT)
    const client = await Client.open(port)
    let received = 0
    client.socket.removeAllListeners('data').on('data', (text: string) => {
      received += text.length
      client.socket.pause()
      setTimeout(() => client.socket.resume(), 5)
    })
    const start = performance.now()
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await once(client.socket, 'close')
    expect(performance.now() - start).toBeGreaterThan(2 * SHORT.sendTimeoutMs)
    expect(received).toBeGreaterThan(total)
  })
})

it('a stream of events and a WebSocket that are quiet for longer than every limit live on', async () => {
  const http = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write('data: one\n\n')
    setTimeout(() => response.end('data: two\n\n'), 1500)
  })
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  const log = new CollectedLog()
  const server = new Server({ handler: nodeHandler(http, log), log, clients: { ...LIMITS, ...SHORT } })
  const address = await server.listen({ type: 'tcp', host: '127.0.0.1', port: 0 })
  if (address.type !== 'tcp') throw new Error('not TCP')
  const webSocket = new WebSocket(`ws://127.0.0.1:${address.port}/`)
  await once(webSocket, 'open')
  const client = (await Client.open(address.port)).send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  expect(await client.whole()).toMatch(/data: one[^]*data: two/)
  webSocket.send('still there')
  const [data] = (await once(webSocket, 'message')) as [Buffer]
  expect(data.toString()).toBe('still there')
  webSocket.terminate()
  await server.drain(200)
})

it('connections over the limit get 503, and are taken again when others have gone', async () => {
  const over = async (protocol: 'auto' | 'http'): Promise<void> => {
    const { port, log } = await direct(hello, { connectionLimit: 3 }, { protocol })
    const held = await Promise.all(Array.from({ length: 3 }, () => Client.open(port)))
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    held.at(0)?.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => held[0]?.text.endsWith('hello') === true, 'the first answer')
    const refused = await Client.open(port)
    await refused.whole()
    expect(refused.statuses).toEqual([503])
    expect(refused.text).toMatch(/\r\nRetry-After: 1\r\n/)
    for (const client of held) client.socket.destroy()
    let status: number | undefined
    await repeatUntil(
      async () => {
        const client = (await Client.open(port)).send(request)
        await client.whole()
        status = client.statuses[0]
      },
      () => status === 200,
      'a connection that is taken',
    )
    await until(() => log.entries.some(({ message }) => message.includes('--connection-limit')), 'a line in the log')
  }
  await Promise.all([over('auto'), over('http')])
})
