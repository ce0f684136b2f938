import { chmodSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished } from 'vitest'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { idOf, Scene } from './scene.ts'

const { test } = requires('dist', 'apache2', 'mkfifo', 'proc')

const APACHE = ['--server-type', 'apache'] as const
/** Over uwsgi Apache keeps no connections: what is wrong with the socket shows at once. */
const UWSGI = [...APACHE, '--wire', 'uwsgi'] as const

describe.each(['fastcgi', 'uwsgi', 'scgi', 'http'])('a request that fails between Apache and a worker, over %s', (wire) => {
  test('is explained by what became of the worker, with the id that its client has seen', async () => {
    const scene = await Scene.start(...APACHE, '--wire', wire)
    const answer = await scene.get('/exit')
    expect([500, 502, 503]).toContain(answer.status)
    expect(answer.body).toMatch(new RegExp(`^[\\w ]+\\. Request id: ${idOf(answer)}$`))
    const line = await scene.explained(idOf(answer))
    expect(line).toMatch(
      new RegExp(`TSGI_ERR_REQUEST_EXIT GET /exit \\[\\S+\\] got ${answer.status}: .*worker \\d+ ended with exit code 3`),
    )
    expect(line.split('\n')).toHaveLength(1)
  })
})

describe('a request that fails between Apache and a worker', () => {
  test('whose worker is killed is explained by the signal', async () => {
    const scene = await Scene.start(...APACHE)
    const { pid, answer } = await scene.held()
    process.kill(pid, 'SIGKILL')
    expect(await scene.explained(idOf(await answer))).toMatch(
      new RegExp(`TSGI_ERR_REQUEST_KILLED GET /wait .*worker ${pid} ended by SIGKILL`),
    )
  })

  test('that blocks its worker is explained by the heartbeat that ended that', async () => {
    const scene = await Scene.start(...APACHE, '--heartbeat-timeout', '500ms')
    const answer = await scene.get('/spin')
    expect(await scene.explained(idOf(answer))).toMatch(
      /TSGI_ERR_REQUEST_STUCK GET \/spin .*was stuck for [\d.]+ s in .*wsgi\.mjs/,
    )
  })

  test('whose response has a head that is too large is explained by that', async () => {
    const scene = await Scene.start(...APACHE)
    const answer = await scene.get('/large')
    expect(await scene.explained(idOf(answer))).toMatch(/TSGI_ERR_RESPONSE_HEAD_TOO_LARGE GET \/large \[\S+\] got 500/)
  })

  test('for a socket that was removed is explained by its path', async () => {
    const scene = await Scene.start(...UWSGI)
    rmSync(scene.socket)
    const answer = await scene.get('/')
    expect(answer.status).toBe(503)
    const line = await scene.explained(idOf(answer))
    expect(line).toContain('TSGI_ERR_SOCKET_MISSING GET / [')
    expect(line).toContain(scene.socket)
  })

  test('for a socket that the proxy may not use is explained by its mode and owner', async () => {
    const scene = await Scene.start(...UWSGI)
    chmodSync(scene.socket, 0)
    const answer = await scene.get('/')
    expect(answer.status).toBe(503)
    expect(await scene.explained(idOf(answer))).toMatch(/TSGI_ERR_SOCKET_FORBIDDEN GET \/ .*mode 0, owner \d+:\d+\)/)
  })

  test('that the worker has given up has the id of the line of the worker', async () => {
    const scene = await Scene.start(...APACHE, '--request-timeout', '500ms')
    const answer = await scene.get('/slow')
    expect(answer.status).toBe(504)
    expect(await scene.explained(idOf(answer))).toMatch(/TSGI_ERR_REQUEST_TIMEOUT GET \/slow/)
  })

  test('that gets rubbish is explained by the words of Apache', async () => {
    const scene = await Scene.start(...APACHE)
    renameSync(scene.socket, `${scene.socket}.away`)
    const server = createServer((socket) => socket.on('error', () => {}).end('rubbish, and more of it'))
    await new Promise<void>((resolve) => server.listen(scene.socket, resolve))
    onTestFinished(() => void server.close())
    chmodSync(scene.socket, 0o666)
    // Its connections, which Apache has kept, end with it.
    for (const pid of scene.launched.workers()) process.kill(pid, 'SIGKILL')
    await until(() => scene.log.includes('TSGI_ERR_WORKER_EXIT'), 'the end of the worker')
    const answer = await scene.get('/')
    expect([500, 502, 503]).toContain(answer.status)
    expect(await scene.explained(idOf(answer))).toMatch(/TSGI_ERR_RESPONSE_MALFORMED GET \/ /)
  })

  test('whose response ends half-way is explained beside the line of the worker, which has the same id', async () => {
    const scene = await Scene.start(...APACHE)
    await expect(scene.get('/half')).rejects.toThrow()
    const line = (): string | undefined => /TSGI_ERR_RESPONSE_CUT - \[(\S+)\] was broken off/.exec(scene.log)?.[1]
    await until(() => line() !== undefined, 'the line')
    expect(scene.log).toContain(`GET /half [${line()}] failed after its headers`)
  })

  test('is explained on the terminal, where the logs go there', async () => {
    const scene = await Scene.start(...APACHE, '--log-to-terminal')
    const id = idOf(await scene.get('/exit'))
    await until(() => scene.launched.stderr.includes(`TSGI_ERR_REQUEST_EXIT GET /exit [${id}]`), 'the line')
  })
})
