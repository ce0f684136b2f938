import { createConnection } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fixture, get, Served, temporaryDirectory } from './served.ts'

/** Serves a fixture on a unix socket, spoken to in HTTP. */
async function serving(name: string, ...args: string[]): Promise<{ served: Served; socket: string }> {
  const socket = join(temporaryDirectory(), 'app.sock')
  const served = new Served({ args: [fixture(name), '--bind', `unix:${socket}`, ...args] })
  await served.ready()
  return { served, socket }
}

/** Whether somebody listens on the port that the fixtures ask for. */
async function portIsOpen(port: number): Promise<boolean> {
  const connection = createConnection({ host: '127.0.0.1', port })
  try {
    await once(connection, 'connect')
    return true
  } catch {
    return false
  } finally {
    connection.destroy()
  }
}

describe('a script that starts a server', () => {
  test('is served, and sees a server that listens', async () => {
    const { socket } = await serving('starts-server.js')
    const { body } = await get(socket, '/a?b=c')
    expect(JSON.parse(body)).toEqual({
      pid: expect.any(Number) as number,
      url: '/a?b=c',
      address: { address: '127.0.0.1', family: 'IPv4', port: 3999 },
      listening: true,
      told: ['event', 'callback'],
    })
    expect(await portIsOpen(3999)).toBe(false)
  })

  test('is served by several workers', async () => {
    const { socket } = await serving('starts-server.js', '--workers', '2')
    expect((await get(socket)).status).toBe(200)
  })

  test('may start it some time after it was loaded', async () => {
    const { socket } = await serving('starts-server-later.js')
    expect(await get(socket)).toEqual({ status: 200, body: 'later' })
  })

  test('may wait for its server before it has loaded', async () => {
    const { socket } = await serving('awaits-listening.js')
    expect(await get(socket)).toEqual({ status: 200, body: 'awaited' })
  })

  test('starts its second server for itself', async () => {
    const { socket } = await serving('starts-two-servers.js')
    expect(await get(socket)).toEqual({ status: 200, body: 'from the inner server' })
  })

  test('ends its worker, and gets another, when it closes its server', async () => {
    const { served, socket } = await serving('closes-its-server.js')
    expect((await get(socket, '/stop')).body).toBe('answered')
    await served.until(/the server is closed/)
    await served.until(/worker \d+ ends because its application closed its server/)
    expect((await get(socket)).body).toBe('answered')
  })
})

describe('a module that exports an application and starts a server', () => {
  test('opens no port for the application', async () => {
    const { socket } = await serving('exports-and-starts.js')
    expect((await get(socket)).status).toBe(200)
    expect(await portIsOpen(3999)).toBe(false)
  })

  test('starts a server of another kind for itself', async () => {
    const { socket } = await serving('exports-and-starts-another.js')
    const { body } = await get(socket)
    expect((await get(`127.0.0.1:${body}`)).body).toBe('metrics')
  })

  test('sees its mount point as Express does that of a part of an application', async () => {
    const { socket } = await serving('exports-and-starts.js', '--mount-point', '/shop')
    expect(JSON.parse((await get(socket, '/shop/?a=b')).body)).toMatchObject({
      baseUrl: '/shop',
      originalUrl: '/shop/?a=b',
      url: '/?a=b',
    })
    expect((await get(socket, '/shopping')).status).toBe(404)
  })
})

test('an exported (req, res) function is served', async () => {
  const { socket } = await serving('listener.js')
  expect(await get(socket)).toEqual({ status: 200, body: 'node' })
})

test('a promise that stands for the application is waited for', async () => {
  const { socket } = await serving('exports-promise.js')
  expect(await get(socket)).toEqual({ status: 200, body: 'from a promise' })
})

describe('a listener that fails', () => {
  test.each(['/sync', '/async'])('answers 500 and lives, %s', async (path) => {
    const { served, socket } = await serving('failing-listener.js')
    expect(await get(socket, path)).toEqual({ status: 500, body: 'Internal Server Error\n' })
    await served.until(/GET \/\w+ failed.*the listener failed/s)
    expect((await get(socket, path)).status).toBe(500)
  })

  test("fails its own request in a script's server, too", async () => {
    const { socket } = await serving('rejects-in-a-server.js')
    const before = await get(socket)
    expect(await get(socket, '/fails')).toEqual({ status: 500, body: 'Internal Server Error\n' })
    expect(await get(socket)).toEqual(before)
  })

  test('ends a response that has begun so that the client can see it', async () => {
    const { served, socket } = await serving('failing-listener.js')
    await expect(get(socket, '/late')).rejects.toThrow(/aborted|hang up|ECONNRESET/)
    await served.until(/failed after its headers/)
  })
})

describe('NODE_ENV', () => {
  test.each([
    [{}, 'production'],
    [{ NODE_ENV: 'staging' }, 'staging'],
  ])('with %j is %s', async (env, expected) => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const served = new Served({ args: [fixture('node-env.js'), '--bind', `unix:${socket}`], env })
    await served.ready()
    expect((await get(socket)).body).toBe(expected)
  })
})
