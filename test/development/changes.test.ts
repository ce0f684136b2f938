import { expect, it } from 'vitest'

import { isRunning } from '../process/served.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { application, ask, change, Developed, project } from './developed.ts'

const built = requires('dist')

built.describe('a change of the code', () => {
  it('reaches every request that comes behind it, and none is refused', async () => {
    const directory = project({ 'app.js': application("'1'") })
    const developed = new Developed(directory)
    const url = await developed.ready()
    let going = true
    const seen: string[] = []
    const visitor = async (): Promise<void> => {
      while (going) {
        const { status, body } = await ask(url)
        seen.push(`${status} ${body}`)
      }
    }
    // One that keeps its connection, too.
    const keeper = async (): Promise<void> => {
      while (going) {
        const response = await fetch(url)
        seen.push(`${response.status} ${await response.text()}`)
      }
    }
    const visitors = [visitor(), visitor(), keeper()]
    await until(() => seen.includes('200 1'), 'the first version')
    for (const version of ['2', '3', '4']) {
      await developed.changed(directory, { 'app.js': application(`'${version}'`) })
      await until(() => seen.includes(`200 ${version}`), `version ${version}`)
    }
    going = false
    await Promise.all(visitors)
    expect(new Set(seen)).toEqual(new Set(['200 1', '200 2', '200 3', '200 4']))
    expect(developed.output).toMatch(/^Reloaded in \d+ ms: app\.js$/m)
  })

  it('ends the old worker before the new one serves: requests wait', async () => {
    const directory = project({ 'app.js': application('String(process.pid)') })
    const developed = new Developed(directory)
    const url = await developed.ready()
    const old = Number((await ask(url)).body)
    change(directory, { 'app.js': application("'new'", 'await new Promise((resolve) => setTimeout(resolve, 1500))') })
    await until(() => !isRunning(old), 'the end of the old worker')
    expect(developed.output).not.toContain('Reloaded')
    const answers = await Promise.all([
      ask(url),
      ask(url, '/', { method: 'POST', body: 'x'.repeat(1000) }),
      fetch(url).then((each) => each.text()),
    ])
    expect(answers.map((each) => (typeof each === 'string' ? each : each.body))).toEqual(['new', 'new', 'new'])
  })

  it('answers what the old worker had not answered, where it is safe to ask again', async () => {
    const hanging = "(console.log('asked', environ.REQUEST_METHOD), new Promise(() => {}))"
    const directory = project({ 'app.js': application(hanging) })
    const developed = new Developed(directory)
    const url = await developed.ready()
    const read = ask(url)
    const sent = ask(url, '/', { method: 'POST', body: 'an order' })
    await developed.until(/asked GET/)
    await developed.until(/asked POST/)
    await developed.changed(directory, { 'app.js': application("'new'") })
    expect(await read).toMatchObject({ status: 200, body: 'new' })
    const { status, body } = await sent
    expect(status).toBe(502)
    expect(body).toMatch(/The request was not sent again, for it may have been served in part\./)
  })

  it('gives a stream a moment, and then ends it', async () => {
    const stream = "(async function* () { yield 'begun'; await new Promise(() => {}) })()"
    const directory = project({ 'app.js': application(stream) })
    const developed = new Developed(directory)
    const url = await developed.ready()
    const response = await fetch(url)
    const reader = response.body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).toBe('begun')
    await developed.changed(directory, { 'app.js': application("'new'") })
    expect((await ask(url)).body).toBe('new')
    await expect(reader?.read()).rejects.toThrow()
  })

  it('matters in sources, env files, what is named, and nothing else', async () => {
    const directory = project({
      'app.js': application("process.env.GREETING ?? ''"),
      'vars.env': 'GREETING=hi',
      'views/a.html': '',
    })
    const args = [
      'app.js',
      '--env-file',
      'vars.env',
      '--reload-extra-file',
      'views',
      '--reload-exclude',
      'generated',
      '--reload-exclude',
      '*.test.js',
    ]
    const developed = new Developed(directory, args)
    const url = await developed.ready()
    expect((await ask(url)).body).toBe('hi')
    change(directory, { 'generated/a.js': '', 'a.test.js': '', 'upload.png': '', '.git/a.js': '', 'node_modules/a/index.js': '' })
    // What is written last is seen last.
    await developed.changed(directory, { 'views/a.html': 'x' })
    await developed.changed(directory, { 'vars.env': 'GREETING=hello' })
    expect((await ask(url)).body).toBe('hello')
    // Applications read it by themselves.
    await developed.changed(directory, { '.env': '' })
    expect(developed.output.match(/^Reloaded.*/gm)?.map((line) => line.replace(/.*: /, ''))).toEqual([
      'views/a.html',
      'vars.env',
      '.env',
    ])
  })

  it('of the configuration file reaches the next worker, and names what waits for a start', async () => {
    const config = (name: string, host: string): string =>
      `export default { setenv: { NAME: '${name}' }, trustedHost: ['${host}'] }`
    const directory = project({ 'app.js': application('process.env.NAME'), 'tsgi.config.js': config('a', 'a.test') })
    const developed = new Developed(directory)
    const url = await developed.ready()
    await developed.changed(directory, { 'tsgi.config.js': config('b', 'b.test') })
    expect((await ask(url)).body).toBe('b')
    expect(developed.output).toContain('changed, but not before the next start: trustedHost')
    await developed.changed(directory, { 'tsgi.config.js': 'export default { prot: 1 }' })
    expect(await ask(url)).toMatchObject({ status: 500, body: expect.stringContaining('unknown key "prot"') })
    await developed.changed(directory, { 'tsgi.config.js': config('c', 'a.test') })
    expect((await ask(url)).body).toBe('c')
  })
})
