import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { fixture, get, isRunning, Served, servingPid, servingPids, temporaryDirectory } from './served.ts'

const { describe, test } = requires('dist', 'proc')

async function serve(timeout: string, ...args: string[]): Promise<{ served: Served; socket: string }> {
  const socket = join(temporaryDirectory(), 'app.sock')
  const options = ['--bind', `unix:${socket}`, '--heartbeat-timeout', timeout, ...args]
  const served = await new Served({ args: [fixture('spins.ts'), ...options] }).ready()
  return { served, socket }
}

/** Sends a request that gets no answer. */
function stick(socket: string, path: string): Promise<string> {
  return get(socket, path).then(
    ({ status }) => `answered ${status}`,
    () => 'cut off',
  )
}

/** The line of the fixture where it spins. */
const SPIN_LINE =
  readFileSync(fixture('spins.ts'), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes('page.title ===')) + 1

function threadsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length
}

describe('the heartbeat', () => {
  test('ends a worker that is stuck in a loop, and tells where and with which requests', async () => {
    const { served, socket } = await serve('1s', '--workers', '2')
    await servingPids(socket, 2)
    const spinning = stick(socket, '/spin?x=1')
    const [, pid = ''] = await served.until(
      / error \[(\d+)\] TSGI_ERR_WORKER_STUCK The event loop is stuck: for \d\.\d s in render \(/,
    )
    // The others go on meanwhile.
    expect((await get(socket)).status).toBe(200)
    expect(await spinning).toBe('cut off')
    await served.until(/ +at application \(\S+spins\.ts:\d+:\d+\)$/m)
    const [, line = ''] = await served.until(/ +at render \(\/\S+spins\.ts:(\d+):\d+\)$/m)
    expect([SPIN_LINE - 1, SPIN_LINE]).toContain(Number(line))
    await served.until(/ +request in flight: GET \/spin\?x=1 \[\S+\]$/m)
    await served.until(
      new RegExp(`TSGI_ERR_WORKER_EXIT .*worker ${pid} was stuck for \\S+ s in render \\(.*, and was killed; another one`),
    )
    const pids = await servingPids(socket, 2)
    expect(pids).not.toContain(Number(pid))
  })

  test('names the requests that wait beside the one that is stuck', async () => {
    const { served, socket } = await serve('500ms')
    const waiting = stick(socket, '/wait/%0aforged')
    await until(() => served.output.includes('Ready'), 'the start')
    const stuck = stick(socket, '/spin')
    await served.until(/ +request in flight: GET \/spin \[/)
    await Promise.all([waiting, stuck])
    await servingPid(socket)
  })

  test('takes no idle worker, and none that was stopped for a while, for a stuck one', async () => {
    const { served, socket } = await serve('1s')
    const pid = await servingPid(socket)
    process.kill(pid, 'SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 2000))
    process.kill(pid, 'SIGCONT')
    expect(await servingPid(socket)).toBe(pid)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(await servingPid(socket)).toBe(pid)
    expect(served.output).not.toContain('STUCK')
  })

  test('leaves a process alone that has an inspector', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const args = [fixture('spins.ts'), '--bind', `unix:${socket}`, '--heartbeat-timeout', '500ms']
    const served = await new Served({ args, env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } }).ready()
    const pid = await servingPid(socket)
    const stuck = stick(socket, '/spin')
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(isRunning(pid)).toBe(true)
    expect(served.output).not.toContain('STUCK')
    process.kill(pid, 'SIGKILL')
    expect(await stuck).toBe('cut off')
  })

  test('ends a stuck worker within two seconds of its master', async () => {
    const { served, socket } = await serve('30s')
    await servingPid(socket)
    const stuck = stick(socket, '/spin')
    // It spins for good once a request that came behind it is not answered.
    const answered = await Promise.race([stick(socket, '/'), new Promise((resolve) => setTimeout(resolve, 300))])
    expect(answered).toBeUndefined()
    const killedAt = performance.now()
    served.kill('SIGKILL')
    // Its connections close with it; who waits for the process itself is now none of ours.
    expect(await stuck).toBe('cut off')
    expect(performance.now() - killedAt).toBeLessThan(2000)
  })

  test('costs no thread when it is off', async () => {
    const { socket } = await serve('0')
    const without = threadsOf(await servingPid(socket))
    const { socket: other } = await serve('30s')
    const pid = await servingPid(other)
    await until(() => threadsOf(pid) > without, 'the thread')
  })
})

requires('dist', 'proc', 'full').describe('the heartbeat, where the inspector gets no answer', () => {
  it('ends a worker that native code holds, which has no stack to show', async () => {
    const { served, socket } = await serve('500ms')
    const stuck = stick(socket, '/native')
    await served.until(/TSGI_ERR_WORKER_STUCK .* in native code/)
    await stuck
    expect(await servingPid(socket)).toBeGreaterThan(0)
  })

  it('of a worker that stays stopped is missed by the master', async () => {
    const { served, socket } = await serve('500ms')
    const pid = await servingPid(socket)
    process.kill(pid, 'SIGSTOP')
    await served.until(new RegExp(`worker ${pid} was stuck for \\S+ s, and gave no sign of life, and was killed`))
    expect(await servingPid(socket)).not.toBe(pid)
  })
})
