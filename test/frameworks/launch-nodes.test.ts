import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { otherNodes, requires } from '../support/requirements.ts'
import { expectCleanStop, launchApp } from './launched-app.ts'

/** One of each kind. */
const SCRIPTS = [
  'express4/server.js',
  'express5/app.js',
  'fastify/export.js',
  'koa/app.js',
  'nest/src/main.ts',
  'next/server.js',
  'hono/app.ts',
  'h3/app.js',
  'h3-v1/node.js',
  'nitro/.output/node-server/server/index.mjs',
  'nitropack/.output/node-listener/server/index.mjs',
  'captured/server.js',
]

requires('full', 'nodes', 'apps', 'nginx', 'dist', 'proc').describe('an unchanged application on another Node', () => {
  describe.each(otherNodes.length > 0 ? otherNodes : ['none'])('%s', (node) => {
    it.each(SCRIPTS)('%s answers through nginx', async (path) => {
      const launched = launchApp(path, 'nginx', node)
      const url = await launched.ready()

      const hello = await fetch(new URL('/hello', url))
      expect(hello.status).toBe(200)
      expect(await hello.text()).toMatch(/^hello[, ]/i)

      const body = 'a body '.repeat(20_000)
      const echo = await fetch(new URL('/echo', url), { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body })
      expect(await echo.json()).toMatchObject({ method: 'POST', body, bytes: body.length })

      await expectCleanStop(launched)
    })

    it('websocket/server.js echoes through nginx', async () => {
      const launched = launchApp('websocket/server.js', 'nginx', node)
      const socket = new WebSocket(new URL('/echo', (await launched.ready()).replace(/^http/, 'ws')))
      expect(String((await once(socket, 'message'))[0])).toBe('hello stranger')
      socket.send('text')
      expect(String((await once(socket, 'message'))[0])).toBe('text')
      const closed = once(socket, 'close')
      socket.close(1000)
      await closed
      await expectCleanStop(launched)
    })
  })
})
