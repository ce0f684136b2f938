import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { childrenOf, fixture, get, Served, temporaryDirectory } from './served.ts'

async function serving(name: string, ...args: string[]): Promise<{ served: Served; socket: string }> {
  const socket = join(temporaryDirectory(), 'app.sock')
  const served = new Served({ args: [fixture(name), '--bind', `unix:${socket}`, ...args] })
  await served.ready()
  return { served, socket }
}

describe("an application's own handlers of signals", () => {
  test('are called behind the last request, and end the process in their own time', async () => {
    const { served, socket } = await serving('handles-signals.js')
    const slow = get(socket, '/slow')
    await get(socket)
    served.kill('SIGTERM')
    await served.until(/stop|end/i)
    expect(await slow).toEqual({ status: 200, body: 'slow' })
    expect(await served.ended).toBe(0)
    const told = served.output.split('\n').filter((line) => /^(?:handler|server|resources|exit)/.test(line))
    expect(told).toEqual(['handler called', 'server closed well', 'resources closed', 'exit'])
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'are not called by a %s to a worker before its last request is finished',
    async (signal) => {
      const { served, socket } = await serving('handles-signals.js')
      const slow = get(socket, '/slow')
      await get(socket)
      for (const pid of childrenOf(served.pid)) process.kill(pid, signal)
      expect(await slow).toEqual({ status: 200, body: 'slow' })
      served.kill('SIGTERM')
      expect(await served.ended).toBe(0)
    },
  )

  test('are called by a signal to the whole group as by one to the master, which takes no worker for lost', async () => {
    const { served, socket } = await serving('handles-signals.js')
    const slow = get(socket, '/slow')
    await get(socket)
    for (const pid of childrenOf(served.pid)) process.kill(pid, 'SIGTERM')
    served.kill('SIGTERM')
    expect(await slow).toEqual({ status: 200, body: 'slow' })
    expect(await served.ended).toBe(0)
    expect(served.output).toContain('resources closed')
    expect(served.output).not.toContain('another one starts')
  })

  test('may be those of SIGINT alone, and end by sending the signal again', async () => {
    const { served } = await serving('signals-itself.js')
    const before = performance.now()
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(served.output).toContain('cleaned up behind SIGINT')
    expect(performance.now() - before).toBeLessThan(3000)
  })

  test('are called in a worker that ends alone, too', async () => {
    const { served, socket } = await serving('handles-signals.js')
    const pid = Number((await get(socket)).body)
    process.kill(pid, 'SIGTERM')
    await served.until(/resources closed/)
    await served.until(/^exit$/m)
    expect(Number((await get(socket)).body)).not.toBe(pid)
  })
})

test('messages between master and worker are not seen by the application', async () => {
  const { served } = await serving('handles-signals.js')
  served.kill('SIGTERM')
  expect(await served.ended).toBe(0)
  expect(served.output).not.toContain('message {')
})
