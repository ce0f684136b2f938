import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { settled, until } from '../support/until.ts'
import { get, Launched } from './launched.ts'

const APP = fileURLToPath(new URL('apps/deadly.js', import.meta.url))

requires('nginx', 'dist').describe('behind nginx', () => {
  it('a request that ends its worker does not go from worker to worker', async () => {
    const launched = new Launched(['start-server', APP, '--port', '0', '--server-type', 'nginx', '--processes', '6'])
    const url = await launched.ready()
    // Connections that nginx keeps to every worker: nginx does not count tries on those.
    await Promise.all(Array.from({ length: 200 }, () => get(url)))
    expect((await get(`${url}exit`)).status).toBe(502)
    const ends = (): number => launched.stderr.match(/ended with exit code 7/g)?.length ?? 0
    await until(() => ends() > 0, 'the end of a worker')
    expect(await settled(ends, 'ends of workers')).toBe(1)
    expect((await get(url)).body).toBe('fine')
  })

  it('a request over the graceful timeout is given up in time, with an answer and a line', async () => {
    const args = ['start-server', APP, '--port', '0', '--server-type', 'nginx', '--graceful-timeout', '1s']
    const launched = new Launched(args)
    const url = await launched.ready()
    const log = launched.field('Error Log File')
    const slow = get(`${url}slow`)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const from = performance.now()
    launched.child.kill('SIGTERM')
    expect((await slow).status).toBe(500)
    const text = readFileSync(log, 'utf8')
    expect(text).toContain('GET /slow')
    expect(text).toContain('not finished within the graceful timeout')
    expect(await launched.exited).toBe(0)
    expect(performance.now() - from).toBeLessThan(4500)
  })
})
