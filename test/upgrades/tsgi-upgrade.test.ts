import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import type { Application, Environ } from '../../src/interface/application.ts'
import { until } from '../support/until.ts'
import { DIRECT_WAYS, over as overWire } from '../conformance/bench.ts'
import { EVERY_WAY, over, SWITCHING, upgradeRequest } from './bench.ts'

/** What `handleUpgrade` looks at of a request. */
function requestOf(environ: Environ): IncomingMessage {
  const headers = Object.fromEntries(
    Object.entries(environ)
      .filter(([name]) => name.startsWith('HTTP_'))
      .map(([name, value]) => [name.slice(5).toLowerCase().replaceAll('_', '-'), value]),
  )
  // It looks at no more of it.
  return { method: environ.REQUEST_METHOD, url: environ.REQUEST_URI, headers } as unknown as IncomingMessage
}

over(EVERY_WAY, 'a TSGI application', (bench) => {
  it('takes a WebSocket over, as the documentation says', async () => {
    const webSockets = new WebSocketServer({ noServer: true })
    let returned = 0
    const application: Application = (environ, startResponse) => {
      const upgrade = environ['tsgi.upgrade']
      if (upgrade === undefined) {
        startResponse('426 Upgrade Required', [['Upgrade', 'websocket']])
        return null
      }
      webSockets.handleUpgrade(requestOf(environ), upgrade(), Buffer.alloc(0), (socket) => {
        socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
      })
      returned++
      return 'what is returned is ignored'
    }
    await bench().serve(application)
    const socket = await bench().open()
    const message = new Promise((resolve) => {
      socket.on('message', (data) => resolve(Buffer.isBuffer(data) ? data.toString() : data))
    })
    socket.send('hello')
    expect(await message).toBe('hello')
    expect(returned).toBe(1)
    expect(bench().server.requestsInFlight).toBe(0)
    expect((await fetch(`http://127.0.0.1:${bench().port}/`)).status).toBe(426)
    socket.terminate()
    expect(bench().log.problems).toEqual([])
  })

  it('may take its time, and is told who the client is', async () => {
    let socket: Duplex | undefined
    await bench().serve(async (environ) => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      socket = environ['tsgi.upgrade']?.()
      socket?.write(SWITCHING)
      socket?.pipe(socket)
      return null
    })
    const raw = await bench().raw()
    raw.socket.write(`${upgradeRequest('echo')}early `)
    await raw.expect('early ')
    raw.socket.write('late')
    await raw.expect('early late')
    expect(socket).toMatchObject({ remoteAddress: '127.0.0.1', encrypted: false })
    raw.socket.end()
    await until(() => raw.closed, 'the close')
  })

  it('may answer as ever', async () => {
    await bench().serve((environ, startResponse) => {
      startResponse('403 Forbidden', [['Content-Type', 'text/plain']])
      return [typeof environ['tsgi.upgrade'], ' ', 'no']
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo'))
    await raw.expect('function no')
    expect(raw.text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
    raw.socket.destroy()
    await until(() => bench().server.requestsInFlight === 0, 'the end of the request')
    expect(bench().log.problems).toEqual([])
  })

  it('is refused a second time, and behind the beginning of a response', async () => {
    const codes: unknown[] = []
    const take = (environ: Environ): void => {
      try {
        environ['tsgi.upgrade']?.().end(`${SWITCHING}taken`)
      } catch (error) {
        codes.push(Reflect.get(Object(error), 'code'))
      }
    }
    await bench().serve((environ, startResponse) => {
      if (environ.HTTP_X_TWICE === undefined) startResponse('200 OK', [])
      take(environ)
      take(environ)
      return ['answered']
    })
    const twice = await bench().raw()
    twice.socket.write(upgradeRequest('echo', 'X-Twice: 1'))
    await twice.expect('taken')
    expect(codes).toEqual(['TSGI_ERR_UPGRADE'])
    const begun = await bench().raw()
    begun.socket.write(upgradeRequest('echo'))
    await begun.expect('answered')
    expect(codes).toEqual(['TSGI_ERR_UPGRADE', 'TSGI_ERR_UPGRADE', 'TSGI_ERR_UPGRADE'])
    twice.socket.destroy()
    begun.socket.destroy()
  })

  it('that fails behind its upgrade is logged, and its connection closed', async () => {
    await bench().serve(async (environ) => {
      environ['tsgi.upgrade']?.().write(SWITCHING)
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('too late for a status')
    })
    const raw = await bench().raw()
    raw.socket.write(upgradeRequest('echo'))
    await until(() => raw.ended || raw.closed, 'the end')
    raw.socket.destroy()
    expect(bench().log.problems).toHaveLength(1)
    expect(bench().log.entries.some(({ message }) => message.endsWith('failed after its upgrade'))).toBe(true)
  })
})

overWire(DIRECT_WAYS, 'tsgi.upgrade', (bench) => {
  it('is absent where none is asked for, none can be had, or the request has a body', async () => {
    bench.use((environ, startResponse) => {
      startResponse('200 OK', [])
      return [String('tsgi.upgrade' in environ)]
    })
    const upgrade = [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ] as const
    expect((await bench.send({})).text).toBe('false')
    expect((await bench.send({ headers: [['Upgrade', 'websocket']] })).text).toBe('false')
    expect((await bench.send({ headers: [['Connection', 'upgrade']] })).text).toBe('false')
    expect((await bench.send({ headers: [upgrade[0], ['Upgrade', 'h2c']] })).text).toBe('false')
    expect((await bench.send({ method: 'POST', headers: upgrade, body: Buffer.from('x') })).text).toBe('false')
    // A FastCGI connection carries records, and may carry other requests.
    expect((await bench.send({ headers: upgrade })).text).toBe(String(bench.way.wire !== 'fastcgi'))
  })
})
