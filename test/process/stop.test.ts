import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { requires } from '../support/requirements.ts'
import { childrenOf, fixture, get, isRunning, Served, servingPid, servingPids, temporaryDirectory } from './served.ts'

const { describe, test } = requires('dist')

/** A server that has a request in flight which takes `ms`. The promise resolves to its status, or 0 where it was cut off. */
async function busy(
  ms: number,
  args: readonly string[] = [],
): Promise<{ served: Served; socket: string; inFlight: Promise<number>; worker: number }> {
  const socket = join(temporaryDirectory(), 'app.sock')
  const served = await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`, ...args] }).ready()
  const inFlight = get(socket, `/slow/${ms}`).then(
    ({ status }) => status,
    () => 0,
  )
  // Answered by the same worker, after it has taken the slow one.
  const worker = await servingPid(socket)
  return { served, socket, inFlight, worker }
}

describe('stopping', () => {
  test('TERM lets a request of two seconds finish, then ends with 0 and leaves no socket', async () => {
    const { served, socket, inFlight, worker } = await busy(2000)
    served.kill('SIGTERM')
    expect(await inFlight).toBe(200)
    expect(await served.ended).toBe(0)
    expect(isRunning(worker)).toBe(false)
    expect(existsSync(socket)).toBe(false)
  })

  test('TERM kills what is not finished within the graceful timeout', async () => {
    const { served, inFlight, worker } = await busy(60_000, ['--graceful-timeout', '500ms'])
    const at = performance.now()
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(performance.now() - at).toBeLessThan(2500)
    expect(await inFlight).not.toBe(200)
    expect(isRunning(worker)).toBe(false)
    expect(served.output).toMatch(/unfinished request|did not end in time/)
  })

  test('INT gives a request that is nearly done its time, and ends within two seconds', async () => {
    const { served, inFlight } = await busy(400)
    const at = performance.now()
    served.kill('SIGINT')
    expect(await inFlight).toBe(200)
    expect(await served.ended).toBe(0)
    expect(performance.now() - at).toBeLessThan(2000)
  })

  test('a second INT ends everything at once', async () => {
    const { served, worker } = await busy(60_000, ['--graceful-timeout', '1m'])
    served.kill('SIGTERM')
    await served.until(/SIGTERM: stopping/)
    const at = performance.now()
    served.kill('SIGINT')
    expect(await served.ended).toBe(0)
    expect(performance.now() - at).toBeLessThan(1000)
    expect(isRunning(worker)).toBe(false)
  })

  test('an INT that a terminal sends to the whole group leaves the requests to the master', async () => {
    const { served, inFlight, worker } = await busy(300)
    for (const pid of [worker, served.pid]) process.kill(pid, 'SIGINT')
    expect(await inFlight).toBe(200)
    expect(await served.ended).toBe(0)
  })

  test('a worker that gets TERM finishes its requests, while another already serves', async () => {
    const { served, socket, inFlight, worker } = await busy(1500)
    process.kill(worker, 'SIGTERM')
    await served.until(new RegExp(`worker ${worker} ends because somebody sent it SIGTERM; another one starts now`))
    expect(await servingPid(socket)).not.toBe(worker)
    expect(isRunning(worker)).toBe(true)
    expect(await inFlight).toBe(200)
  })

  test('WINCH ends nothing', async () => {
    const { served, socket, worker } = await busy(1)
    served.kill('SIGWINCH')
    served.kill('SIGTTOU')
    await served.until(/SIGTTOU: there is only one worker/)
    expect(await servingPid(socket)).toBe(worker)
  })

  test('INT during the boot ends it with nothing left', async () => {
    const directory = temporaryDirectory()
    const served = new Served({
      args: [fixture('hangs-on-load.js'), '--bind', `unix:${join(directory, 'app.sock')}`, '--log-level', 'debug'],
    })
    await served.until(/worker \d+ starts/)
    const [worker = 0] = childrenOf(served.pid)
    served.kill('SIGINT')
    expect(await served.ended).toBe(0)
    expect(isRunning(worker)).toBe(false)
    expect(readdirSync(directory)).toEqual([])
  })
})

describe('a master that is killed', () => {
  test('takes its workers with it within two seconds, and leaves a socket that the next one reclaims', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const args = [fixture('hello.js'), '--bind', `unix:${socket}`, '--workers', '2']
    const served = await new Served({ args }).ready()
    const workers = await servingPids(socket, 2)
    const at = performance.now()
    served.kill('SIGKILL')
    await until(() => ![...workers].some(isRunning), 'the workers to end', 3000)
    expect(performance.now() - at).toBeLessThan(2000)
    expect(existsSync(socket)).toBe(true)

    await new Served({ args }).ready()
    expect(workers).not.toContain(await servingPid(socket))
  })
})
