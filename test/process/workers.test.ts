import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { fixture, get, Served, servingPid, servingPids, temporaryDirectory } from './served.ts'

const { describe, test } = requires('dist')

describe('workers', () => {
  test('four of them serve one socket', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const served = await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`, '--workers', '4'] }).ready()
    const pids = await servingPids(socket, 4)
    expect(pids.size).toBe(4)
    expect(pids).not.toContain(served.pid)
    expect(JSON.parse((await get(socket)).body)).toMatchObject({ multiprocess: true })
  })

  test('several addresses are served by each, with the port that the system chose', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const args = [fixture('hello.js'), '--bind', `unix:${socket}`, '--bind', '127.0.0.1:0', '--bind', '[::1]:0']
    const served = await new Served({ args }).ready()
    const [, port = ''] = await served.until(/^Listening on 127\.0\.0\.1:(\d+)$/m)
    const [, port6 = ''] = await served.until(/^Listening on \[::1\]:(\d+)$/m)
    expect(Number(port)).toBeGreaterThan(0)
    expect(Number(port6)).toBeGreaterThan(0)
    const overTcp = await servingPid(`127.0.0.1:${port}`)
    expect(overTcp).toBe(await servingPid(socket))
  })

  test('one that is killed is replaced within a second, and the log says what happened', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const served = await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`] }).ready()
    const victim = await servingPid(socket)
    const killedAt = performance.now()
    process.kill(victim, 'SIGKILL')
    // The socket stays open in the master, so this waits in the backlog for the next worker.
    const next = await servingPid(socket).catch(() => servingPid(socket))
    expect(performance.now() - killedAt).toBeLessThan(1000)
    expect(next).not.toBe(victim)
    await served.until(
      new RegExp(
        `TSGI_ERR_WORKER_EXIT .*worker ${victim} ended by SIGKILL \\(killed by somebody, or by the system for lack of memory\\)`,
      ),
    )
  })

  test('one whose application exits is replaced, with the exit code in the log', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const served = await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`] }).ready()
    await expect(get(socket, '/exit')).rejects.toThrow()
    await served.until(/ended with exit code 70; another one starts now/)
    expect((await get(socket)).status).toBe(200)
  })

  for (const path of ['/crash', '/reject']) {
    test(`an exception that nobody catches (${path}) ends the worker after its requests, and another takes over`, async () => {
      const socket = join(temporaryDirectory(), 'app.sock')
      const served = await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`] }).ready()
      const before = await servingPid(socket)
      const slow = get(socket, '/slow/300')
      expect((await get(socket, path)).status).toBe(200)
      expect((await slow).status).toBe(200)
      await served.until(
        /uncaught exception, or a rejection that nobody handles; this worker finishes its requests and ends: nobody/,
      )
      await served.until(/^ {4}at .*hello\.js:\d+/m)
      await served.until(/ends after an uncaught exception; another one starts now/)
      expect(await servingPid(socket)).not.toBe(before)
    })
  }

  test('one that keeps dying is started again after growing waits, and the log says when', async () => {
    const directory = temporaryDirectory()
    const socket = join(directory, 'app.sock')
    const env = { TSGI_TEST_MARKER: join(directory, 'loaded') }
    const served = await new Served({ args: [fixture('fails-the-second-time.js'), '--bind', `unix:${socket}`], env }).ready()
    expect(existsSync(env.TSGI_TEST_MARKER)).toBe(true)
    await expect(get(socket, '/exit')).rejects.toThrow()
    await served.until(/another one starts now/)
    await served.until(/did not start: .*Error: the second load fails\n {4}\s+at /)
    await served.until(/2 in a row that ended early; another one starts in 100 ms/)
    await served.until(/another one starts in 200 ms/)
  })

  test('an application may use the channel to its parent for itself', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    await new Served({ args: [fixture('talks-to-parent.js'), '--bind', `unix:${socket}`] }).ready()
    expect((await get(socket)).status).toBe(200)
  })

  test('an application sees arguments, environment and mount point as it should', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const args = [fixture('hello.js'), '--bind', `unix:${socket}`, '--setenv', 'TSGI_TEST_VALUE', 'a b', '--mount-point', '/shop']
    await new Served({ args }).ready()
    expect((await get(socket, '/')).status).toBe(404)
    expect(JSON.parse((await get(socket, '/shop/cart')).body)).toMatchObject({
      argv: [process.execPath, fixture('hello.js')],
      setenv: 'a b',
      path: '/cart',
      script: '/shop',
      multiprocess: false,
    })
  })
})
