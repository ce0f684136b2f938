import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect } from 'vitest'
import { freePort } from '../launcher/commands.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { begin, Controlled } from './controlled.ts'
import { childrenOf, get, Served, write } from './served.ts'

const { describe, test } = requires('dist', 'proc')

interface Told {
  readonly applications: {
    readonly counters: { readonly responses: Record<string, number>; readonly errors: Record<string, number> } & Record<
      string,
      number
    >
    readonly workerStarts: number
    readonly workerEndings: Record<string, number>
    readonly reloads: Record<string, number>
    readonly workers: { readonly pid: number; readonly gauges?: Record<string, number> }[]
  }[]
}

async function told(app: Controlled): Promise<Told['applications'][number]> {
  const { applications } = (await app.json('metrics', 'json')) as unknown as Told
  const [first] = applications
  if (first === undefined) throw new Error('no application')
  return first
}

function fetched(port: string, path: string, accept?: string): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = accept === undefined ? {} : { accept }
    request({ port, path, host: '127.0.0.1', agent: false, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: String(response.headers['content-type']), text }),
      )
    })
      .on('error', reject)
      .end()
  })
}

describe('metrics', () => {
  test('tell what was so up to this moment, and stay when workers are reloaded, killed or too many', async () => {
    const app = new Controlled()
    const served = await app.serve('--workers', '2')
    for (let count = 0; count < 5; count += 1) await get(app.socket)
    expect((await told(app)).counters.responses).toEqual({ 200: 5 })
    const open = await begin(app.socket)
    const during = await told(app)
    expect(during.workers.map(({ gauges }) => gauges?.['inFlight']).toSorted((a = 0, b = 0) => a - b)).toEqual([0, 1])
    open.destroy()
    await until(async () => (await told(app)).counters.responses['200'] === 6, 'the end of the request')
    served.kill('SIGHUP')
    await served.until(/reloaded: 2/)
    await get(app.socket)
    // What a worker has told is kept, however it ends.
    expect((await told(app)).counters.responses).toEqual({ 200: 7 })
    const [victim = 0] = childrenOf(served.pid)
    process.kill(victim, 'SIGKILL')
    await until(async () => (await told(app)).workerEndings['signal'] === 1, 'the end of the worker')
    await app.ctl('scale', '1')
    await until(async () => (await told(app)).workerEndings['scale'] === 1, 'the end of another')
    const after = await told(app)
    expect(after.counters.responses).toEqual({ 200: 7 })
    expect(after.workerEndings).toEqual({ reload: 2, signal: 1, scale: 1 })
    expect(after).toMatchObject({ workerStarts: 5, reloads: { done: 1, failed: 0 } })
    expect(after.counters['receivedBytes']).toBeGreaterThan(100)
    expect(after.counters['sentBytes']).toBeGreaterThan(100)
    writeFileSync(app.file, 'throw new Error("a broken deploy")')
    await app.ctl('reload')
    expect((await told(app)).reloads).toEqual({ done: 1, failed: 1 })
  })

  test('count refusals, waits and time-outs, and the errors behind them', async () => {
    const { app, socket } = write({
      'wsgi.mjs': `export const application = async (environ, startResponse) => {
        if (environ.PATH_INFO === '/never') await new Promise(() => {})
        if (environ.PATH_INFO === '/throw') throw new Error('on purpose')
        if (environ.PATH_INFO === '/slow') await new Promise((resolve) => setTimeout(resolve, 100))
        startResponse('200 OK', [])
        return 'done'
      }`,
    })
    const controlled = new Controlled()
    const args = [app, '--bind', `unix:${socket}`, '--control-socket', controlled.sockets, '--worker-concurrency', '1']
    await new Served({ args: [...args, '--queue-timeout', '300ms', '--request-timeout', '4s'] }).ready()
    await Promise.all([get(socket, '/slow'), get(socket, '/slow')])
    await get(socket, '/throw')
    const never = get(socket, '/never')
    await until(async () => (await told(controlled)).workers[0]?.gauges?.['inFlight'] === 1, 'a request in flight')
    expect((await get(socket, '/')).status).toBe(503)
    expect((await never).status).toBe(504)
    const { counters } = await told(controlled)
    expect(counters.responses).toEqual({ 200: 2, 500: 1, 503: 1, 504: 1 })
    expect(counters.errors).toEqual({ TSGI_ERR_OVERLOAD: 1, TSGI_ERR_REQUEST_TIMEOUT: 1 })
    const { stdout } = await controlled.ctl('metrics')
    expect(stdout).toContain('tsgi_requests_refused_total{mount="/"} 1\n')
    expect(stdout).toContain('tsgi_request_queue_seconds_count{mount="/"} 1\n')
    expect(stdout).toContain('tsgi_request_queue_seconds_bucket{mount="/",le="0.025"} 0\n')
    expect(stdout).toContain('tsgi_errors_total{mount="/",code="TSGI_ERR_REQUEST_TIMEOUT"} 1\n')
    expect(stdout).toMatch(/^tsgi_request_duration_seconds_count\{mount="\/"\} 5$/m)
  })

  test('are given at an address of their own, as Prometheus asks for them', async () => {
    const app = new Controlled()
    const port = String(await freePort())
    const served = await app.serve('--metrics-bind', `127.0.0.1:${port}`)
    await get(app.socket)
    const plain = await fetched(port, '/metrics')
    expect(plain).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' })
    expect(plain.text).toContain('tsgi_requests_total{mount="/",class="2xx",status="200"} 1\n')
    const open = await fetched(port, '/metrics?x', 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5')
    expect(open).toMatchObject({ status: 200, type: 'application/openmetrics-text; version=1.0.0; charset=utf-8' })
    expect(open.text).toMatch(/# EOF\n$/)
    expect(JSON.parse((await fetched(port, '/metrics.json')).text)).toMatchObject({ node: process.version })
    expect((await fetched(port, '/')).status).toBe(404)
    // A new master waits for the address of the old one.
    served.kill('SIGUSR2')
    const successor = Number((await served.until(/the new master (\d+) serves/))[1])
    await until(async () => {
      try {
        return !(await fetched(port, '/metrics')).text.includes('status="200"')
      } catch {
        return false
      }
    }, 'the metrics of the new master')
    process.kill(successor, 'SIGTERM')
    await served.ended
  })

  test('are refused where the address is taken, or nothing is counted', async () => {
    const app = new Controlled()
    const taken = join(app.directory, 'metrics.sock')
    await app.serve('--metrics-bind', `unix:${taken}`)
    const other = new Controlled()
    const started = async (...args: string[]): Promise<string> => {
      const served = new Served({ args: [other.file, '--bind', `unix:${other.socket}`, ...args] })
      expect(await served.ended).not.toBe(0)
      return served.output
    }
    expect(await started('--metrics-bind', `unix:${taken}`)).toMatch(/TSGI_ERR_ADDRESS_IN_USE .*metrics\.sock/)
    expect(await started('--no-metrics', '--metrics-bind', '127.0.0.1:0')).toMatch(/TSGI_ERR_OPTION .*--no-metrics/)
    expect(await started('--metrics-bind', 'fd://3')).toMatch(/TSGI_ERR_OPTION .*no descriptor/)
    await other.serve('--no-metrics')
    await get(other.socket)
    expect(await other.ctl('metrics')).toMatchObject({ code: 1, stderr: expect.stringContaining('--no-metrics') })
    expect(await other.json('status')).toMatchObject({ state: 'running' })
  })
})
