import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { get, Launched } from './launched.ts'

const APP = fileURLToPath(new URL('apps/slow.js', import.meta.url))

requires('nginx', 'dist').describe('behind nginx', () => {
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
