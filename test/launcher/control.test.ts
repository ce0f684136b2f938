import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { ctl } from '../process/control-peer.ts'
import { requires } from '../support/requirements.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const APP = fileURLToPath(new URL('apps/hello.js', import.meta.url))

requires('nginx', 'dist', 'proc').describe('tsgi ctl with start-server', () => {
  it('finds it by its pid and in its server root, reloads it, and stops the proxy with it', async () => {
    const root = temporaryDirectory()
    const session = temporaryDirectory()
    const env = { XDG_RUNTIME_DIR: session }
    const launched = new Launched(['start-server', APP, '--port', '0', '--server-root', root], { env })
    const url = await launched.ready()
    const socket = join(root, 'ctl.sock')
    expect((statSync(socket).mode & 0o777).toString(8)).toBe('600')
    const status = await ctl(['status', '--pid', String(launched.pid), '--json'], env)
    expect(JSON.parse(status.stdout)).toMatchObject({ pid: launched.pid, url, serverRoot: root, controlSocket: socket })
    const before = (await get(url)).body
    expect(await ctl(['reload', '--socket', socket])).toMatchObject({ code: 0 })
    // The last field is the pid of the worker.
    expect((await get(url)).body).not.toBe(before)
    const upgrade = await ctl(['upgrade', '--socket', socket])
    expect(upgrade).toMatchObject({ code: 1, stderr: expect.stringContaining('the proxy belongs to this process') })
    launched.remember()
    expect(await ctl(['stop', '--socket', socket])).toMatchObject({ code: 0, stdout: 'Stopped, with exit code 0\n' })
    expect(await launched.exited).toBe(0)
    expect(launched.survivors()).toEqual([])
    expect(existsSync(socket)).toBe(false)
    expect(readdirSync(session)).toEqual([])
  })
})
