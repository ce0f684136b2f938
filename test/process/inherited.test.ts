import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { isListening } from '../../src/process/listening-descriptor.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { childrenOf, fixture, get, Served, servingPids, temporaryDirectory } from './served.ts'

/** `spawn-fcgi -n`: puts a listening socket on descriptor 0 and becomes the server. */
function spawned(where: readonly string[], ...args: string[]): Served {
  return new Served({
    args: [fixture('hello.js'), ...args],
    // Its own path and arguments follow `--`.
    wrapper: ['spawn-fcgi', '-n', ...where, '--'],
  })
}

requires('dist', 'proc', 'spawn-fcgi', 'cgi-fcgi').describe('behind spawn-fcgi', () => {
  it.each([{ args: [] }, { args: ['--bind', 'fd://0'] }])('serves descriptor 0, with $args', async ({ args }) => {
    const socket = join(temporaryDirectory(), 'fcgi')
    const served = await spawned(['-s', socket], ...args, '--workers', '2').ready()
    expect(served.output).toContain('Listening on fd://0')
    const { stdout } = spawnSync('cgi-fcgi', ['-bind', '-connect', socket], {
      encoding: 'latin1',
      env: { REQUEST_METHOD: 'GET', REQUEST_URI: '/', SERVER_PROTOCOL: 'HTTP/1.1', SERVER_NAME: 'a', SERVER_PORT: '80' },
    })
    expect(stdout).toMatch(/^Status: 200/m)
    expect(await servingPids(socket, 2)).toEqual(new Set(childrenOf(served.pid)))
    served.kill('SIGHUP')
    await served.until(/reloaded: 2 worker/)
    expect((await get(socket)).status).toBe(200)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    // spawn-fcgi has made it.
    expect(existsSync(socket)).toBe(true)
  })

  it('serves a TCP port on descriptor 0', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    server.close()
    await once(server, 'close')
    const served = await spawned(['-a', '127.0.0.1', '-p', port]).ready()
    expect(served.output).toContain('Listening on fd://0')
    expect((await get(`127.0.0.1:${port}`)).status).toBe(200)
  })
})

requires('proc').test('a socket listens or does not; nothing else does', async () => {
  const path = join(temporaryDirectory(), 'socket')
  for (const where of [path, { port: 0, host: '127.0.0.1' }]) {
    const accepted: Socket[] = []
    const server = createServer((socket) => void accepted.push(socket)).listen(where as string)
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const address = server.address()
    const client = typeof address === 'string' ? connect(address) : connect(address?.port ?? 0, '127.0.0.1')
    await once(client, 'connect')
    await until(() => accepted.length === 1, 'the connection')
    expect(isListening(descriptorOf(server))).toBe(true)
    expect(isListening(descriptorOf(client))).toBe(false)
    expect(isListening(descriptorOf(accepted[0]))).toBe(false)
    for (const socket of [client, ...accepted]) socket.destroy()
  }
  expect(isListening(9999)).toBe(false)
})

it('an inherited descriptor that is no socket is refused by name', async () => {
  const served = new Served({ args: [fixture('hello.js'), '--bind', 'fd://0'] })
  expect(await served.ended).toBe(1)
  expect(served.output).toContain('TSGI_ERR_LISTEN Cannot listen: fd://0: the inherited descriptor 0 is not a socket')
})

/** Node keeps it in the handle. */
function descriptorOf(owner: unknown): number {
  const handle: unknown = Reflect.get(Object(owner), '_handle')
  return Number(Reflect.get(Object(handle), 'fd'))
}
