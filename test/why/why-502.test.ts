import { chmodSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished } from 'vitest'

import { temporaryDirectory } from '../launcher/temporary.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { memoryGroup } from './memory-group.ts'
import { idOf, Scene } from './scene.ts'

const { test } = requires('dist', 'nginx', 'proc')

/** Over uwsgi nginx keeps no connections: what is wrong with the socket shows at once. */
const NGINX = ['--server-type', 'nginx'] as const
const UWSGI = [...NGINX, '--wire', 'uwsgi'] as const

describe('a request that fails between nginx and a worker', () => {
  test('whose application ends the process is explained by its exit code, once, on a page that has its id', async () => {
    const scene = await Scene.start(...NGINX, '--processes', '2')
    const answer = await scene.get('/exit')
    expect(answer.status).toBe(502)
    expect(answer.body).toBe(`Bad Gateway. Request id: ${idOf(answer)}`)
    const line = await scene.explained(idOf(answer))
    expect(line).toMatch(/TSGI_ERR_REQUEST_EXIT GET \/exit \[\w+\] got 502: .*worker \d+ ended with exit code 3\. Throw an error/)
    expect(line.split('\n')).toHaveLength(1)
  })

  test('that is in flight when nobody catches an exception is explained by the worker, and has its id', async () => {
    const scene = await Scene.start(...NGINX)
    const answer = await scene.get('/throw')
    expect(answer.status).toBe(500)
    const line = await scene.explained(idOf(answer))
    expect(line).toMatch(/TSGI_ERR_APPLICATION GET \/throw \[\w+\]/)
    expect(scene.log).toMatch(/uncaught exception.*nobody catches this/)
  })

  test('whose worker is killed is explained by the signal', async () => {
    const scene = await Scene.start(...NGINX)
    const { pid, answer } = await scene.held()
    process.kill(pid, 'SIGKILL')
    // nginx tries once more, with a worker that holds it again.
    const again = await scene.held()
    process.kill(again.pid, 'SIGKILL')
    const line = await scene.explained(idOf(await answer))
    expect(line).toMatch(
      new RegExp(`TSGI_ERR_REQUEST_KILLED GET /wait .* got 502: .*worker (?:${pid}|${again.pid}) ended by SIGKILL`),
    )
    expect(line).toMatch(/it had \d+ MB shortly before/)
  })

  test('that blocks its worker is explained by the heartbeat that ended that, with the place', async () => {
    const scene = await Scene.start(...NGINX, '--heartbeat-timeout', '500ms')
    const answer = await scene.get('/spin')
    expect(answer.status).toBe(502)
    expect(await scene.explained(idOf(answer))).toMatch(
      /TSGI_ERR_REQUEST_STUCK GET \/spin \[\w+\] got 502: .*worker \d+ was stuck for [\d.]+ s in .*wsgi\.mjs:\d+:\d+\)/,
    )
  })

  test('that takes longer than the proxy waits is explained by its time', async () => {
    const rules = join(temporaryDirectory(), 'rules.conf')
    writeFileSync(rules, 'location = /slow { fastcgi_read_timeout 300ms; fastcgi_pass tsgi_workers; }')
    const scene = await Scene.start(...NGINX, '--include-file', rules)
    const answer = await scene.get('/slow')
    expect(answer.status).toBe(504)
    expect(answer.body).toBe(`Gateway Timeout. Request id: ${idOf(answer)}`)
    expect(await scene.explained(idOf(answer))).toMatch(
      /TSGI_ERR_PROXY_TIMEOUT GET \/slow \[\w+\] got 504: .*the request took 0\.\d s\. .*--request-timeout/,
    )
  })

  test('whose response has a head that is too large is explained by that', async () => {
    const scene = await Scene.start(...NGINX)
    const answer = await scene.get('/large')
    expect(answer.status).toBe(502)
    expect(await scene.explained(idOf(answer))).toMatch(
      /TSGI_ERR_RESPONSE_HEAD_TOO_LARGE GET \/large \[\w+\] got 502: .*32 KB.*cookies/,
    )
  })

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

  test('whose response ends half-way is explained beside the line of the worker, which has the same id', async () => {
    const scene = await Scene.start(...NGINX)
    await expect(scene.get('/half')).rejects.toThrow()
    const lines = (): string[] => scene.log.split('\n').filter((line) => line.includes('GET /half ['))
    await until(() => lines().some((line) => line.includes('TSGI_ERR_RESPONSE_CUT')), `the line in\n${scene.log}`)
    const [id] = new Set(lines().map((line) => /\[(\w{32})\]/.exec(line)?.[1]))
    expect(lines().length).toBeGreaterThan(1)
    expect(lines().every((line) => line.includes(`[${id}]`))).toBe(true)
    expect(lines().join('\n')).toMatch(/TSGI_ERR_RESPONSE_CUT GET \/half \[\w+\] was broken off: /)
  })

  test('whose response of unknown length ends half-way is explained, though nginx does not tell its id', async () => {
    const scene = await Scene.start(...NGINX)
    await expect(scene.get('/stream')).rejects.toThrow()
    await until(
      () => /TSGI_ERR_REQUEST_EXIT GET \/stream \[-\] was broken off: .*exit code 4/.test(scene.log),
      `the line in\n${scene.log}`,
    )
  })

  test('whose client leaves is no error: a line for who wants to know', async () => {
    const scene = await Scene.start(...NGINX, '--log-level', 'debug')
    const { host } = new URL(scene.url)
    const socket = connect({ host: '127.0.0.1', port: Number(host.split(':')[1]) })
    socket.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n')
    setTimeout(() => socket.destroy(), 200)
    await until(
      () => /debug \[\d+\] TSGI_ERR_CLIENT_DISCONNECTED GET \/wait \[\w+\]: the client left/.test(scene.log),
      'the line',
    )
  })

  // Where this machine lets nobody limit memory, memory-kills.test.ts has to do.
  const group = memoryGroup()
  if (group !== undefined) {
    test('whose worker the system kills for lack of memory is explained by that', async () => {
      const scene = await Scene.startWith({ node: group.enter(500) }, ...NGINX)
      const answer = await scene.get('/hoard')
      expect(answer.status).toBe(502)
      expect(await scene.explained(idOf(answer))).toMatch(
        /TSGI_ERR_REQUEST_OOM GET \/hoard \[\w+\] got 502: .*the system killed worker \d+ for lack of memory; it had \d+ MB/,
      )
    })
  }

  test('is counted by its code', async () => {
    const scene = await Scene.start(...NGINX)
    const answer = await scene.get('/large')
    await scene.explained(idOf(answer))
    expect(await scene.metrics()).toContain('tsgi_failed_requests_total{mount="/",code="TSGI_ERR_RESPONSE_HEAD_TOO_LARGE"} 1\n')
  })
})
