import { join } from 'node:path'
import { describe, expect } from 'vitest'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { fixture, get, Served, temporaryDirectory } from './served.ts'

const { test } = requires('dist', 'proc')

async function serve(...args: string[]): Promise<{ served: Served; socket: string }> {
  const socket = join(temporaryDirectory(), 'app.sock')
  const served = await new Served({ args: [fixture('slow.ts'), '--bind', `unix:${socket}`, ...args] }).ready()
  return { served, socket }
}

const lines = ({ output }: Served): string[] => output.split('\n').filter((line) => line.includes('SLOW_REQUEST'))

describe('--slow-request-time', () => {
  test('logs a request that waits once while it runs, and once at its end', async () => {
    const { served, socket } = await serve('--slow-request-time', '500ms')
    const [, answer] = await Promise.all([
      served.until(/warn \[\d+\] TSGI_ERR_SLOW_REQUEST GET \/wait \[\S+\] is not answered after 0\.[5-9] s/),
      get(socket, '/wait'),
    ])
    expect(answer.status).toBe(203)
    await served.until(/warn \[\d+\] TSGI_ERR_SLOW_REQUEST GET \/wait \[\S+\] ended with 203 after 1\.[5-9] s/)
    expect(lines(served)).toHaveLength(2)
  })

  test('logs the code that blocks the event loop, with its stack, and lets it go on', async () => {
    const { served, socket } = await serve('--slow-request-time', '500ms')
    const answer = get(socket, '/compute')
    await served.until(
      /warn \[\d+\] TSGI_ERR_SLOW_REQUEST The event loop is blocked: for \d\.\d s in compute \(\S+slow\.ts:\d+:\d+\)/,
    )
    await served.until(/ +at application \(\S+slow\.ts:\d+:\d+\)$/m)
    await served.until(/ +request in flight: GET \/compute \[\S+\]$/m)
    expect((await answer).status).toBe(203)
    await served.until(/TSGI_ERR_SLOW_REQUEST GET \/compute \[\S+\] ended with 203 after 1\.\d s/)
    expect(lines(served)).toHaveLength(2)
    expect(served.output).not.toContain('TSGI_ERR_WORKER')
  })

  test('is about no response that has begun, and no quick one', async () => {
    const { served, socket } = await serve('--slow-request-time', '500ms', '--request-timeout', '0')
    await Promise.all([get(socket, '/stream'), get(socket, '/')])
    expect(lines(served)).toEqual([])
  })

  test('works over HTTP, too, and without a heartbeat', async () => {
    const { served, socket } = await serve('--slow-request-time', '500ms', '--heartbeat-timeout', '0', '--protocol', 'http')
    await Promise.all([get(socket, '/compute'), served.until(/TSGI_ERR_SLOW_REQUEST The event loop is blocked/)])
    await until(() => lines(served).length === 2, 'the end')
  })

  test('is about a Node listener, too', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const args = [fixture('slow-listener.ts'), '--bind', `unix:${socket}`, '--slow-request-time', '500ms', '--protocol', 'http']
    const served = await new Served({ args }).ready()
    await Promise.all([get(socket, '/x'), served.until(/TSGI_ERR_SLOW_REQUEST GET \/x is not answered after 0\.[5-9] s/)])
    await served.until(/TSGI_ERR_SLOW_REQUEST GET \/x ended with 203 after 1\.\d s/)
  })

  test('is counted by the master, also where the worker has ended meanwhile', async () => {
    const metricsSocket = join(temporaryDirectory(), 'metrics.sock')
    const { served, socket } = await serve('--slow-request-time', '300ms', '--metrics-bind', `unix:${metricsSocket}`)
    await get(socket, '/wait')
    const pid = Number(/warn \[(\d+)\] TSGI_ERR_SLOW/.exec(served.output)?.[1])
    process.kill(pid, 'SIGKILL')
    await served.until(/TSGI_ERR_WORKER_EXIT/)
    const metrics = await get(metricsSocket, '/metrics')
    expect(metrics.body).toContain('tsgi_slow_requests_total{mount="/"} 1\n')
  })

  test('says nothing where it is not given', async () => {
    const { served, socket } = await serve()
    await get(socket, '/compute')
    expect(lines(served)).toEqual([])
  })
})
