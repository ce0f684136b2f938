import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

import { requires } from '../support/requirements.ts'
import { express, freePort, run, TSGI_EXPRESS } from './commands.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

/** A directory with an application and a configuration file. */
function project(): string {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'wsgi.mjs'), 'export default () => {}\n')
  writeFileSync(join(directory, 'tsgi.config.json'), '{ "limitRequestBody": "3MB" }')
  return directory
}

/** A port that somebody has. */
async function takenPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  // What listens on TCP has such an address.
  return (server.address() as AddressInfo).port
}

requires('nginx', 'dist').describe('explain', () => {
  it('tells of each line which option caused it, its value and where that came from, and writes nothing', async () => {
    const directory = project()
    const port = await takenPort()
    const { code, stdout, stderr } = await express(['explain', '--port', String(port), '--server-root', 'root'], {
      cwd: directory,
      env: { TSGI_GRACEFUL_TIMEOUT: '7s' },
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^ *listen 127\\.0\\.0\\.1:${port}; +# --port ${port} \\(command line\\)$`, 'm'))
    expect(stdout).toMatch(/^worker_shutdown_timeout 9s; +# --graceful-timeout 7s \(TSGI_GRACEFUL_TIMEOUT\)$/m)
    expect(stdout).toMatch(/^ *client_max_body_size 3145728; +# --limit-request-body 3MB \(tsgi\.config\.json\)$/m)
    expect(stdout).toMatch(/# --host 127\.0\.0\.1 \(default\)$/m)
    expect(stdout).not.toContain('\x1b')
    expect(existsSync(join(directory, 'root'))).toBe(false)
    expect(readdirSync(directory).sort()).toEqual(['tsgi.config.json', 'wsgi.mjs'])
  })

  it('gives the same as JSON, with what no line comes from', async () => {
    const { stdout } = await express(
      ['explain', '--json', '--graceful-timeout', '7s', '--queue-timeout', '3s', '--setenv', 'DB_PASSWORD', 'x'],
      {
        cwd: project(),
      },
    )
    const found = JSON.parse(stdout) as { lines: { text: string; cause?: object }[]; elsewhere: object[] }
    expect(found.lines).toContainEqual({
      text: 'worker_shutdown_timeout 9s;',
      cause: { option: 'graceful-timeout', value: '7s', shown: '7s', source: 'command line' },
    })
    expect(found.elsewhere).toContainEqual({ option: 'queue-timeout', value: '3s', shown: '3s', source: 'command line' })
    expect(stdout).not.toMatch(/DB_PASSWORD": "x/)
  })

  it('says that nothing is written for the embedded server', async () => {
    const { code, stdout } = await express(['explain', '--server-type', 'embedded'], { cwd: project() })
    expect(code).toBe(0)
    expect(stdout).toContain('there is no configuration')
  })
})

requires('apache2', 'dist').describe('explain and diff with Apache', () => {
  it('tells the causes beside the lines, once, and finds no difference to what was set up', async () => {
    const directory = project()
    const given = ['--server-type', 'apache', '--port', '8123', '--server-root', 'root']
    const { stdout } = await express(['explain', ...given], { cwd: directory })
    expect(stdout).toMatch(/^Listen 127\.0\.0\.1:8123 +# --port 8123 \(command line\)$/m)
    expect(stdout).not.toMatch(/^ *# --port/m)
    expect(await express(['setup-server', ...given], { cwd: directory })).toMatchObject({ code: 0 })
    expect(existsSync(join(directory, 'root/apache-rules.conf'))).toBe(true)
    expect(await express(['diff', ...given], { cwd: directory })).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

requires('nginx', 'dist', 'python3').describe('colour', () => {
  const terminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'

  it.each([
    ['explain', [], /\x1b\[36m# --port 8123/],
    ['diff', ['--server-root', 'root'], /\x1b\[32m\+daemon off;/],
    ['doctor', [], /\x1b\[32mok/],
  ])('of %s is for terminals, and not where NO_COLOR is set', async (command, options, colour) => {
    const args = ['-c', terminal, process.execPath, TSGI_EXPRESS, command, '--port', '8123', ...options]
    // On a terminal of a CI, too.
    const env = { TERM: 'xterm', CI: '1' }
    const cwd = project()
    expect((await run('python3', args, { cwd, env: { ...env, NO_COLOR: undefined } })).stdout).toMatch(colour)
    expect((await run('python3', args, { cwd, env: { ...env, NO_COLOR: '1' } })).stdout).not.toContain('\x1b')
  })
})

requires('nginx', 'apache2', 'dist', 'proc').describe('diff after a start', () => {
  it.each(['nginx', 'apache'])('finds no difference in the secret of the probe: %s', async (serverType) => {
    const directory = project()
    writeFileSync(join(directory, 'closed.html'), 'closed')
    const port = String(await freePort())
    const given = ['--port', port, '--server-type', serverType, '--maintenance', 'closed.html', '--server-root', 'root']
    const launched = new Launched(['start-server', ...given], { cwd: directory })
    const url = await launched.ready()
    // The flag is there at the start already.
    writeFileSync(join(directory, 'root/maintenance'), '')
    expect((await get(`${url}tsgi-probe`, { 'X-TSGI-Probe': '1' })).status).toBe(503)
    expect(await express(['diff', ...given], { cwd: directory })).toEqual({ code: 0, stdout: '', stderr: '' })
    launched.child.kill('SIGTERM')
    await launched.exited
    const again = new Launched(['start-server', ...given], { cwd: directory })
    await again.ready()
  })
})

requires('nginx', 'dist').describe('diff', () => {
  it('gives 0 for what setup-server wrote, 1 and the change for another option, and writes nothing', async () => {
    const directory = project()
    const given = ['--port', '8123', '--server-root', 'root']
    expect(await express(['setup-server', ...given], { cwd: directory })).toMatchObject({ code: 0 })
    const path = join(directory, 'root', 'nginx.conf')
    const before = readFileSync(path, 'utf8')
    expect(await express(['diff', ...given], { cwd: directory })).toEqual({ code: 0, stdout: '', stderr: '' })
    const changed = await express(['diff', ...given, '--keep-alive-timeout', '5s'], { cwd: directory })
    expect(changed).toMatchObject({ code: 1, stderr: '' })
    expect(changed.stdout).toMatch(/^\+ +keepalive_timeout 5s;/m)
    expect(changed.stdout.split('\n', 1)[0]).toBe(`--- ${path}`)
    expect(readFileSync(path, 'utf8')).toBe(before)
  })

  it('shows everything as new where nothing is, and demands --server-root', async () => {
    const directory = project()
    const { code, stdout } = await express(['diff', '--server-root', 'root'], { cwd: directory })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^--- \/dev\/null\n/)
    expect(existsSync(join(directory, 'root'))).toBe(false)
    expect(await express(['diff'], { cwd: directory })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--server-root'),
    })
  })
})
