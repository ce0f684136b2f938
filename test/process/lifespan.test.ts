import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe as group, expect, it } from 'vitest'
import { serve } from '../../src/index.ts'
import type { Application } from '../../src/index.ts'
import { compose, dispatcher, requestId } from '../../src/middleware/index.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { project, run, write } from './commands.ts'
import { get, Served } from './served.ts'

const { describe, test } = requires('dist')

/** An application that writes down what it is called for, one line each. */
function source({
  startup = '',
  stopping = '',
  shutdown = '',
  ...more
}: { startup?: string; stopping?: string; shutdown?: string; exported?: string } = {}): string {
  return `
    import { appendFileSync } from 'node:fs'
    const tell = (what) => appendFileSync(process.env.TOLD, process.pid + ' ' + what + '\\n')
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    const lifespan_ = {
      async startup() { tell('startup'); ${startup}; tell('started') },
      async stopping() { ${stopping} },
      async shutdown() { tell('shutdown'); ${shutdown}; tell('down') },
    }
    export const application = async (environ, startResponse) => {
      tell('request')
      if (environ.PATH_INFO === '/slow') await wait(400)
      if (environ.PATH_INFO === '/endless') await new Promise((resolve) => (globalThis.end = resolve))
      startResponse('200 OK', [['Content-Type', 'text/plain']])
      tell('response')
      return ['hello']
    }
    ${more.exported ?? 'export const lifespan = lifespan_'}
  `
}

function serving(text: string, ...args: string[]) {
  const directory = project({ 'package.json': '{"type":"module"}', 'wsgi.js': text })
  const file = join(directory, 'told')
  const socket = join(directory, 'app.sock')
  const served = new Served({ args: ['wsgi.js', '--bind', `unix:${socket}`, ...args], cwd: directory, env: { TOLD: file } })
  const told = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [])
  const words = (): string[] => told().map((line) => line.split(' ')[1] ?? '')
  return { served, socket, directory, told, words }
}

describe('the lifespan of an application', () => {
  for (const [how, exported] of [
    ['exported beside it', 'export const lifespan = lifespan_'],
    ['its property', 'application.lifespan = lifespan_'],
    ['exported beside it, which counts more', 'application.lifespan = { startup: 1 }; export const lifespan = lifespan_'],
  ] as const) {
    test(`${how}: started before the worker is ready, shut down behind its last request`, async () => {
      const { served, socket, words } = serving(source({ startup: 'await wait(200)', shutdown: 'await wait(200)', exported }))
      await served.ready()
      expect(words()).toEqual(['startup', 'started'])
      const slow = get(socket, '/slow')
      await until(() => words().includes('request'), 'the request')
      served.kill('SIGTERM')
      expect(await slow).toEqual({ status: 200, body: 'hello' })
      expect(await served.ended).toBe(0)
      expect(words()).toEqual(['startup', 'started', 'request', 'response', 'shutdown', 'down'])
    })
  }

  test('is told of the stop while requests are served, so that those end which never would', async () => {
    const { served, socket, words } = serving(source({ stopping: "tell('stopping'); globalThis.end?.()" }))
    await served.ready()
    const endless = get(socket, '/endless')
    await until(() => words().includes('request'), 'the request')
    served.kill('SIGTERM')
    expect(await endless).toEqual({ status: 200, body: 'hello' })
    expect(await served.ended).toBe(0)
    expect(words()).toEqual(['startup', 'started', 'request', 'stopping', 'response', 'shutdown', 'down'])
  })

  test('that fails when it is told of the stop is a line in the log, and no more', async () => {
    const { served, words } = serving(source({ stopping: "throw new Error('not now')" }))
    await served.ready()
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(served.output).toMatch(/TSGI_ERR_LIFESPAN .*stopping\(\): Error: not now/)
    expect(words()).toEqual(['startup', 'started', 'shutdown', 'down'])
  })

  test('is each worker’s own, and each is shut down by a reload', async () => {
    const { served, told } = serving(source(), '--workers', '2')
    await served.ready()
    const pids = new Set(told().map((line) => line.split(' ')[0]))
    expect(pids.size).toBe(2)
    served.kill('SIGHUP')
    await served.until(/reloaded: 2 worker/)
    for (const pid of pids) expect(told()).toContain(`${pid} down`)
    expect(new Set(told().map((line) => line.split(' ')[0])).size).toBe(4)
  })

  test('that fails in its startup is a worker that does not start, and is not shut down', async () => {
    const { served, words } = serving(source({ startup: "throw new Error('no database')" }))
    expect(await served.ended).toBe(1)
    expect(served.output).toMatch(/TSGI_ERR_LIFESPAN startup\(\): Error: no database/)
    expect(served.output).toMatch(/wsgi\.js:6/)
    expect(words()).toEqual(['startup'])
  })

  test('that fails in its startup at a reload leaves the old workers', async () => {
    const { served, socket, directory } = serving(source())
    await served.ready()
    write(directory, 'wsgi.js', source({ startup: "throw new Error('not any more')" }))
    served.kill('SIGHUP')
    await served.until(/not any more/)
    expect((await get(socket)).status).toBe(200)
  })

  test('that does not come to the end of its startup is told of by name', async () => {
    const { served } = serving(source({ startup: 'await wait(60_000)' }), '--startup-timeout', '1s')
    expect(await served.ended).toBe(1)
    expect(served.output).toContain('it was still in startup() of the lifespan of')
  })

  test('that fails in its shutdown is a line in the log', async () => {
    const { served } = serving(source({ shutdown: "throw new Error('cannot flush')" }))
    await served.ready()
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(served.output).toMatch(/TSGI_ERR_LIFESPAN .*shutdown\(\): Error: cannot flush/)
  })

  test('has the whole graceful timeout for its shutdown, and no more', async () => {
    const { served, words } = serving(source({ shutdown: 'await wait(60_000)' }), '--graceful-timeout', '1s')
    await served.ready()
    const before = performance.now()
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(performance.now() - before).toBeLessThan(5000)
    expect(served.output).toMatch(/TSGI_ERR_LIFESPAN .*shutdown\(\) has not ended in the \d+ ms/)
    expect(words().at(-1)).toBe('shutdown')
  })

  test('is there for the one request of a CGI program, too', async () => {
    const directory = project({ 'package.json': '{"type":"module"}', 'wsgi.js': source() })
    const told = join(directory, 'told')
    const env = { TOLD: told, REQUEST_METHOD: 'GET', REQUEST_URI: '/', SERVER_NAME: 'localhost', SERVER_PORT: '80' }
    const done = await run(['main', 'cgi', 'wsgi.js'], { cwd: directory, env })
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Status: 200 OK[^]*hello$/) })
    const words = readFileSync(told, 'utf8').replaceAll(/\d+ (.*)\n/g, '$1 ')
    expect(words).toBe('startup started request response shutdown down ')
    write(directory, 'wsgi.js', source({ startup: "throw new Error('no database')" }))
    const failed = await run(['main', 'cgi', 'wsgi.js'], { cwd: directory, env })
    expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(/^Status: 500 /) })
    expect(failed.stderr).toMatch(/TSGI_ERR_LIFESPAN .*startup\(\): Error: no database/)
  })

  test('that is none is refused', async () => {
    const { served } = serving(source({ exported: "export const lifespan = { startup: 'now' }" }))
    expect(await served.ended).toBe(1)
    expect(served.output).toMatch(/TSGI_ERR_LIFESPAN lifespan is "object Object", but takes/)
  })

  test('is there for fetch and Node applications too, and something else of that name is no matter', async () => {
    for (const application of [
      "export default { fetch: () => new Response('hello') }",
      "export default (req, res) => res.end('hello')",
    ]) {
      const text = source().replace('export const application', 'const application')
      const { served, socket, words } = serving(`${text}\n${application}`)
      await served.ready()
      expect((await get(socket)).body).toBe('hello')
      served.kill('SIGTERM')
      expect(await served.ended).toBe(0)
      expect(words()).toEqual(['startup', 'started', 'shutdown', 'down'])
    }
    const { served } = serving("export default (req, res) => res.end('hello')\nexport const lifespan = 70")
    await served.ready()
  })
})

group('the lifespan of an application in a program', () => {
  const told: string[] = []
  const tell = (what: string, more?: () => void) => async () => {
    await new Promise((resolve) => setImmediate(resolve))
    told.push(what)
    more?.()
  }
  const application = (): Application => {
    told.length = 0
    return (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']])
      told.push('request')
      return 'hello'
    }
  }
  const fail = (text: string) => () => {
    throw new Error(text)
  }

  it('is waited for by serve() and close()', async () => {
    const served = application()
    served.lifespan = { startup: tell('startup'), shutdown: tell('shutdown') }
    const server = await serve({ application: served, bind: '127.0.0.1:0' })
    expect(told).toEqual(['startup'])
    await (await fetch(`http://${server.address}/`)).text()
    await server.close()
    expect(told).toEqual(['startup', 'request', 'shutdown'])
    await server.close()
    expect(told).toHaveLength(3)
  })

  it('can be given to serve(), also for other applications', async () => {
    told.length = 0
    const lifespan = { startup: tell('startup'), shutdown: tell('shutdown') }
    const server = await serve({ fetch: () => new Response('hello'), lifespan, bind: '127.0.0.1:0' })
    await server.close()
    expect(told).toEqual(['startup', 'shutdown'])
  })

  it('rejects with what failed', async () => {
    const served = application()
    served.lifespan = { startup: tell('startup', fail('no database')), shutdown: tell('shutdown') }
    await expect(serve({ application: served, bind: '127.0.0.1:0' })).rejects.toMatchObject({
      code: 'TSGI_ERR_LIFESPAN',
      message: expect.stringContaining('startup(): Error: no database'),
    })
    expect(told).toEqual(['startup'])
    served.lifespan = { shutdown: fail('cannot flush') }
    const server = await serve({ application: served, bind: '127.0.0.1:0' })
    await expect(server.close()).rejects.toMatchObject({ code: 'TSGI_ERR_LIFESPAN' })
  })

  it('is shut down where the address cannot be had', async () => {
    const served = application()
    served.lifespan = { startup: tell('startup'), shutdown: tell('shutdown') }
    const first = await serve({ application: application(), bind: '127.0.0.1:0' })
    await expect(serve({ application: served, bind: first.address })).rejects.toMatchObject({ code: 'TSGI_ERR_ADDRESS_IN_USE' })
    expect(told).toEqual(['startup', 'shutdown'])
    await first.close()
  })

  it('goes through middleware, and a dispatcher has those of all its applications, in their order', async () => {
    const [a, b, inner] = [application(), application(), application()]
    a.lifespan = { startup: tell('a up'), shutdown: tell('a down') }
    b.lifespan = { startup: tell('b up'), shutdown: tell('b down') }
    inner.lifespan = { startup: tell('inner up'), shutdown: tell('inner down') }
    const { lifespan } = compose(requestId(), dispatcher({ '/a': a, '/long/b': b, '/again': a }))(inner)
    await lifespan?.startup?.()
    await lifespan?.shutdown?.()
    expect(told).toEqual(['inner up', 'b up', 'a up', 'a down', 'b down', 'inner down'])
    told.length = 0
    a.lifespan = { startup: tell('a fails', fail('a')), shutdown: tell('a down') }
    const failing = dispatcher({ '/a': a, '/long/b': b })(inner).lifespan
    await expect(failing?.startup?.()).rejects.toThrow('a')
    expect(told).toEqual(['inner up', 'b up', 'a fails', 'b down', 'inner down'])
  })
})
