import { chmodSync, existsSync, readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { workerVariables } from '../../src/settings/env-file.ts'
import { nearestName } from '../../src/loading/nearest-name.ts'
import { allRows } from '../../src/settings/settings-rows.ts'
import { Launched } from '../launcher/launched.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { APPLICATION, project, run, write } from './commands.ts'
import { get, Served } from './served.ts'

requires('dist').describe('the commands', () => {
  it.each([
    [
      ['tsgi', 'serve', '--wokers', '2'],
      {},
      /^tsgi: TSGI_ERR_OPTION Invalid option: unknown option '--wokers' \(Did you mean --workers\?\)\n$/,
    ],
    [['tsgi', 'serve', '-w', '4'], {}, /unknown option '-w'; write --workers N\n$/],
    [['tsgi', 'serve', '-w4'], {}, /unknown option '-w4'; write --workers N\n$/],
    [['tsgi', 'serve', '-b', ':8000'], {}, /; write --bind ADDR with tsgi serve/],
    [['tsgi', 'serve', '--timeout', '30'], {}, /; write --heartbeat-timeout TIME .* --request-timeout TIME/],
    [['tsgi', 'serve', '-i', 'max'], {}, /; write --workers N, or --workers auto/],
    [['tsgi', 'serve', '--bind'], {}, /^tsgi: TSGI_ERR_OPTION Invalid option: option '--bind <ADDR>' argument missing\n$/],
    [['tsgi', 'serve', 'a.js', 'b.js'], {}, /^tsgi: TSGI_ERR_OPTION Invalid option: too many arguments/],
    [['tsgi', 'sreve'], {}, /^tsgi: TSGI_ERR_OPTION Invalid option: unknown command 'sreve' \(Did you mean serve\?\)\n$/],
    [
      ['tsgi', 'serve'],
      { TSGI_PROCESESS: '2' },
      /unknown environment variable "TSGI_PROCESESS"; did you mean "TSGI_PROCESSES"\?/,
    ],
    [['tsgi', 'serve'], { TSGI_ENV_FILE: 'no.env' }, /the env file "no\.env" cannot be read: "Error: ENOENT/],
  ])('refuse %j with %j: one line, exit code 2', async (args, env, message) => {
    const cwd = project({ 'wsgi.js': APPLICATION, 'a.js': APPLICATION })
    const { code, stdout, stderr } = await run(args, { cwd, env })
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it("leave other programs' variables be", async () => {
    const cwd = project({ 'wsgi.js': APPLICATION })
    const env = { TSGI_TEST_FULL: '1', TSGI_SERVICE_HOST: '10.0.0.1', TSGI_PROCESSES: '' }
    expect(await run(['tsgi', 'serve', '--check-config'], { cwd, env })).toMatchObject({ code: 0, stderr: '' })
  })

  it('print what holds, aligned, without secrets, and start nothing', async () => {
    const cwd = project({
      'wsgi.js': APPLICATION,
      'tsgi.config.json': '{ "gracefulTimeout": "90s", "limitRequestBody": 1048576 }',
    })
    const args = ['tsgi-express', 'start-server', '--print-config', 'wsgi.js', '--setenv', 'API_TOKEN', 'hush']
    const { code, stdout, stderr } = await run([...args, '--setenv', 'DB=postgres://u:hush@h/d'], {
      cwd,
      env: { TSGI_PORT: '81' },
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    const keys = allRows().filter(([, row]) => row.commands.includes('start-server') && row.notInFile !== true)
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['app', ...keys.map(([key]) => key)])
    expect(lines).toContainEqual(expect.stringMatching(/^app +wsgi\.js +command line$/))
    expect(lines).toContainEqual(expect.stringMatching(/^port +81 +TSGI_PORT$/))
    expect(lines).toContainEqual(expect.stringMatching(/^gracefulTimeout +1\.5m|90s +tsgi\.config\.json$/))
    expect(lines).toContainEqual(expect.stringMatching(/^limitRequestBody +1MB +tsgi\.config\.json$/))
    expect(lines).toContainEqual(expect.stringMatching(/^host +127\.0\.0\.1 +default$/))
    const columns = lines.filter((line) => !line.startsWith('setenv')).map((line) => line.search(/\S+(?: line)?$/))
    expect(new Set(columns).size).toBe(1)
    expect(stdout).toContain('setenv')
    expect(stdout).not.toContain('hush')
  })

  it('check without starting: the application, the env files, and an address that is in use is no matter', async () => {
    const cwd = project({ 'wsgi.js': APPLICATION, 'tsgi.config.json': '{ "bind": "unix:a.sock" }' })
    await new Served({ args: [], cwd }).ready()
    const check = ['tsgi', 'serve', '--check-config']
    expect(await run(check, { cwd })).toEqual({
      code: 0,
      stdout: 'The configuration is valid: tsgi.config.json, wsgi.js\n',
      stderr: '',
    })
    expect(await run([...check, 'wsgy.js'], { cwd })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('TSGI_ERR_APP_NOT_FOUND'),
    })
    expect(await run(check, { cwd, env: { TSGI_ENV_FILE: '/dev/zero' } })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is not a file'),
    })
    expect(await run([...check, '--print-config=json'], { cwd })).toMatchObject({
      stderr: expect.stringMatching(/^The configuration is valid/),
    })
  })

  it('give the workers their env files, below what is set already and below --setenv', async () => {
    const cwd = project({ 'wsgi.js': APPLICATION, '1.env': 'A=1\nB=1\nC=1\n', '2.env': '# later\nexport B="2 2"\nC=2\nA=2' })
    const args = ['--bind', 'unix:a.sock', '--env-file', '1.env', '--env-file', '2.env', '--setenv', 'C', 'set']
    await new Served({ args, cwd, env: { A: 'already' } }).ready()
    expect((await get(`${cwd}/a.sock`)).body).toBe('already 2 2 set')
  })
})

requires('dist').test('the launcher starts from the file alone, and reads it anew at HUP', async () => {
  const config = (b: string, more = {}): string =>
    JSON.stringify({ app: 'wsgi.js', port: 0, serverType: 'embedded', setenv: { B: b }, logToTerminal: true, ...more })
  const cwd = project({ 'wsgi.js': APPLICATION, 'tsgi.config.json': config('old') })
  const server = new Launched(['start-server'], { cwd })
  const url = await server.ready()
  expect(await (await fetch(url)).text()).toBe('- old -')
  write(cwd, 'tsgi.config.json', config('new', { port: 1, host: '::1' }))
  server.child.kill('SIGHUP')
  await until(() => /reloaded: 1 worker/.test(server.stderr), 'reloaded')
  expect(await (await fetch(url)).text()).toBe('- new -')
  expect(server.stderr).toContain('changed, but not before the next start: host, port')
})

requires('dist', 'nginx').describe('the launcher', () => {
  it('has nginx test the configuration while a server runs there, and leaves nothing behind', async () => {
    const cwd = project({ 'wsgi.js': APPLICATION, 'tmp/x': '' })
    // nginx's workers have to be able to get there.
    chmodSync(cwd, 0o755)
    const env = { TMPDIR: `${cwd}/tmp`, TSGI_SERVER_TYPE: 'nginx', TSGI_SERVER_ROOT: `${cwd}/root`, TSGI_PID_FILE: `${cwd}/pid` }
    const { code, stdout, stderr } = await run(['tsgi-express', 'start-server', '--check-config'], { cwd, env })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^The configuration is valid: wsgi\.js, nginx\/\d+\.\d+\.\d+\n$/)
    expect(code).toBe(0)
    expect(readdirSync(`${cwd}/tmp`)).toEqual(['x'])
    expect([existsSync(`${cwd}/root`), existsSync(`${cwd}/pid`)]).toEqual([false, false])
  })

  it('says what nginx says against it', async () => {
    const cwd = project({ 'wsgi.js': APPLICATION, nginx: '#!/bin/sh\n' })
    const args = ['tsgi-express', 'start-server', '--check-config', '--proxy-executable', './nginx']
    expect(await run(args, { cwd })).toMatchObject({ code: 1, stderr: expect.stringContaining('TSGI_ERR_PROXY_NOT_FOUND') })
  })
})

it('variables for workers are read anew each time', () => {
  const cwd = project({ 'a.env': 'A=1' })
  const settings = { envFile: [`${cwd}/a.env`], setenv: [['B', '2']] as const }
  expect(workerVariables(settings, {})).toEqual({ A: '1', B: '2' })
  expect(workerVariables(settings, { A: 'already' })).toEqual({ B: '2' })
})

it('the nearest name differs in two letters at most, and in a third of them', () => {
  const names = ['port', 'processes', 'host']
  expect(
    ['prot', 'procesess', 'Processes', 'pro-cesses', 'xyz', 'p', 'sprocket'].map((name) => nearestName(name, names)),
  ).toEqual([undefined, 'processes', 'processes', 'processes', undefined, undefined, undefined])
})
