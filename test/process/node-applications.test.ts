import { createConnection, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
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

describe('a script that several workers cannot run', () => {
  test('is refused at its cluster.fork(), with what to do', async () => {
    const served = new Served({ args: [fixture('forks.js'), '--bind', `unix:${join(temporaryDirectory(), 'app.sock')}`] })
    expect(await served.ended).toBe(1)
    expect(served.output).toContain('forks.js starts processes with node:cluster; here --processes does')
    expect(served.output).toMatch(/forks\.js:5:/)
  })

  test('is told why, and how its workers can be told apart, when they open one port', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void holder.close())
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    const served = new Served({
      args: [fixture('two-fixed-ports.js'), '--bind', `unix:${join(temporaryDirectory(), 'app.sock')}`, '--workers', '2'],
      env: { METRICS_PORT: String(port) },
    })
    expect(await served.ended).toBe(1)
    expect(served.output).toContain(
      `EADDRINUSE: address already in use 127.0.0.1:${port}. The application opens this port itself`,
    )
    expect(served.output).toContain('NODE_APP_INSTANCE=0')
  })
})

test('workers know their place', async () => {
  const socket = join(temporaryDirectory(), 'app.sock')
  const served = new Served({
    args: [fixture('two-fixed-ports.js'), '--bind', `unix:${socket}`, '--workers', '2'],
    env: { METRICS_PORT: '0' },
  })
  await served.ready()
  const places = new Set<string>()
  // Which of them accepts is the kernel's choice; 200 tries leave it to no chance that matters.
  for (let tries = 0; tries < 200 && places.size < 2; tries += 1)
    for (const { body } of await Promise.all([get(socket), get(socket)])) places.add(body)
  expect([...places].toSorted()).toEqual(['0', '1'])
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

describe('functions that may or may not be the application', () => {
  test('give way to the server that the script starts', async () => {
    const { served, socket } = await serving('helpers-and-server.js')
    expect(await get(socket)).toEqual({ status: 200, body: 'from the server' })
    expect(served.output).toContain('helpers-and-server.js starts a server on port 3999')
  })

  test('that make it give way to a server that starts a little later', async () => {
    const { socket } = await serving('factory-and-server.js')
    expect(await get(socket)).toEqual({ status: 200, body: 'from the server' })
  })

  test('are the application where there is no server', async () => {
    const { socket } = await serving('listener.js')
    expect((await get(socket)).status).toBe(200)
  })
})

test('an exported router answers 404 to what it has no route for, and 500 where a route fails', async () => {
  const { socket } = await serving('router.js')
  expect(await get(socket, '/hello')).toEqual({ status: 200, body: 'routed' })
  expect(await get(socket, '/nowhere')).toEqual({ status: 404, body: 'Not Found\n' })
  expect(await get(socket, '/fails')).toEqual({ status: 500, body: 'Internal Server Error\n' })
  expect(await get(socket, '/hello')).toEqual({ status: 200, body: 'routed' })
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
