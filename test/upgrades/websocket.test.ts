import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import type { RawData, WebSocket } from 'ws'
import { until } from '../support/until.ts'
import { echoServer, EVERY_WAY, over } from './bench.ts'

/** Sends, and resolves to the next message. */
function exchange(socket: WebSocket, message: string | Buffer): Promise<{ data: Buffer; isBinary: boolean }> {
  return new Promise((resolve, reject) => {
    socket.once('message', (data: RawData, isBinary: boolean) => {
      if (Buffer.isBuffer(data)) resolve({ data, isBinary })
      else reject(new Error('no Buffer'))
    })
    socket.once('close', (code) => reject(new Error(`closed with ${code}`)))
    socket.send(message)
  })
}

async function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
}

over(EVERY_WAY, 'a ws server on an http.Server', (bench) => {
  it('echoes text, binary and long messages', async () => {
    await bench().serveNode(echoServer)
    const socket = await bench().open()
    const text = await exchange(socket, 'Grüße, 世界')
    expect([text.data.toString(), text.isBinary]).toEqual(['Grüße, 世界', false])
    const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index))
    const binary = await exchange(socket, bytes)
    expect([binary.data.equals(bytes), binary.isBinary]).toEqual([true, true])
    const long = randomBytes(1024 * 1024)
    expect((await exchange(socket, long)).data.equals(long)).toBe(true)
    expect((await exchange(socket, '')).data.length).toBe(0)
    socket.close()
    expect((await closeOf(socket)).code).toBe(1005)
    expect(bench().log.problems).toEqual([])
  })

  it('agrees on permessage-deflate', async () => {
    await bench().serveNode(echoServer)
    const socket = await bench().open('/', { perMessageDeflate: { threshold: 0 } })
    expect(socket.extensions).toContain('permessage-deflate')
    const long = Buffer.from('compressible '.repeat(80_000))
    expect((await exchange(socket, long)).data.equals(long)).toBe(true)
    socket.terminate()
  })

  it('answers pings and sends its own', async () => {
    const pongs: string[] = []
    await bench().serveNode((server) => {
      echoServer(server).on('connection', (socket) => {
        socket.on('pong', (data) => pongs.push(data.toString()))
        socket.ping('from the server')
      })
    })
    const socket = await bench().open()
    const answered = once(socket, 'pong')
    socket.ping('from the client')
    expect(String((await answered)[0])).toBe('from the client')
    await until(() => pongs.length > 0, 'the answer to a ping')
    expect(pongs).toEqual(['from the server'])
    socket.terminate()
  })

  it('hears how its client closes, and closes as it likes', async () => {
    const closes: [number, string][] = []
    await bench().serveNode((server) => {
      echoServer(server).on('connection', (socket, request) => {
        socket.on('close', (code, reason) => closes.push([code, reason.toString()]))
        if (request.url === '/refused') socket.close(4001, 'not you')
      })
    })
    const leaving = await bench().open()
    leaving.close(4000, 'enough')
    expect(await closeOf(leaving)).toEqual({ code: 4000, reason: 'enough' })
    await until(() => closes.length === 1, 'the close')
    expect(closes).toEqual([[4000, 'enough']])
    const refused = await bench().open('/refused')
    expect(await closeOf(refused)).toEqual({ code: 4001, reason: 'not you' })
    await until(() => closes.length === 2, 'the second close')
    expect(await bench().server.drain(10_000)).toEqual({ unfinished: 0 })
    expect(bench().log.problems).toEqual([])
  })

  it('sees a client that is cut off, and can cut one off', async () => {
    const closes: number[] = []
    await bench().serveNode((server) => {
      echoServer(server).on('connection', (socket, request) => {
        socket.on('close', (code) => closes.push(code))
        if (request.url === '/cut') socket.terminate()
      })
    })
    const lost = await bench().open()
    lost.terminate()
    await until(() => closes.length === 1, 'the close')
    const cut = await bench().open('/cut')
    expect((await closeOf(cut)).code).toBe(1006)
    await until(() => closes.length === 2, 'the second close')
    expect(closes).toEqual([1006, 1006])
  })

  it('serves 200 clients at once', async () => {
    await bench().serveNode(echoServer)
    const sockets = await Promise.all(Array.from({ length: 200 }, () => bench().open()))
    const answers = await Promise.all(sockets.map((socket, index) => exchange(socket, `client ${index}`)))
    expect(answers.map(({ data }) => data.toString())).toEqual(sockets.map((_, index) => `client ${index}`))
    for (const socket of sockets) socket.close()
    await Promise.all(sockets.map(closeOf))
    expect(bench().log.problems).toEqual([])
  })

  it('answers ordinary requests beside it, and one that is no WebSocket with 400', async () => {
    await bench().serveNode((server) => {
      echoServer(server)
      server.on('request', (_request, response) => response.end('an ordinary answer'))
    })
    const url = `http://127.0.0.1:${bench().port}/`
    expect(await (await fetch(url)).text()).toBe('an ordinary answer')
    const raw = await bench().raw()
    raw.socket.write('GET / HTTP/1.1\r\nHost: tsgi.test\r\nConnection: Upgrade\r\nUpgrade: something\r\n\r\n')
    await raw.expect('Invalid Upgrade header')
    expect(raw.text).toMatch(/^HTTP\/1\.1 400 /)
    raw.socket.destroy()
  })

  it('is told who its client is, on a real socket', async () => {
    let request: IncomingMessage | undefined
    await bench().serveNode((server) => {
      echoServer(server).on('connection', (_socket, upgraded) => (request = upgraded))
    })
    const socket = await bench().open('/a%2Fb?x=1', { headers: { 'X-Forwarded-For': '6.6.6.6', 'X-Custom': 'kept' } })
    await until(() => request !== undefined, 'the request')
    expect(request?.socket).toBeInstanceOf(Socket)
    expect(request?.socket.remoteAddress).toBe('127.0.0.1')
    expect(request?.socket).toMatchObject(bench().way.name === 'HTTP' ? {} : { encrypted: false })
    expect(request).toMatchObject({
      method: 'GET',
      url: '/a%2Fb?x=1',
      httpVersion: '1.1',
      headers: { upgrade: 'websocket', 'x-custom': 'kept', 'sec-websocket-version': '13' },
    })
    expect(request?.headers.connection).toMatch(/upgrade/i)
    socket.terminate()
  })
})

over(
  EVERY_WAY,
  'a ws server under a mount point',
  (bench) => {
    it('is told the path under it, and has nothing beside it', async () => {
      const urls: unknown[] = []
      await bench().serveNode((server) => {
        echoServer(server).on('connection', (_socket, request) => urls.push([request.url, Reflect.get(request, 'originalUrl')]))
      })
      const socket = await bench().open('/app/chat?x=1')
      expect((await exchange(socket, 'hi')).data.toString()).toBe('hi')
      expect(urls).toEqual([['/chat?x=1', '/app/chat?x=1']])
      await expect(bench().open('/apple')).rejects.toThrow('404')
      socket.terminate()
    })
  },
  '/app',
)
