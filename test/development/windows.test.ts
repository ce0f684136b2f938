import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { application, ask, Developed, project } from './developed.ts'

/** See that file for what it fakes, and refuses. */
const WINDOWS = { NODE_OPTIONS: `--import ${fileURLToPath(new URL('../support/windows.mjs', import.meta.url))}` }

requires('dist', 'proc').describe('tsgi dev on Windows', () => {
  it('reaches its worker by a port, and reloads', async () => {
    const directory = project({ 'app.js': application("'1'") })
    const developed = new Developed(directory, ['app.js', '--https'], { ...WINDOWS, LOCALAPPDATA: directory })
    const url = await developed.ready()
    const ask1 = (): Promise<{ body: string }> => ask(url, '/', { rejectUnauthorized: false })
    expect((await ask1()).body).toBe('1')
    await developed.changed(directory, { 'app.js': application("'2'") })
    expect((await ask1()).body).toBe('2')
    developed.child.kill('SIGINT')
    expect(await developed.ended).toBe(0)
  })

  it('says that there are no unix sockets', async () => {
    const developed = new Developed(project({ 'app.js': application("''") }), ['app.js', '--bind', 'unix:/x.sock'], WINDOWS)
    expect(await developed.ended).toBe(2)
    expect(developed.output).toContain('Windows has no unix sockets')
  })
})
