import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { express, freePort, run, TSGI, TSGI_EXPRESS } from './commands.ts'
import type { Ran } from './commands.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const APP = 'export default (request, response) => response.end(`${process.env.GREETING ?? "hello"} v1`)\n'
const AWKWARD = 'it\'s "quoted" $HOME dir'
const NOBODY = 65_534

interface SetUp {
  directory: string
  root: string
  url: string
  /** Runs tsgictl from another directory, with an environment of its own. */
  ctl: (...args: string[]) => Promise<Ran>
}

/** Sets a server up, as another user where one is given; it is stopped at the end of the test. */
async function setUp(
  args: readonly string[] = [],
  { name = 'root', env = {}, user }: { name?: string; env?: Record<string, string>; user?: number } = {},
): Promise<SetUp> {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'app.mjs'), APP)
  const root = join(directory, name)
  if (user !== undefined) {
    mkdirSync(root, { mode: 0o700 })
    chownSync(root, user, user)
  }
  const as = user === undefined ? [] : ['setpriv', '--reuid', String(user), '--regid', String(user), '--clear-groups', '--']
  const runAs = (words: string[], options: { cwd?: string; env?: Record<string, string> }): Promise<Ran> => {
    const [program = '', ...rest] = [...as, ...words]
    return run(program, rest, options)
  }
  const port = await freePort()
  const given = ['app.mjs', '--port', String(port), '--access-log', 'off', ...args]
  const done = await runAs([process.execPath, TSGI_EXPRESS, 'setup-server', '--server-root', name, ...given], {
    cwd: directory,
    env,
  })
  expect(done).toMatchObject({ code: 0, stderr: '' })
  const ctl = (...words: string[]): Promise<Ran> => runAs([join(root, 'tsgictl'), ...words], { cwd: '/' })
  onTestFinished(async () => {
    await ctl('stop')
  })
  return { directory, root, url: `http://127.0.0.1:${port}/`, ctl }
}

requires('nginx', 'dist', 'proc').describe('setup-server and tsgictl', () => {
  it('starts nothing, and writes what a start would and an executable script', async () => {
    const { root, url } = await setUp()
    for (const name of ['nginx.conf', 'nginx-rules.conf', 'environ']) expect(existsSync(join(root, name)), name).toBe(true)
    expect(statSync(join(root, 'tsgictl')).mode & 0o777).toBe(0o700)
    expect(existsSync(join(root, 'tsgi.sock'))).toBe(false)
    await expect(get(url)).rejects.toThrow('ECONNREFUSED')
  })

  it('demands --server-root', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'app.mjs'), APP)
    const { code, stderr } = await express(['setup-server', 'app.mjs'], { cwd: directory })
    expect(code).toBe(2)
    expect(stderr).toContain('setup-server needs --server-root DIR')
  })

  it('starts, tells, reloads and stops, in a directory whose name a shell would take apart, from another one', async () => {
    const { directory, root, url, ctl } = await setUp(['--setenv', 'GREETING', 'it\'s "$HOME"'], { name: AWKWARD })
    expect(await ctl('status')).toMatchObject({ code: 3, stdout: 'tsgictl: not running\n' })
    expect(await ctl('configtest')).toMatchObject({ code: 0 })
    const started = await ctl('start')
    expect(started.stdout).toMatch(/^Ready http/m)
    expect(started).toMatchObject({ code: 0 })
    expect((await get(url)).body).toBe('it\'s "$HOME" v1')
    expect(await ctl('start')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^tsgictl: running already, pid \d+\n$/) })
    expect(await ctl('status')).toMatchObject({ code: 0, stdout: expect.stringContaining(`Server root         ${root}\n`) })

    writeFileSync(join(directory, 'app.mjs'), APP.replace('v1', 'v2'))
    expect(await ctl('reload')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Reloaded: 1 worker/) })
    expect((await get(url)).body).toMatch(/v2$/)

    writeFileSync(join(directory, 'app.mjs'), 'throw new Error("broken on purpose")\n')
    const broken = await ctl('reload')
    expect(broken.code).toBe(1)
    expect(broken.stderr).toContain('broken on purpose')
    expect((await get(url)).body).toMatch(/v2$/)

    expect(await ctl('stop')).toMatchObject({ code: 0, stdout: 'tsgictl: stopped\n' })
    expect(await ctl('status')).toMatchObject({ code: 3 })
    await expect(get(url)).rejects.toThrow('ECONNREFUSED')
  })

  it('shows why a start failed, and fails', async () => {
    const { directory, ctl } = await setUp(['--server-type', 'embedded'])
    writeFileSync(join(directory, 'app.mjs'), 'throw new Error("broken on purpose")\n')
    const failed = await ctl('start')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('broken on purpose')
    expect(await ctl('status')).toMatchObject({ code: 3 })
  })

  it('keeps a server running when the configuration does not pass the test before a restart', async () => {
    const { root, url, ctl } = await setUp()
    await ctl('start')
    appendFileSync(join(root, 'environ'), 'A\0B')
    const refused = await ctl('restart')
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('holds a NUL')
    expect((await get(url)).status).toBe(200)
    writeFileSync(join(root, 'environ'), 'GREETING=edited\n')
    expect(await ctl('restart')).toMatchObject({ code: 0 })
    expect((await get(url)).body).toBe('edited v1')
  })

  it('sees a pid file that a killed server left, and one whose pid is another program', async () => {
    const { root, url, ctl } = await setUp(['--server-type', 'embedded'])
    const pidFile = join(root, 'tsgi.pid')
    for (const pid of [process.pid, 2 ** 22 + 1]) {
      writeFileSync(pidFile, `${pid}\n`)
      expect(await ctl('status'), String(pid)).toMatchObject({ code: 3, stdout: expect.stringContaining('left over') })
      expect(await ctl('stop')).toMatchObject({ code: 0, stdout: expect.stringContaining('not running') })
    }
    writeFileSync(pidFile, `${process.pid}\n`)
    expect(await ctl('start')).toMatchObject({ code: 0 })
    expect((await get(url)).status).toBe(200)
    expect(Number(readFileSync(pidFile, 'utf8'))).not.toBe(process.pid)
  })

  it('does not take the server of another root for its own, whose pid its file has', async () => {
    const one = await setUp(['--server-type', 'embedded'])
    const two = await setUp(['--server-type', 'embedded'])
    await two.ctl('start')
    writeFileSync(join(one.root, 'tsgi.pid'), readFileSync(join(two.root, 'tsgi.pid')))
    expect(await one.ctl('status')).toMatchObject({ code: 3 })
    expect(await one.ctl('stop')).toMatchObject({ code: 0, stdout: expect.stringContaining('not running') })
    expect((await get(two.url)).status).toBe(200)
    expect(await two.ctl('status')).toMatchObject({ code: 0 })
  })

  it('records the options and the variables that are settings, and nothing from the shell that starts it', async () => {
    const { root } = await setUp(['--processes', '1', '--server-type', 'embedded'], {
      env: { TSGI_LOG_LEVEL: "it's", TSGI_QUEUE_TIMEOUT: '3s' },
    }).catch(() => ({ root: '' }))
    // A wrong value is refused at the set-up.
    expect(root).toBe('')
    const second = await setUp(['--server-type', 'embedded'], { env: { TSGI_QUEUE_TIMEOUT: '3s' } })
    const shown = await run(join(second.root, 'tsgictl'), ['start'], {
      env: { TSGI_QUEUE_TIMEOUT: '4s', TSGI_REQUEST_TIMEOUT: '9s' },
    })
    expect(shown.code).toBe(0)
    const { stdout } = await second.ctl('status')
    expect(stdout).toMatch(/^queue-timeout +3s$/m)
    expect(stdout).toMatch(/^request-timeout +1m$/m)
  })

  it('runs in the foreground in place of the script, for systemd and containers', async () => {
    const { root, url, ctl } = await setUp(['--server-type', 'embedded'])
    const foreground = run(join(root, 'tsgictl'), ['start', '--foreground'])
    await until(() => existsSync(join(root, 'ctl.sock')), 'the control socket')
    expect((await get(url)).status).toBe(200)
    expect(await ctl('stop')).toMatchObject({ code: 0 })
    const ended = await foreground
    expect(ended.code).toBe(0)
    expect(ended.stdout).toMatch(/^Ready http/m)
  })

  it('makes the files of the operator at a start in a named root, too, and takes their changes at a reload', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'app.mjs'), APP)
    const root = join(directory, 'root')
    const launched = new Launched(['start-server', 'app.mjs', '--port', '0', '--server-root', root], { cwd: directory })
    const url = await launched.ready()
    expect(readFileSync(join(root, 'environ'), 'utf8')).toMatch(/^(?:#.*\n)+$/)
    expect(existsSync(join(root, 'nginx-rules.conf'))).toBe(true)
    expect((await get(url)).body).toBe('hello v1')
    appendFileSync(join(root, 'environ'), 'GREETING=edited\n')
    await until(() => existsSync(join(root, 'ctl.sock')), 'the control socket')
    expect(await run(process.execPath, [TSGI, 'ctl', '--socket', join(root, 'ctl.sock'), 'reload'])).toMatchObject({ code: 0 })
    expect((await get(url)).body).toBe('edited v1')
    launched.child.kill('SIGTERM')
    expect(await launched.exited).toBe(0)
    expect(readFileSync(join(root, 'environ'), 'utf8')).toMatch(/GREETING=edited\n$/)
  })

  it('never writes to the files of the operator again, and reads them', async () => {
    const { directory, root } = await setUp()
    const mine = { environ: 'GREETING=mine\n', 'nginx-rules.conf': '# mine\n' }
    for (const [name, text] of Object.entries(mine)) writeFileSync(join(root, name), text)
    rmSync(join(root, 'tsgictl'))
    const again = await express(['setup-server', 'app.mjs', '--port', '8123', '--server-root', root], { cwd: directory })
    expect(again).toMatchObject({ code: 0 })
    for (const [name, text] of Object.entries(mine)) expect(readFileSync(join(root, name), 'utf8')).toBe(text)
  })

  it('takes the rules of the operator at a reload, and keeps the old ones where the new are wrong', async () => {
    const { root, url, ctl } = await setUp()
    await ctl('start')
    const rules = join(root, 'nginx-rules.conf')
    expect(readFileSync(rules, 'utf8')).toMatch(/^(?:#.*\n)+$/)
    writeFileSync(rules, 'add_header X-Rule mine always;\n')
    expect(await ctl('reload')).toMatchObject({ code: 0 })
    let seen: unknown
    const asking = (async (): Promise<void> => {
      while (seen !== 'mine') seen = (await get(url)).headers['x-rule']
    })()
    await until(() => seen === 'mine', 'the new rule')
    await asking
    writeFileSync(rules, 'no_such_directive on;\n')
    for (const command of ['reload', 'configtest']) {
      const refused = await ctl(command)
      expect(refused.code, command).not.toBe(0)
      expect(refused.stderr, command).toContain('no_such_directive')
    }
    expect((await get(url)).headers['x-rule']).toBe('mine')
  })

  it('leaves a server root as it was when the options are wrong', async () => {
    const { directory, root } = await setUp()
    const before = readFileSync(join(root, 'nginx.conf'), 'utf8')
    const { code } = await express(['setup-server', 'app.mjs', '--port', '8123', '--https-only', '--server-root', root], {
      cwd: directory,
    })
    expect(code).toBe(2)
    expect(readFileSync(join(root, 'nginx.conf'), 'utf8')).toBe(before)
  })
})

requires('nginx', 'dist', 'proc', 'root', 'setpriv').describe('as a user without rights', () => {
  it('sets up, starts and stops', async () => {
    const { url, ctl } = await setUp([], { user: NOBODY, name: AWKWARD })
    expect(await ctl('start')).toMatchObject({ code: 0 })
    expect((await get(url)).body).toBe('hello v1')
    expect(await ctl('stop')).toMatchObject({ code: 0, stdout: 'tsgictl: stopped\n' })
  })

  it('is not started by root, who leaves no file there', async () => {
    const { root, ctl } = await setUp([], { user: NOBODY })
    const refused = await run(join(root, 'tsgictl'), ['start'])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('belongs to another user') })
    expect(existsSync(join(root, 'startup.log'))).toBe(false)
    expect(await ctl('start')).toMatchObject({ code: 0 })
  })
})

requires('nginx', 'dist').describe('setup-server that is refused', () => {
  it('leaves no directory behind', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'app.mjs'), APP)
    const args = ['setup-server', 'app.mjs', '--server-type', 'nginx', '--server-root', 'new$x']
    const { code, stderr } = await express(args, { cwd: directory })
    expect(code).toBe(2)
    expect(stderr).toContain('new$x')
    expect(readdirSync(directory)).toEqual(['app.mjs'])
  })
})
