import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { connectChat, nextEvent } from './chat.ts'
import { expectCleanStop, launchApp } from './launched-app.ts'
import type { Front } from './launched-app.ts'

/** One message from a WebSocket, and whether it was binary. */
async function nextMessage(socket: WebSocket): Promise<[data: string, isBinary: boolean]> {
  const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean] // The arguments of 'message'.
  return [data.toString('latin1'), isBinary]
}

/** Resolves when the chat has no client any more: a client that polls says goodbye in a request of its own. */
async function noClients(url: string): Promise<void> {
  let count = ''
  while (count !== '0') count = await (await fetch(new URL('/clients', url))).text()
}

requires('full', 'apps', 'nginx', 'dist', 'proc').describe('WebSockets of an unchanged application', () => {
  describe.each<Front>(['nginx', 'embedded'])('behind %s', (front) => {
    it('ws echoes, on a server that calls listen()', async () => {
      const launched = launchApp('websocket/server.js', front)
      const url = await launched.ready()
      expect((await fetch(new URL('/hello', url))).status).toBe(200)

      const socket = new WebSocket(new URL('/echo?name=tester', url.replace(/^http/, 'ws')))
      expect(await nextMessage(socket)).toEqual(['hello tester', false])
      for (const [message, isBinary] of [
        ['text', false],
        ['bytes \u0000\u00ff', true],
        ['x'.repeat(300_000), false],
      ] as const) {
        socket.send(isBinary ? Buffer.from(message, 'latin1') : message)
        expect(await nextMessage(socket)).toEqual([message, isBinary])
      }
      const closed = once(socket, 'close')
      socket.close(4000, 'enough')
      expect((await closed)[0]).toBe(4000)
      await expectCleanStop(launched)
    })

    it('ws refuses what the application does not take, and the connection ends', async () => {
      const launched = launchApp('websocket/server.js', front)
      const url = await launched.ready()
      const socket = new WebSocket(new URL('/elsewhere', url.replace(/^http/, 'ws')))
      const [error] = (await once(socket, 'error')) as [Error] // The argument of 'error'.
      expect(error.message).toContain('400')
      await expectCleanStop(launched)
    })

    it.each([
      ['polling', ['polling'], 'polling'],
      ['websocket', ['websocket'], 'websocket'],
      ['polling and then websocket', ['polling', 'websocket'], 'websocket'],
    ])('socket.io chats over %s', async (_title, transports, last) => {
      const launched = launchApp('socketio/server.js', front)
      const url = await launched.ready()
      const first = await connectChat(url, transports)
      const second = await connectChat(url, transports)

      expect(await first.emitWithAck('join', 'first')).toBe(2)
      const joined = nextEvent(first, 'joined')
      await second.emitWithAck('join', 'second')
      expect(await joined).toEqual(['second'])

      for (const socket of [first, second]) await until(() => socket.io.engine.transport.name === last, last)

      const heard = Promise.all([nextEvent(first, 'said'), nextEvent(second, 'said')])
      const text = `caf\u00e9 ${'long '.repeat(20_000)}`
      second.emit('say', text)
      expect(await heard).toEqual([
        ['second', text],
        ['second', text],
      ])

      const left = nextEvent(first, 'left')
      second.disconnect()
      expect(await left).toEqual(['second'])
      first.disconnect()
      await noClients(url)
      await expectCleanStop(launched)
    })
  })
})
