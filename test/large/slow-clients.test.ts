import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

import { get, Launched } from '../launcher/launched.ts'
import { requires } from '../support/requirements.ts'

/** Connections that never finish their request, kept at this number. */
const SLOW_CLIENTS = 500

const DURATION_MS = 30_000

/** Longest that a normal client may wait, milliseconds. */
const PATIENCE_MS = 2000

const app = fileURLToPath(new URL('../launcher/apps/hello.js', import.meta.url))

/** Sends a header a second for ever, and begins anew when it is sent away. Gives what ends it, and how often it was sent away. */
function slowly(port: number): { sentAway: () => number; end: () => void } {
  let sentAway = 0
  let ended = false
  let socket: Socket | undefined
  const open = (): void => {
    const own = connect(port, '127.0.0.1', () => own.write('POST / HTTP/1.1\r\nHost: slow.test\r\n'))
    socket = own
    const timer = setInterval(() => own.write('X-A: b\r\n'), 1000)
    own.on('error', () => {})
    own.resume()
    own.on('close', () => {
      clearInterval(timer)
      sentAway += 1
      if (!ended) open()
    })
  }
  open()
  return {
    sentAway: () => sentAway,
    end() {
      ended = true
      socket?.destroy()
    },
  }
}

for (const [serverType, program] of [
  ['nginx', 'nginx'],
  ['apache', 'apache2'],
] as const) {
  requires(program, 'dist', 'full').test(
    `${SLOW_CLIENTS} clients that send a header a second do not keep others from ${serverType}`,
    async () => {
      const server = new Launched(['start-server', app, '--port', '0', '--server-type', serverType])
      const url = await server.ready()
      const clients = Array.from({ length: SLOW_CLIENTS }, () => slowly(Number(new URL(url).port)))
      const end = performance.now() + DURATION_MS
      let answers = 0
      let longest = 0
      while (performance.now() < end) {
        const from = performance.now()
        const { status } = await get(url)
        longest = Math.max(longest, performance.now() - from)
        expect(status).toBe(200)
        answers += 1
        await sleep(20)
      }
      for (const client of clients) client.end()
      console.log(
        `${serverType}: ${answers} answers beside ${SLOW_CLIENTS} slow clients, the longest took ${Math.round(longest)} ms; sent away ${clients.reduce((sum, client) => sum + client.sentAway(), 0)} times`,
      )
      expect(longest).toBeLessThan(PATIENCE_MS)
      // The time for a head is over in that time, for everyone.
      expect(clients.every((client) => client.sentAway() > 0)).toBe(true)
    },
    120_000,
  )
}
