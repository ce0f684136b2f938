import { existsSync } from 'node:fs'
import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { Deployment } from './deployment.ts'
import { Served } from './served.ts'

const { describe, test } = requires('dist')

describe('a server that starts on the socket of another one', () => {
  test('takes its place with --socket-takeover, and nobody is refused; the first leaves the socket when it stops', async () => {
    const app = new Deployment().deploy('one')
    const first = await app.serve()
    const load = app.load()
    app.deploy('two')
    const second = await app.serve('--socket-takeover')
    first.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    expect(await app.version()).toBe('two')
    const { answers, failures } = await load.stop()
    expect(failures).toEqual([])
    expect([...answers].sort()).toEqual(['one', 'two'])
    second.kill('SIGTERM')
    expect(await second.ended).toBe(0)
    expect(existsSync(app.socket)).toBe(false)
  })

  test('leaves it to the first where its own application does not start', async () => {
    const app = new Deployment().deploy('one')
    await app.serve()
    app.write("throw new Error('broken')")
    const second = new Served({ args: [app.file, '--bind', `unix:${app.socket}`, '--socket-takeover'] })
    expect(await second.ended).toBe(1)
    expect(await app.version()).toBe('one')
  })

  test('is refused without', async () => {
    const app = new Deployment().deploy('one')
    await app.serve()
    const second = new Served({ args: [app.file, '--bind', `unix:${app.socket}`] })
    expect(await second.ended).toBe(1)
    expect(second.output).toContain('TSGI_ERR_ADDRESS_IN_USE')
    expect(await app.version()).toBe('one')
  })
})
