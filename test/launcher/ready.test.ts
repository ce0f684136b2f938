import { readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { until } from '../support/until.ts'
import { requires } from '../support/requirements.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const APP = fileURLToPath(new URL('apps/hello.js', import.meta.url))

/** Stops it with TERM, and nothing is left. */
async function expectCleanStop(launched: Launched): Promise<void> {
  launched.remember()
  launched.child.kill('SIGTERM')
  expect(await launched.exited).toBe(0)
  expect(launched.survivors()).toEqual([])
  expect(launched.leftovers()).toEqual([])
}

requires('nginx', 'dist', 'proc').describe('start-server with nginx', () => {
  it.each(['fastcgi', 'uwsgi', 'scgi', 'http'])('over %s is ready when it says so, and leaves nothing', async (wire) => {
    const launched = new Launched([
      'start-server',
      APP,
      '--port',
      '0',
      '--server-type',
      'nginx',
      '--wire',
      wire,
      '--setenv',
      'GREETING',
      'hi there',
    ])
    const url = await launched.ready()
    const answer = await get(`${url}caf%C3%A9`)
    const host = new URL(url).host
    const software = wire === 'http' ? expect.any(String) : expect.stringMatching(/^nginx\//)
    expect(answer.status).toBe(200)
    expect(answer.headers.server).toBe('nginx')
    expect(answer.body.split('|')).toEqual(['', '/café', host, software, 'hi there', String(launched.workers()[0])])
    expect(launched.field('Server URL')).toBe(url)
    expect(launched.field('Server Type')).toMatch(/^nginx\/\d+\.\d+/)
    expect(launched.field('Wire')).toBe(wire)
    expect(launched.field('Application')).toBe(APP)
    expect(launched.field('Pid')).toBe(String(launched.pid))
    expect(launched.stdout.trimEnd().split('\n').at(-1)).toBe(`Ready ${url}`)
    await expectCleanStop(launched)
  })

  it('serves below its mount point only', async () => {
    const launched = new Launched(['start-server', APP, '--port', '0', '--mount-point', '/app'])
    const url = await launched.ready()
    expect(url).toMatch(/\/app\/$/)
    expect((await get(`${url}x`)).body).toMatch(/^\/app\|\/x\|/)
    expect((await get(new URL('/other', url).href)).status).toBe(404)
    expect((await get(new URL('/apple', url).href)).status).toBe(404)
    await expectCleanStop(launched)
  })

  it('keeps its files private, and its logs apart from the terminal', async () => {
    const launched = new Launched(['start-server', APP, '--port', '0', '--processes', '2'])
    const url = await launched.ready()
    const root = launched.field('Server Root')
    const isRoot = process.getuid?.() === 0
    expect(statSync(root).mode & 0o777).toBe(isRoot ? 0o750 : 0o700)
    expect(statSync(join(root, 'tsgi.sock')).mode & 0o777).toBe(0o660)
    expect(statSync(join(root, 'nginx.conf')).mode & 0o007).toBe(0)
    expect(launched.workers()).toHaveLength(2)
    await get(`${url}visited`)
    const requests = (): string[] => readFileSync(launched.field('Access Log File'), 'utf8').match(/"GET \S+/g) ?? []
    await until(() => requests().length > 0, 'the access log')
    expect(requests()).toEqual(['"GET /visited'])
    expect(readFileSync(launched.field('Error Log File'), 'utf8').match(/hello is loaded/g)).toHaveLength(2)
    expect(launched.stdout + launched.stderr).not.toContain('hello is loaded')
    await expectCleanStop(launched)
  })

  it('keeps configuration and logs in a server root that is named, and starts there again', async () => {
    const root = join(temporaryDirectory(), 'root')
    for (let run = 1; run <= 2; run += 1) {
      const launched = new Launched(['start-server', APP, '--port', '0', '--server-root', root])
      expect((await get(await launched.ready())).status).toBe(200)
      launched.child.kill('SIGTERM')
      expect(await launched.exited).toBe(0)
      expect(readFileSync(join(root, 'error.log'), 'utf8').match(/hello is loaded/g)).toHaveLength(run)
      expect(() => statSync(join(root, 'tsgi.sock'))).toThrow('ENOENT')
      expect(() => statSync(join(root, 'nginx.pid'))).toThrow('ENOENT')
      expect(statSync(join(root, 'nginx.conf')).isFile()).toBe(true)
    }
  })

  it('runs twice at once', async () => {
    const both = [1, 2].map(() => new Launched(['start-server', APP, '--port', '0']))
    const urls = await Promise.all(both.map((launched) => launched.ready()))
    for (const [index, url] of urls.entries())
      expect((await get(url)).body).toMatch(new RegExp(`\\|${both[index]?.workers()[0]}$`))
    for (const launched of both) await expectCleanStop(launched)
  })

  requires('root').test("as root runs nginx's workers as somebody else, and says that the application is root", async () => {
    const launched = new Launched(['start-server', APP, '--port', '0'])
    await launched.ready()
    expect(launched.stderr).toMatch(/^tsgi-express: warning: running as root: .*\n$/)
    const users = launched
      .remember()
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('nginx: worker'))
      .map((pid) => statSync(`/proc/${pid}`).uid)
    expect(users.length).toBeGreaterThan(0)
    expect(users).not.toContain(0)
    await expectCleanStop(launched)
  })
})

requires('dist', 'proc').describe('start-server with nothing in front', () => {
  it('answers on the public port itself, HTTP only', async () => {
    const launched = new Launched(['start-server', APP, '--port', '0', '--server-type', 'embedded'])
    const url = await launched.ready()
    expect((await get(`${url}x`)).body).toMatch(new RegExp(`^\\|/x\\|${new URL(url).host}\\|`))
    expect(launched.field('Server Type')).toBe('embedded')
    expect(launched.stdout).not.toMatch(/^Wire/m)
    await expectCleanStop(launched)
  })

  it('takes the default application of the directory, and says which', async () => {
    const launched = new Launched(['start-server', '--port', '0', '--server-type', 'embedded'], {
      cwd: fileURLToPath(new URL('../../examples', import.meta.url)),
    })
    expect((await get(await launched.ready())).body).toContain('Hello from /')
    expect(basename(launched.field('Application'))).toBe('wsgi.ts')
    await expectCleanStop(launched)
  })

  describe('as a command line', () => {
    it('writes its pid file while it runs', async () => {
      const pidFile = join(temporaryDirectory(), 'pid')
      const launched = new Launched(['start-server', APP, '--port', '0', '--server-type', 'embedded', '--pid-file', pidFile])
      await launched.ready()
      expect(readFileSync(pidFile, 'utf8')).toBe(`${launched.pid}\n`)
      await expectCleanStop(launched)
      expect(() => statSync(pidFile)).toThrow('ENOENT')
    })

    it.each<[string[], number, RegExp]>([
      [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
      [['--help'], 0, /start-server/],
      [['start-server', '--help'], 0, /--server-type/],
    ])('answers %j', async (args, code, out) => {
      const launched = new Launched(args)
      expect(await launched.exited).toBe(code)
      expect(launched.stdout).toMatch(out)
      expect(launched.stderr).toBe('')
    })

    it.each<[string[], RegExp]>([
      [[], /Usage/],
      [['serve-it'], /unknown command/],
      [['start-server', '--bogus'], /unknown option/],
      [['start-server', APP, '--port', 'x'], /TSGI_ERR_OPTION .*--port/],
    ])('ends with 2 for %j', async (args, err) => {
      const launched = new Launched(args)
      expect(await launched.exited).toBe(2)
      expect(launched.stderr).toMatch(err)
      expect(launched.leftovers()).toEqual([])
    })
  })
})

requires('nginx', 'dist').test('start-server says that it is ready in JSON, for programs', async () => {
  const launched = new Launched(['start-server', APP, '--port', '0', '--server-type', 'nginx', '--json'])
  await until(() => launched.stdout.endsWith('\n'), 'the line')
  const said = JSON.parse(launched.stdout) as Record<string, unknown>
  expect(said).toMatchObject({
    ready: true,
    pid: launched.pid,
    applications: [APP],
    serverType: expect.stringMatching(/^nginx\//),
  })
  expect((await get(String(said.url))).status).toBe(200)
})
