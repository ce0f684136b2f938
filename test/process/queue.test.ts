import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { fixture, get, Served, servingPid, temporaryDirectory } from './served.ts'
import { targetBy, WAYS } from './ways.ts'

const { describe } = requires('dist', 'nginx')

interface Serving {
  readonly served: Served
  readonly target: string
  /** Lets the request go that is held longest. */
  readonly release: () => void
}

async function serve(app: string, way: (typeof WAYS)[number], ...args: string[]): Promise<Serving> {
  const socket = join(temporaryDirectory(), 'app.sock')
  const served = await new Served({ args: [fixture(app), '--bind', `unix:${socket}`, ...args] }).ready()
  const target = await targetBy(way, socket)
  const pid = await servingPid(target)
  return { served, target, release: () => void process.kill(pid, 'SIGUSR2') }
}

async function servedBy(target: string): Promise<string[]> {
  return (JSON.parse((await get(target, '/end')).body) as { served: string[] }).served
}

function headersOf(target: string, path: string): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  const [host, port] = target.split(':')
  const where = target.startsWith('/') ? { socketPath: target } : { host, port }
  return new Promise((resolve, reject) => {
    request({ ...where, path, agent: false }, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
    })
      .on('error', reject)
      .end()
  })
}

const CASES = ['holds.js:application', 'holds.js:handler'].flatMap((app) => WAYS.map((way) => ({ app, way })))

describe('the limit of requests at a time', () => {
  test.each(CASES)('lets others wait for their turn, in their order: $app, $way', async ({ app, way }) => {
    const { served, target, release } = await serve(app, way, '--worker-concurrency', '2')
    const first = [get(target, '/hold/1'), get(target, '/hold/2')]
    await served.until(/serving \/hold\/1/)
    await served.until(/serving \/hold\/2/)
    const waiting: Promise<unknown>[] = []
    for (const name of ['a', 'b', 'c']) {
      waiting.push(get(target, `/${name}`))
      // Each connects by itself: only its answer would tell that it has come, which is what it waits for.
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(served.output).not.toMatch(/serving \/[abc]/)
    release()
    await Promise.all(waiting)
    expect(served.output.match(/serving \/[abc]/g)).toEqual(['serving /a', 'serving /b', 'serving /c'])
    release()
    expect(await Promise.all(first)).toMatchObject([{ status: 200 }, { status: 200 }])
  })

  test.each(CASES)('answers 503 to who has waited too long: $app, $way', async ({ app, way }) => {
    const { served, target, release } = await serve(app, way, '--worker-concurrency', '1', '--queue-timeout', '300ms')
    const held = get(target, '/hold')
    await served.until(/serving \/hold/)
    const startedAt = performance.now()
    const { status, headers } = await headersOf(target, '/waits')
    expect(status).toBe(503)
    expect(headers['retry-after']).toBe('1')
    expect(performance.now() - startedAt).toBeGreaterThan(295)
    await served.until(/ warn \[\d+\] TSGI_ERR_OVERLOAD overload: .*1 request\(s\) answered 503; 1 of 1 are served/)
    release()
    expect((await held).status).toBe(200)
    expect(await servedBy(target)).not.toContain('/waits')
  })

  test('answers 503 at once where nobody may wait', async () => {
    const { served, target, release } = await serve('holds.js', 'http', '--worker-concurrency', '1', '--queue-timeout', '0')
    const held = get(target, '/hold')
    await served.until(/serving \/hold/)
    expect(await get(target)).toEqual({ status: 503, body: 'Service Unavailable\n' })
    release()
    await held
    expect((await get(target)).status).toBe(200)
  })

  test('has an end to its queue, and a thousand who wait for one line in the log', async () => {
    const { served, target, release } = await serve('holds.js', 'http', '--worker-concurrency', '1', '--queue-timeout', '8s')
    const held = get(target, '/hold')
    await served.until(/serving \/hold/)
    const statuses: number[] = []
    const all = Array.from({ length: 1030 }, async () => statuses.push((await get(target)).status))
    // 1024 wait.
    await until(() => statuses.length === 6, 'those beyond the queue')
    expect(statuses).toEqual(Array(6).fill(503))
    release()
    await Promise.all([held, ...all])
    expect(statuses.filter((status) => status === 200)).toHaveLength(1024)
    expect(served.output.match(/TSGI_ERR_OVERLOAD/g)?.length).toBeLessThan(4)
  })

  test.each(CASES)('forgets who leaves the queue: $app, $way', async ({ app, way }) => {
    const { served, target, release } = await serve(app, way, '--worker-concurrency', '1')
    const held = get(target, '/hold')
    await served.until(/serving \/hold/)
    const [host, port] = target.split(':')
    const leaving = request({ ...(way === 'http' ? { socketPath: target } : { host, port }), path: '/leaves' })
    const gone = new Promise((resolve) => leaving.on('error', resolve))
    leaving.end()
    await new Promise((resolve) => setTimeout(resolve, 100))
    leaving.destroy()
    await gone
    await new Promise((resolve) => setTimeout(resolve, 100))
    release()
    await held
    expect(await servedBy(target)).not.toContain('/leaves')
  })

  test('gives no request the AsyncLocalStorage of the one that it waited for', async () => {
    const { served, target, release } = await serve('holds.js', 'http', '--worker-concurrency', '1')
    const held = get(target, '/hold')
    await served.until(/serving \/hold/)
    const waiting = get(target, '/next')
    await new Promise((resolve) => setTimeout(resolve, 100))
    release()
    await held
    expect(JSON.parse((await waiting).body)).not.toHaveProperty('inherited')
  })

  test.each(['http', 'uwsgi'] as const)('does not count an upgraded connection, nor end it in time: %s', async (way) => {
    const { target } = await serve('holds.js', way, '--worker-concurrency', '1', '--request-timeout', '200ms')
    const [host, port] = target.split(':')
    const headers = { Connection: 'Upgrade', Upgrade: 'echo' }
    const outgoing = request({ ...(way === 'http' ? { socketPath: target } : { host, port }), path: '/upgrade', headers })
    const upgraded = new Promise<Duplex>((resolve) => outgoing.on('upgrade', (_response, stream) => resolve(stream)))
    outgoing.end()
    const stream = await upgraded
    expect((await get(target, '/hold')).status).toBe(504)
    expect((await get(target)).status).toBe(200)
    const echoed = new Promise((resolve) => stream.on('data', (chunk: Buffer) => resolve(chunk.toString())))
    stream.write('still here')
    expect(await echoed).toBe('still here')
    stream.destroy()
  })

  test('frees the place of a request that has timed out', async () => {
    const args = ['--worker-concurrency', '1', '--request-timeout', '300ms']
    const { target } = await serve('holds.js', 'http', ...args)
    expect((await get(target, '/hold')).status).toBe(504)
    expect((await get(target)).status).toBe(200)
  })

  test('lets those finish in a stop who wait already', async () => {
    const { served, target, release } = await serve('holds.js', 'http', '--worker-concurrency', '1')
    const held = get(target, '/hold')
    await served.until(/serving \/hold/)
    const waiting = get(target, '/next')
    await new Promise((resolve) => setTimeout(resolve, 100))
    served.kill('SIGTERM')
    await served.until(/SIGTERM: stopping/)
    release()
    expect((await held).status).toBe(200)
    expect((await waiting).status).toBe(200)
    expect(await served.ended).toBe(0)
  })
})
