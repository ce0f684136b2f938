import { chmodSync, renameSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, onTestFinished } from 'vitest'

import { requires } from '../support/requirements.ts'
import { idOf, Scene } from './scene.ts'

const { test } = requires('dist', 'nginx', 'proc')

/** Over uwsgi nginx keeps no connections: what is wrong with the socket shows at once. */
const UWSGI = ['--server-type', 'nginx', '--wire', 'uwsgi'] as const

describe('a request that fails between nginx and a worker', () => {
  test('for a socket that was removed is explained by its path', async () => {
    const scene = await Scene.start(...UWSGI)
    rmSync(scene.socket)
    const answer = await scene.get('/')
    expect(answer.status).toBe(502)
    const line = await scene.explained(idOf(answer))
    expect(line).toContain('TSGI_ERR_SOCKET_MISSING GET / [')
    expect(line).toContain(scene.socket)
  })

  test('for a socket that the proxy may not use is explained by its mode and owner', async () => {
    const scene = await Scene.start(...UWSGI)
    const { uid, gid } = statSync(scene.socket)
    chmodSync(scene.socket, 0)
    const answer = await scene.get('/')
    expect(answer.status).toBe(502)
    expect(await scene.explained(idOf(answer))).toMatch(
      new RegExp(`TSGI_ERR_SOCKET_FORBIDDEN GET / .*mode 0, owner ${uid}:${gid}\\).*chmod 660`),
    )
  })

  test('for workers whose queue is full is explained by that', async () => {
    const scene = await Scene.start(...UWSGI)
    for (const pid of scene.launched.workers()) process.kill(pid, 'SIGSTOP')
    const sockets: Socket[] = []
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      for (const pid of scene.launched.workers()) process.kill(pid, 'SIGCONT')
    })
    let full = false
    while (!full) {
      const more = Array.from({ length: 256 }, () => connect(scene.socket).on('error', () => (full = true)))
      sockets.push(...more)
      await Promise.all(more.map((each) => new Promise((resolve) => each.once('connect', resolve).once('error', resolve))))
    }
    const answer = await scene.get('/')
    expect(answer.status).toBe(502)
    expect(await scene.explained(idOf(answer))).toMatch(/TSGI_ERR_BACKLOG_FULL GET \/ \[\w+\] got 502: .*start more --processes/i)
  })

  test('that gets rubbish is explained by the words of nginx', async () => {
    const scene = await Scene.start(...UWSGI)
    renameSync(scene.socket, `${scene.socket}.away`)
    const server = createServer((socket) => socket.on('error', () => {}).end('\0rubbish\r\n\r\n'))
    await new Promise<void>((resolve) => server.listen(scene.socket, resolve))
    onTestFinished(() => void server.close())
    chmodSync(scene.socket, 0o666)
    const answer = await scene.get('/')
    expect(answer.status).toBe(502)
    expect(await scene.explained(idOf(answer))).toMatch(
      /TSGI_ERR_RESPONSE_MALFORMED GET \/ \[\w+\] got 502: .*upstream sent invalid header/,
    )
  })
})
