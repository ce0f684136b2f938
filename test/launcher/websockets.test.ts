import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { requires } from '../support/requirements.ts'
import { Launched } from './launched.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/websocket.ts', import.meta.url))
const CLIENTS = 8

async function connected(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'))
  await once(socket, 'open')
  return socket
}

describe.each([
  ['nginx', 'fastcgi'],
  ['nginx', 'uwsgi'],
  ['nginx', 'http'],
  ['embedded', 'fastcgi'],
])('with %s over %s', (front, wire) => {
  requires('nginx', 'dist', 'proc').describe('a stop', () => {
    it('closes WebSockets with 1001, spread over the graceful timeout', async () => {
      const launched = new Launched([
        'start-server',
        EXAMPLE,
        ...['--port', '0', '--server-type', front, '--wire', wire, '--graceful-timeout', '2s', '--processes', '2'],
      ])
      const url = await launched.ready()
      const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => connected(url)))
      const closes = sockets.map(async (socket) => {
        const [code] = (await once(socket, 'close')) as [number]
        return { code, at: performance.now() }
      })
      const askedAt = performance.now()
      launched.child.kill('SIGTERM')
      const closed = await Promise.all(closes)
      expect(closed.map(({ code }) => code)).toEqual(sockets.map(() => 1001))
      const times = closed.map(({ at }) => at - askedAt).sort((a, b) => a - b)
      // Two workers spread theirs, however many each of them has, over the first 1.6 s.
      expect(times.at(-1) ?? 0).toBeGreaterThan(500)
      expect(times[0] ?? Infinity).toBeLessThan(500)
      expect(await launched.exited).toBe(0)
    })
  })
})
