import { describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { until } from '../support/until.ts'
import { requires } from '../support/requirements.ts'
import { DIRECT, echoServer, EVERY_WAY, over, SWITCHING, upgradeRequest, UpgradeBench } from './bench.ts'

interface Close {
  code: number
  atMs: number
}

/** Notes when and how each closes. */
function closesOf(sockets: readonly WebSocket[], start: () => number): Close[] {
  const closes: Close[] = []
  for (const socket of sockets) {
    socket.on('error', () => {})
    socket.on('close', (code) => closes.push({ code, atMs: performance.now() - start() }))
  }
  return closes
}

over(EVERY_WAY, 'a drain', (bench) => {
  it('closes WebSockets with 1001, one after the other over most of its time', async () => {
    const serverCodes: number[] = []
    await bench().serveNode((server) => {
      echoServer(server).on('connection', (socket) => socket.on('close', (code) => serverCodes.push(code)))
    })
    const sockets = await Promise.all(Array.from({ length: 10 }, () => bench().open()))
    let start = 0
    const closes = closesOf(sockets, () => start)
    start = performance.now()
    const outcome = await bench().server.drain(1000)
    const tookMs = performance.now() - start
    await until(() => closes.length === 10 && serverCodes.length === 10, 'all closes')
    expect(outcome).toEqual({ unfinished: 0 })
    expect(closes.map(({ code }) => code)).toEqual(Array.from({ length: 10 }, () => 1001))
    expect(serverCodes).toEqual(closes.map(({ code }) => code))
    // 80 ms lie between two of them.
    const gaps = closes.slice(1).map(({ atMs }, index) => atMs - (closes[index]?.atMs ?? 0))
    expect(closes[0]?.atMs).toBeLessThan(200)
    expect(Math.max(...gaps)).toBeLessThan(300)
    expect(closes.at(-1)?.atMs).toBeGreaterThan(600)
    expect(tookMs).toBeLessThan(1000)
    expect(bench().log.problems).toEqual([])
  })
})

over(DIRECT, 'a drain', (bench) => {
  it('closes a few at once where it has time without end', async () => {
    await bench().serveNode(echoServer)
    const sockets = await Promise.all(Array.from({ length: 4 }, () => bench().open()))
    let start = 0
    const closes = closesOf(sockets, () => start)
    start = performance.now()
    await bench().server.close()
    await until(() => closes.length === 4, 'all closes')
    expect(closes.map(({ code }) => code)).toEqual([1001, 1001, 1001, 1001])
    expect(performance.now() - start).toBeLessThan(2000)
  })

  it('tears no frame of a server that sends all the time', async () => {
    await bench().serveNode((server) => {
      echoServer(server).on('connection', (socket) => {
        const send = (): void => {
          if (socket.readyState !== socket.OPEN) return
          // Compressed ones leave later than they are sent.
          // No more than both ends, which share this process, can do at a time.
          socket.send('x'.repeat(3000), () => setTimeout(send, 2))
          socket.send(Buffer.alloc(70_000, 7))
        }
        send()
      })
    })
    const sockets = await Promise.all(Array.from({ length: 8 }, () => bench().open()))
    const errors: Error[] = []
    let messages = 0
    for (const socket of sockets) {
      socket.on('error', (error) => errors.push(error))
      socket.on('message', () => messages++)
    }
    const closes = closesOf(sockets, () => 0)
    await until(() => messages > 200, 'messages')
    expect(await bench().server.drain(4000)).toEqual({ unfinished: 0 })
    await until(() => closes.length === 8, 'all closes')
    expect(errors).toEqual([])
    expect(closes.every(({ code }) => code === 1001)).toBe(true)
  })

  it('gives another protocol its time, then cuts and counts it', async () => {
    await bench().serveNode((server) => {
      server.on('upgrade', (_request, socket) => {
        socket.on('error', () => {})
        socket.write(SWITCHING)
        socket.pipe(socket)
      })
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo'))
    await raw.expect('101 Switching')
    const draining = bench().server.drain(400)
    raw.socket.write('still here')
    await raw.expect('still here')
    expect(await draining).toEqual({ unfinished: 1 })
    await until(() => raw.ended || raw.closed, 'the cut')
    raw.socket.destroy()
  })

  it('waits with the close frame until the upgrade is answered, and takes upgrades that come meanwhile', async () => {
    let answer: (() => void) | undefined
    await bench().serveNode((server) => {
      const webSockets = echoServer(server)
      const [handle] = server.listeners('upgrade')
      server.removeAllListeners('upgrade')
      server.on('upgrade', (request, socket, head) => {
        answer = () => void Reflect.apply(handle ?? (() => {}), server, [request, socket, head])
      })
      webSockets.on('error', () => {})
    })
    const opening = bench().open()
    await until(() => answer !== undefined, 'the upgrade')
    const start = performance.now()
    const draining = bench().server.drain(5000)
    await new Promise((resolve) => setTimeout(resolve, 120))
    answer?.()
    const socket = await opening
    const closes = closesOf([socket], () => start)
    expect(await draining).toEqual({ unfinished: 0 })
    await until(() => closes.length === 1, 'the close')
    expect(closes[0]?.code).toBe(1001)
  })

  it('is shortened by a second one, and then tells whom it has not told', async () => {
    await bench().serveNode(echoServer)
    const sockets = await Promise.all(Array.from({ length: 6 }, () => bench().open()))
    const closes = closesOf(sockets, () => 0)
    const draining = bench().server.drain(60_000)
    await until(() => closes.length === 1, 'the first close')
    const start = performance.now()
    expect(await bench().server.drain(600)).toEqual({ unfinished: 0 })
    expect(performance.now() - start).toBeLessThan(600)
    expect(await draining).toEqual({ unfinished: 0 })
    await until(() => closes.length === 6, 'all closes')
    expect(closes.every(({ code }) => code === 1001)).toBe(true)
  })
})

requires('full').describe('a client that does not answer a close frame', () => {
  it('is cut after a few seconds, however long the drain may take', async () => {
    const bench = new UpgradeBench({ name: 'uwsgi', wire: 'uwsgi' })
    try {
      await bench.serveNode(echoServer)
      const raw = await bench.raw()
      raw.socket.write(upgradeRequest('websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='))
      await raw.expect('101 Switching')
      const start = performance.now()
      expect(await bench.server.drain(Infinity)).toEqual({ unfinished: 0 })
      expect(performance.now() - start).toBeGreaterThan(4500)
      expect(performance.now() - start).toBeLessThan(8000)
      await raw.expect('\x88\x02\x03\xe9')
      raw.socket.destroy()
    } finally {
      await bench.stop()
    }
  })
})

describe('a server with upgraded connections', () => {
  it('forgets those that close', async () => {
    const bench = new UpgradeBench({ name: 'uwsgi', wire: 'uwsgi' })
    try {
      await bench.serveNode(echoServer)
      const socket = await bench.open()
      socket.close()
      await new Promise((resolve) => socket.on('close', resolve))
      const start = performance.now()
      expect(await bench.server.drain(10_000)).toEqual({ unfinished: 0 })
      expect(performance.now() - start).toBeLessThan(2000)
    } finally {
      await bench.stop()
    }
  })
})
