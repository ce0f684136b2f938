import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { settled, until } from '../support/until.ts'
import { DIRECT, EVERY_WAY, over, SWITCHING, upgradeRequest, UpgradeBench } from './bench.ts'

/** More than all buffers on the way hold together: the kernel's, nginx's, and two streams'. */
const MUCH = 48 * 1024 * 1024
/** What those buffers may hold. */
const BUFFERED_AT_MOST = 24 * 1024 * 1024
const PIECE = Buffer.alloc(64 * 1024, 'tsgi')

/** Writes until nobody takes more; resolves when all `bytes` are written. */
async function pour(socket: Duplex, bytes: number, written: (bytes: number) => void): Promise<void> {
  for (let sent = 0; sent < bytes; sent += PIECE.length) {
    const room = socket.write(PIECE)
    written(sent + PIECE.length)
    if (!room) await once(socket, 'drain')
  }
}

over(EVERY_WAY, 'an upgraded connection', (bench) => {
  it('does not write more than a client that does not read has room for', async () => {
    let given = 0
    let socket: Duplex | undefined
    await bench().serveNode((server) => {
      server.on('upgrade', (_request, upgraded) => {
        socket = upgraded
        upgraded.write(SWITCHING)
        upgraded.on('error', () => {})
        void pour(upgraded, MUCH, (bytes) => (given = bytes)).catch(() => {})
      })
    })
    const raw = await bench().raw()
    raw.socket.pause()
    raw.socket.write(upgradeRequest('echo'))
    await until(() => given > 0, 'the first bytes')
    const stopped = await settled(() => given, 'what the server writes')
    expect(stopped).toBeLessThan(BUFFERED_AT_MOST)
    expect(socket?.writableLength).toBeLessThanOrEqual(256 * 1024)
    let head: string | undefined
    let received = 0
    raw.socket.removeAllListeners('data')
    raw.socket.on('data', (text: string) => {
      head ??= text.slice(0, text.indexOf('\r\n\r\n') + 4)
      received += text.length
    })
    raw.socket.resume()
    await until(() => received === (head?.length ?? 0) + MUCH, 'all bytes')
    raw.socket.destroy()
  })

  it('does not read more than an application that does not read has room for, and loses nothing', async () => {
    let socket: Duplex | undefined
    await bench().serveNode((server) => {
      server.on('upgrade', (_request, upgraded) => {
        socket = upgraded
        upgraded.on('error', () => {})
        upgraded.write(SWITCHING)
      })
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo'))
    await raw.expect('101 Switching')
    let sent = 0
    const pouring = pour(raw.socket, MUCH, (bytes) => (sent = bytes))
    expect(await settled(() => sent, 'what the client writes')).toBeLessThan(BUFFERED_AT_MOST)
    expect(socket?.readableFlowing).toBe(null)
    expect(socket?.readableLength).toBeLessThanOrEqual(256 * 1024)
    const hash = createHash('sha256')
    let received = 0
    socket?.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      received += chunk.length
      // Stops and goes on now and then, as a slow reader does.
      if (received % 5 === 0) {
        socket?.pause()
        setImmediate(() => socket?.resume())
      }
    })
    await pouring
    await until(() => received === MUCH, 'all bytes')
    const expected = createHash('sha256')
    for (let bytes = 0; bytes < MUCH; bytes += PIECE.length) expected.update(PIECE)
    expect(hash.digest('hex')).toBe(expected.digest('hex'))
    raw.socket.destroy()
  })

  it('tells its end both ways', async () => {
    const lines: string[] = []
    await bench().serveNode((server) => {
      server.on('upgrade', (_request, socket) => {
        socket.write(SWITCHING)
        socket.on('data', (chunk: Buffer) => lines.push(chunk.toString()))
        socket.on('end', () => socket.end('goodbye'))
      })
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo'))
    await raw.expect('101 Switching')
    raw.socket.write('hello')
    await until(() => lines.length > 0, 'what the client says')
    raw.socket.end()
    // A proxy closes both halves with the first.
    if (bench().way.proxy === undefined) await raw.expect('goodbye')
    await until(() => raw.closed, 'the close')
    expect(lines).toEqual(['hello'])
    expect(await bench().server.drain(10_000)).toEqual({ unfinished: 0 })
  })

  it('is closed, and the error logged, when the listener throws', async () => {
    await bench().serveNode((server) => {
      server.on('upgrade', () => {
        throw new Error('the listener is broken')
      })
      server.on('request', (_request, response) => response.end('fine'))
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo'))
    await until(() => raw.ended || raw.closed || raw.text !== '', 'the end')
    // A proxy says so with a status of its own.
    expect(raw.text).toMatch(bench().way.proxy !== undefined ? /^HTTP\/1\.1 502 / : /^$/)
    raw.socket.destroy()
    expect(bench().log.problems).toHaveLength(1)
    expect(String(bench().log.entries.find(({ level }) => level === 'error')?.error)).toContain('the listener is broken')
    expect(await (await fetch(`http://127.0.0.1:${bench().port}/`)).text()).toBe('fine')
  })

  it('is an ordinary request where nobody listens for upgrades', async () => {
    await bench().serveNode((server) => {
      server.on('request', (request, response) => response.end(`ordinary ${request.method} ${request.url}`))
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo'))
    await raw.expect('ordinary GET /raw')
    expect(raw.text).toMatch(/^HTTP\/1\.1 200 /)
    raw.socket.destroy()
  })

  it('survives a client that leaves before the application has listened', async () => {
    const sockets: Duplex[] = []
    await bench().serveNode((server) => {
      server.on('upgrade', (_request, socket) => sockets.push(socket))
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo'))
    await until(() => sockets.length === 1, 'the upgrade')
    raw.socket.resetAndDestroy()
    sockets[0]?.write(SWITCHING)
    sockets[0]?.resume()
    // nginx closes its side when the client has left; without it a write tells.
    await until(() => {
      sockets[0]?.write('more')
      return sockets[0]?.destroyed === true || sockets[0]?.writable === false || sockets[0]?.readableEnded === true
    }, 'the loss')
    sockets[0]?.destroy()
  })
})

over(DIRECT, 'an upgraded connection', (bench) => {
  it('has what the client sent behind its request before it was answered', async () => {
    let answer: (() => void) | undefined
    await bench().serveNode((server) => {
      server.on('upgrade', (_request, socket, head) => {
        answer = () => {
          if (head.length > 0) socket.unshift(head)
          socket.write(SWITCHING)
          socket.pipe(socket)
        }
      })
    })
    const raw = await bench().raw()
    raw.socket.write(`${upgradeRequest('echo')}first `)
    await until(() => answer !== undefined, 'the upgrade')
    raw.socket.write('second ')
    answer?.()
    raw.socket.write('third')
    await raw.expect('first second third')
    raw.socket.end()
    await until(() => raw.closed, 'the close')
  })

  it('is not had by a request with a body, whose body is delivered', async () => {
    let upgrades = 0
    await bench().serveNode((server) => {
      server.on('upgrade', () => upgrades++)
      server.on('request', (request, response) => void request.pipe(response))
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo', 'Content-Length: 11').replace('GET', 'POST') + 'hello world')
    await raw.expect('hello world')
    expect(raw.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(upgrades).toBe(0)
    raw.socket.destroy()
  })

  it('is not had for an offer of h2c', async () => {
    let upgrades = 0
    await bench().serveNode((server) => {
      server.on('upgrade', () => upgrades++)
      server.on('request', (request, response) => response.end(`ordinary ${request.url}`))
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'))
    await raw.expect('ordinary /raw')
    expect(upgrades).toBe(0)
    raw.socket.destroy()
  })
})

describe('a request for an upgrade that nobody wants, over HTTP', () => {
  it('leaves the connection alive, however many follow', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const bench = new UpgradeBench({ name: 'HTTP', wire: 'http' })
    try {
      await bench.serveNode((server) => {
        server.on('request', (request, response) => {
          let body = ''
          request.on('data', (chunk: Buffer) => (body += chunk.toString()))
          request.on('end', () => response.end(`<${request.url} ${body}>`))
        })
      })
      const raw = await bench.raw()
      for (let turn = 0; turn < 30; turn++) {
        raw.socket.write(upgradeRequest(turn % 2 === 0 ? 'h2c' : 'something').replace('/raw', `/turn-${turn}`))
        await raw.expect(`</turn-${turn} >`)
        raw.socket.write(
          upgradeRequest('h2c', 'Transfer-Encoding: chunked').replace('GET /raw', `POST /body-${turn}`) +
            '4\r\nbody\r\n0\r\n\r\n',
        )
        await raw.expect(`</body-${turn} body>`)
        raw.socket.write(`GET /plain-${turn} HTTP/1.1\r\nHost: x\r\n\r\n`)
        await raw.expect(`</plain-${turn} >`)
      }
      expect(raw.closed).toBe(false)
      const text = upgradeRequest('h2c').replace('/raw', '/pieces')
      for (const piece of [text.slice(0, 20), text.slice(20, 70), text.slice(70)]) {
        raw.socket.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await raw.expect('</pieces >')
      raw.socket.write('GET /behind HTTP/1.1\r\nHost: x\r\n\r\n')
      await raw.expect('</behind >')
      raw.socket.destroy()
      expect(warnings).toEqual([])
      expect(bench.log.problems).toEqual([])
      await until(() => bench.server.requestsInFlight === 0, 'the end of the requests')
    } finally {
      process.off('warning', onWarning)
      await bench.stop()
    }
  })

  it('does no harm behind a response that is still on its way', async () => {
    const bench = new UpgradeBench({ name: 'HTTP', wire: 'http' })
    try {
      await bench.serve(async (environ, startResponse) => {
        if (environ.PATH_INFO === '/slow') await new Promise((resolve) => setTimeout(resolve, 20))
        startResponse('200 OK', [])
        return [`<${environ.PATH_INFO}>`]
      })
      const raw = await bench.raw()
      raw.socket.write(`GET /slow HTTP/1.1\r\nHost: x\r\n\r\n${upgradeRequest('something')}`)
      await until(() => raw.ended || raw.closed, 'the end')
      raw.socket.destroy()
      const next = await bench.raw()
      next.socket.write('GET /next HTTP/1.1\r\nHost: x\r\n\r\n')
      await next.expect('</next>')
      next.socket.destroy()
      await until(() => bench.server.requestsInFlight === 0, 'the end of the requests')
    } finally {
      await bench.stop()
    }
  })
})
