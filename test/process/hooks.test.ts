import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { APPLICATION, project, run, write } from './commands.ts'
import { childrenOf, get, Served } from './served.ts'

const { describe, test } = requires('dist')

/** A configuration whose hooks write what they are told, one line each. */
function configuration(more = ''): string {
  return `
    import { appendFileSync } from 'node:fs'
    import { defineConfig } from 'tsgi'
    const told: string = process.env['TOLD'] ?? ''
    const tell = (name: string) => (info: object) => appendFileSync(told, name + ' ' + process.pid + ' ' + JSON.stringify(info) + '\\n')
    export default defineConfig({
      app: 'app.cjs',
      processes: 2,
      hooks: {
        onStarting: tell('onStarting'),
        whenReady: tell('whenReady'),
        onReload: tell('onReload'),
        nworkersChanged: tell('nworkersChanged'),
        childExit: tell('childExit'),
        onExit: tell('onExit'),
        postWorkerInit: tell('postWorkerInit'),
        workerExit: tell('workerExit'),
        ${more}
      },
    })`
}

interface Told {
  readonly hook: string
  readonly by: number
  readonly info: Record<string, unknown>
}

async function serving(source: string): Promise<{ served: Served; directory: string; socket: string; told: () => Told[] }> {
  const directory = project({ 'package.json': '{"type":"module"}', 'tsgi.config.ts': source, 'app.cjs': APPLICATION })
  const file = join(directory, 'told')
  const socket = join(directory, 'app.sock')
  const served = new Served({ args: ['--bind', `unix:${socket}`], cwd: directory, env: { TOLD: file } })
  await served.ready()
  const told = (): Told[] =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [hook = '', by = '', ...rest] = line.split(' ')
        return { hook, by: Number(by), info: JSON.parse(rest.join(' ')) as Record<string, unknown> }
      })
  return { served, directory, socket, told }
}

describe('hooks', () => {
  test('are called in the master and in its workers, in the order of what happens', async () => {
    const { served, told } = await serving(configuration())
    const workers = childrenOf(served.pid)
    expect(told().map(({ hook }) => hook)).toEqual(['onStarting', 'postWorkerInit', 'postWorkerInit', 'whenReady'])
    expect(told()[0]).toMatchObject({ by: served.pid, info: { pid: served.pid, app: expect.stringContaining('app.cjs') } })
    const inits = told().filter(({ hook }) => hook === 'postWorkerInit')
    expect(inits.map(({ by }) => by).toSorted((a, b) => a - b)).toEqual(workers)
    expect(inits.map(({ info }) => info['pid'])).toEqual(inits.map(({ by }) => by))
    expect(new Set(inits.map(({ info }) => info['id']))).toEqual(new Set([1, 2]))
    served.kill('SIGTTIN')
    await until(() => told().some(({ hook }) => hook === 'nworkersChanged'), 'nworkersChanged')
    expect(told().find(({ hook }) => hook === 'nworkersChanged')?.info).toEqual({ workers: 3, before: 2 })
    await until(() => childrenOf(served.pid).length === 3, 'the third worker')
    served.kill('SIGHUP')
    await served.until(/reloaded: \d worker/)
    expect(told().filter(({ hook }) => hook === 'onReload')).toHaveLength(1)
    const exits = told().filter(({ hook, info }) => hook === 'childExit' && workers.includes(Number(info['pid'])))
    expect(exits.map(({ by, info }) => [by, info['code'], info['generation']])).toEqual([
      [served.pid, 0, 0],
      [served.pid, 0, 0],
    ])
    for (const pid of workers) expect(told().some(({ hook, by }) => hook === 'workerExit' && by === pid)).toBe(true)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(told().at(-1)).toMatchObject({ hook: 'onExit', by: served.pid })
  })

  test('of the file as it is now hold behind a reload', async () => {
    const { served, directory, told } = await serving(configuration())
    write(directory, 'tsgi.config.ts', configuration("workerExit: tell('theOther'), onExit: tell('theLast'),"))
    served.kill('SIGHUP')
    await served.until(/reloaded: 2 worker/)
    served.kill('SIGTERM')
    await served.ended
    expect(told().filter(({ hook }) => hook === 'workerExit')).toHaveLength(2)
    expect(told().filter(({ hook }) => hook === 'theOther')).toHaveLength(2)
    expect(told().at(-1)?.hook).toBe('theLast')
  })

  test('that fail are a line in the log with the line in the file, and change nothing', async () => {
    const fails =
      "whenReady: () => {\n throw new Error('no good') }, onReload: async () => { await Promise.reject(new Error('nor this')) },"
    const { served, socket } = await serving(configuration(fails))
    expect(served.output).toMatch(/TSGI_ERR_HOOK .*whenReady: no good/)
    expect(served.output).toMatch(/tsgi\.config\.ts:19/)
    served.kill('SIGHUP')
    await served.until(/onReload: nor this/)
    await served.until(/reloaded: 2 worker/)
    expect((await get(socket)).status).toBe(200)
  })

  for (const name of ['onStarting', 'postWorkerInit']) {
    test(`${name} fails the start with what it throws`, async () => {
      const directory = project({
        'package.json': '{"type":"module"}',
        'tsgi.config.ts': configuration(`${name}: () => { throw new Error('not today') },`),
        'app.cjs': APPLICATION,
      })
      const bind = `unix:${join(directory, 'app.sock')}`
      const done = await run(['tsgi', 'serve', '--bind', bind], { cwd: directory, env: { TOLD: join(directory, 'told') } })
      expect(done.code).toBe(1)
      expect(done.stdout + done.stderr).toMatch(new RegExp(`TSGI_ERR_HOOK (?:A hook failed: )?${name}: not today$`, 'm'))
    })
  }

  const refused: [hooks: string, message: string][] = [
    ['whenRaedy: () => 1', 'there is no hook "whenRaedy" in tsgi.config.mjs; did you mean "whenReady"?'],
    ['preRequest: () => 1', 'there is no hook "preRequest" in tsgi.config.mjs: a middleware sees every request'],
    ['onExit: 5', 'the hook onExit in tsgi.config.mjs is "5", but takes a function'],
  ]
  for (const [hooks, message] of refused) {
    test(`{ ${hooks} } is refused`, async () => {
      const source = `export default { app: 'app.cjs', hooks: { ${hooks} } }`
      const directory = project({ 'package.json': '{"type":"module"}', 'tsgi.config.mjs': source, 'app.cjs': APPLICATION })
      const done = await run(['tsgi', 'serve', '--check-config'], { cwd: directory })
      expect(done.code).toBe(2)
      expect(done.stderr).toContain(message)
    })
  }
})
