import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { until } from '../support/until.ts'
import { requires } from '../support/requirements.ts'
import { get, Launched } from './launched.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/apps/process/${name}`, import.meta.url))

async function launch(app: string, ...args: string[]): Promise<{ launched: Launched; url: string }> {
  const launched = new Launched(['start-server', fixture(app), '--port', '0', '--log-to-terminal', ...args])
  return { launched, url: await launched.ready() }
}

const SETUPS = [
  '--server-type nginx --wire fastcgi',
  '--server-type nginx --wire uwsgi',
  '--server-type nginx --wire http',
  '--server-type embedded',
]

requires('nginx', 'dist', 'proc').describe('the limits of start-server', () => {
  it.each(SETUPS)("reach the client as the worker's own 504 and 503, and each request its worker once: %s", async (setup) => {
    const limits = ['--worker-concurrency', '1', '--queue-timeout', '300ms', '--request-timeout', '900ms']
    const { launched, url } = await launch('holds.js', ...setup.split(' '), ...limits)
    const held = get(`${url}hold`)
    await until(() => launched.stdout.includes('serving /hold'), 'the first request')
    const refused = await get(`${url}waits`)
    expect(refused).toMatchObject({ status: 503, body: 'Service Unavailable\n' })
    expect(refused.headers['retry-after']).toBe('1')
    expect(await held).toMatchObject({ status: 504, body: 'Gateway Timeout\n' })
    expect((await get(url)).status).toBe(200)
    await until(() => /serving \/$/m.test(launched.stdout), 'the last request')
    expect(launched.stdout.match(/serving \/\w*/g)).toEqual(['serving /hold', 'serving /'])
  })

  it('end a stuck worker behind nginx; the other answers everybody meanwhile', async () => {
    const { launched, url } = await launch('spins.ts', '--server-type', 'nginx', '--processes', '2', '--heartbeat-timeout', '1s')
    const stuck = get(`${url}spin`)
    let answered = false
    void stuck.finally(() => (answered = true))
    const statuses = new Set<number>()
    while (!answered) statuses.add((await get(url)).status)
    expect(await stuck).toMatchObject({ status: 502 })
    expect(statuses).toEqual(new Set([200]))
    expect(launched.stdout + launched.stderr).toMatch(/TSGI_ERR_WORKER_STUCK .* in render \(.*spins\.ts:/)
    expect((await get(url)).status).toBe(200)
  })
})
