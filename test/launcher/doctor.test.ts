import { spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

import { TsgiError } from '../../src/interface/errors.ts'
import { nginxDriver } from '../../src/launcher/nginx-driver.ts'
import { CHECKS } from '../../src/launcher/doctor/checks.ts'
import { packageVersion } from '../../src/process/package-version.ts'
import { makeCertificate } from '../support/certificates.ts'
import { startNginx } from '../support/nginx.ts'
import { findExecutable, requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { express, freePort, run, TSGI_EXPRESS } from './commands.ts'
import { Launched } from './launched.ts'
import { look } from './patient.ts'
import { temporaryDirectory } from './temporary.ts'

const WWW = { user: 'www-data', uid: 33, group: 'www-data', gid: 33 }
const NOBODY = 65_534

/** A directory with these files, as /proc or as the control groups. */
function tree(files: Record<string, string>): string {
  const directory = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  return directory
}

async function listening(place: string | number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve) =>
    typeof place === 'number' ? server.listen(place, '127.0.0.1', resolve) : server.listen(place, resolve),
  )
  onTestFinished(() => void server.close())
  return server
}

const failed = (seen: RegExp): object => ({ status: 'fail', seen: expect.stringMatching(seen) })
const warned = (seen: RegExp): object => ({ status: 'warn', seen: expect.stringMatching(seen) })

describe('the checks', () => {
  it('have names of their own, and find nothing on a machine that is well', async () => {
    expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length)
    expect(CHECKS.length).toBeGreaterThanOrEqual(15)
    for (const id of [
      'node-version',
      'settings',
      'options',
      'timeouts',
      'env-files',
      'application',
      'proxy-modules',
      'low-port',
      'host',
      'socket-path',
      'clock',
    ])
      expect(await look(id), id).toMatchObject({ status: 'ok' })
  })

  it('node-version: an old Node, and one of an odd line', async () => {
    expect(await look('node-version', { machine: { nodeVersion: '18.20.4' } })).toMatchObject(failed(/older than 20\.19/))
    expect(await look('node-version', { machine: { nodeVersion: '23.1.0' } })).toMatchObject(warned(/23\.1\.0/))
  })

  it('options: one without its sibling', async () => {
    expect(await look('options', { options: { httpsOnly: true } })).toMatchObject(
      failed(/--https-only does nothing without --https-port/),
    )
  })

  it('timeouts: limits at odds, and limits that are off', async () => {
    expect(await look('timeouts', { options: { requestTimeout: '60s', gracefulTimeout: '5s' } })).toMatchObject(
      warned(/graceful/),
    )
    expect(await look('timeouts', { options: { requestTimeout: '0' } })).toMatchObject(warned(/never ended/))
    expect(await look('timeouts', { options: { heartbeatTimeout: '0' } })).toMatchObject(warned(/stuck/))
    expect(
      await look('timeouts', { options: { requestTimeout: '5s', queueTimeout: '20s', gracefulTimeout: '15s' } }),
    ).toMatchObject(warned(/wait longer/))
    expect(await look('timeouts', { options: { trustProxy: ['10.0.0.0/8'], keepAliveTimeout: '5s' } })).toMatchObject(
      warned(/502/),
    )
  })

  it('env-files: one that is not there, and secrets that everyone can read', async () => {
    const directory = tree({ '.env': 'DB_PASSWORD=x\n' })
    const envFile = [join(directory, '.env')]
    expect(await look('env-files', { options: { envFile: [join(directory, 'none')] } })).toMatchObject(failed(/cannot be read/))
    chmodSync(envFile[0] ?? '', 0o644)
    expect(await look('env-files', { options: { envFile } })).toMatchObject({
      ...warned(/everyone can read/),
      fix: expect.stringContaining('chmod o-rwx'),
    })
    chmodSync(envFile[0] ?? '', 0o600)
    expect(await look('env-files', { options: { envFile } })).toMatchObject({ status: 'ok' })
  })

  it('application: a name that is nearly right', async () => {
    const directory = tree({ 'wsgi.js': '' })
    expect(await look('application', { app: 'wsig.js', directory })).toMatchObject(failed(/wsgi\.js/))
    expect(await look('application', { app: undefined, appProblem: new Error('none here') })).toMatchObject(failed(/none here/))
  })

  it('first-process: npm, and a shell, as the first process', async () => {
    const npm = tree({ '1/cmdline': 'npm\0start\0' })
    expect(await look('first-process', { machine: { proc: npm, ppid: 1 } })).toMatchObject(warned(/npm start.*keeps TERM/))
    const shell = tree({ '1/cmdline': 'sh\0-c\0tsgi-express start-server\0' })
    expect(await look('first-process', { machine: { proc: shell, ppid: 1 } })).toMatchObject(warned(/keeps TERM/))
    const parent = tree({ '1/cmdline': '/sbin/init\0', '9/cmdline': 'node\0/usr/bin/npm\0run\0start\0' })
    expect(await look('first-process', { machine: { proc: parent, ppid: 9 } })).toMatchObject(warned(/pid 9/))
    const fine = tree({ '1/cmdline': '/sbin/init\0', '9/cmdline': 'bash\0' })
    expect(await look('first-process', { machine: { proc: fine, ppid: 9 } })).toMatchObject({ status: 'ok' })
  })

  it('clock: one that is years behind', async () => {
    expect(await look('clock', { machine: { now: Date.parse('2001-01-01') } })).toMatchObject(failed(/2001/))
  })

  it('proxy: one that is not there, and an old one', async () => {
    expect(await look('proxy', { proxy: undefined, proxyProblem: new Error('no nginx on the PATH') })).toMatchObject(
      failed(/no nginx/),
    )
    const old = nginxDriver('/x/nginx', { version: '1.18.0', without: new Set(), with: new Set() })
    expect(await look('proxy', { proxy: old })).toMatchObject(warned(/1\.18\.0/))
    expect(await look('proxy', { proxy: undefined })).toMatchObject(warned(/answer by themselves/))
  })

  it('proxy: the package of the proxy that was asked for, or the other one that is there', async () => {
    const proxyProblem = new TsgiError('TSGI_ERR_PROXY_NOT_FOUND', 'none')
    const fix = async (options: Record<string, unknown>, problem: unknown = proxyProblem): Promise<string | undefined> =>
      (await look('proxy', { proxy: undefined, proxyProblem: problem, options })).fix
    expect(await fix({ serverType: 'apache' })).toMatch(/^\S+ (?:install|add) (?:apache2|httpd)/)
    const nginx = await fix({ serverType: 'nginx' })
    expect(nginx).toMatch(/^\S+ (?:install|add) nginx/)
    expect(nginx?.includes('; or --server-type apache')).toBe(findExecutable('apache2') !== undefined)
    const noUser = new TsgiError('TSGI_ERR_OPTION', '--user "shop": there is no such user')
    expect(await fix({ user: 'shop' }, noUser)).toBe('useradd --system --no-create-home shop')
  })

  it('proxy-modules: a build without one that the wire needs', async () => {
    const proxy = nginxDriver('/x/nginx', { version: '1.22.1', without: new Set(['http_fastcgi_module']), with: new Set() })
    expect(await look('proxy-modules', { proxy })).toMatchObject(failed(/without http_fastcgi_module/))
    expect(await look('proxy-modules', { proxy, options: { wire: 'http' } })).toMatchObject({ status: 'ok' })
  })

  it('port: one that somebody has, and who', async () => {
    const server = await listening(0)
    // What listens on TCP has such an address.
    const { port } = server.address() as AddressInfo
    expect(await look('port', { options: { port: String(port) } })).toMatchObject({
      ...failed(new RegExp(`127\\.0\\.0\\.1:${port}.*pid ${process.pid}`)),
      fix: `ss -ltnp 'sport = :${port}'`,
    })
  })

  it('low-port: one below 1024 without root, and as root without a user', async () => {
    const options = { port: '80' }
    const proc = tree({ 'sys/net/ipv4/ip_unprivileged_port_start': '1024\n', 'self/status': 'CapEff:\t0000000000000000\n' })
    expect(await look('low-port', { options, machine: { uid: 1000, proc } })).toMatchObject(failed(/port 80 needs root/))
    expect(await look('low-port', { options, machine: { uid: 0 } })).toMatchObject({
      ...failed(/user of its own/),
      fix: '--user www-data',
    })
    const able = tree({ 'sys/net/ipv4/ip_unprivileged_port_start': '1024\n', 'self/status': 'CapEff:\t0000000000000400\n' })
    expect(await look('low-port', { options, machine: { uid: 1000, proc: able } })).toMatchObject({ status: 'ok' })
  })

  it('root-user: an application that would be root', async () => {
    expect(await look('root-user', { machine: { uid: 0 } })).toMatchObject(warned(/would be root/))
    expect(await look('root-user', { machine: { uid: 1000 } })).toMatchObject({ status: 'ok' })
  })

  it('host: an address of another machine, and a name that nobody knows', async () => {
    expect(await look('host', { options: { host: '192.0.2.1' } })).toMatchObject(failed(/192\.0\.2\.1/))
    expect(await look('host', { options: { serverName: 'nobody.invalid' } })).toMatchObject(warned(/nobody\.invalid/))
  })

  it('backlog: more than the system allows', async () => {
    const proc = tree({ 'sys/net/core/somaxconn': '128\n' })
    expect(await look('backlog', { machine: { proc } })).toMatchObject({
      ...warned(/511 to 128/),
      fix: 'sudo sysctl -w net.core.somaxconn=511',
    })
  })

  it('socket-path: one that is too long', async () => {
    expect(await look('socket-path', { options: { serverRoot: `/tmp/${'long/'.repeat(25)}` } })).toMatchObject(
      failed(/too long/i),
    )
  })

  it('server-root: files that are not ours', async () => {
    const serverRoot = tree({ 'nginx.conf': 'events {}\n' })
    chmodSync(serverRoot, 0o700)
    expect(await look('server-root', { options: { serverRoot } })).toMatchObject({
      ...failed(/nginx\.conf" is not ours/),
      fix: `--server-root ${join(serverRoot, 'tsgi')}`,
    })
    expect(await look('server-root', { options: { serverRoot }, proxy: undefined })).toMatchObject({ status: 'ok' })
  })

  it('server-root: everyone may write to it, it is a file, or it belongs to somebody else', async () => {
    const directory = temporaryDirectory()
    const serverRoot = join(directory, 'root')
    mkdirSync(serverRoot)
    chmodSync(serverRoot, 0o777)
    expect(await look('server-root', { options: { serverRoot } })).toMatchObject({
      ...failed(/everyone may write/),
      fix: `chmod o-w ${serverRoot}`,
    })
    chmodSync(serverRoot, 0o700)
    expect(await look('server-root', { options: { serverRoot } })).toMatchObject({ status: 'ok' })
    expect(await look('server-root', { options: { serverRoot }, machine: { uid: 1234 } })).toMatchObject(
      failed(/not to us \(user 1234\)/),
    )
    writeFileSync(join(directory, 'file'), '')
    expect(await look('server-root', { options: { serverRoot: join(directory, 'file') } })).toMatchObject(
      failed(/not a directory/),
    )
    expect(existsSync(join(serverRoot, 'tsgi.sock'))).toBe(false)
  })

  it("entry: a directory on the way that the proxy's user may not enter", async () => {
    const directory = temporaryDirectory()
    const closed = join(directory, 'closed')
    mkdirSync(join(closed, 'public'), { recursive: true })
    chmodSync(closed, 0o700)
    const found = await look('entry', { options: { serverRoot: join(closed, 'root') }, account: WWW })
    expect(found).toMatchObject({ ...failed(/www-data cannot enter .*closed/), fix: `chmod o+x ${closed}` })
    expect(await look('entry', { options: { documentRoot: join(closed, 'public') }, account: WWW })).toMatchObject(
      failed(/public/),
    )
    chmodSync(closed, 0o711)
    expect(await look('entry', { options: { serverRoot: join(closed, 'root') }, account: WWW })).toMatchObject({ status: 'ok' })
  })

  it('leftovers: a socket that nobody answers, and the pid file of a process that has ended', async () => {
    const serverRoot = temporaryDirectory()
    const path = join(serverRoot, 'tsgi.sock')
    // A process that is killed leaves its socket.
    const child = spawn(process.execPath, ['-e', `require("net").createServer().listen(${JSON.stringify(path)})`], {
      stdio: 'ignore',
    })
    await until(() => existsSync(path), 'the socket')
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    writeFileSync(join(serverRoot, 'tsgi.pid'), `${child.pid}\n`)
    const found = await look('leftovers', { options: { serverRoot } })
    expect(found).toMatchObject({ ...warned(/tsgi\.sock, .*tsgi\.pid/), fix: expect.stringMatching(/^rm /) })
  })

  it("socket-mode: a socket that is closed to the proxy's user, and one that is open to everyone", async () => {
    const serverRoot = temporaryDirectory()
    const path = join(serverRoot, 'tsgi.sock')
    await listening(path)
    chmodSync(path, 0o600)
    expect(await look('socket-mode', { options: { serverRoot }, account: WWW })).toMatchObject(failed(/every request is a 502/))
    chmodSync(path, 0o666)
    expect(await look('socket-mode', { options: { serverRoot }, account: WWW })).toMatchObject(warned(/everyone may connect/))
  })

  it('temporary-directory: one that is not there, and one where nothing may be executed', async () => {
    expect(await look('temporary-directory', { machine: { temporary: '/nowhere/at/all' } })).toMatchObject(failed(/nowhere/))
    const directory = temporaryDirectory()
    const proc = tree({ 'self/mounts': `/dev/a / ext4 rw 0 0\ntmpfs ${directory} tmpfs rw,noexec,nosuid 0 0\n` })
    expect(await look('temporary-directory', { machine: { temporary: directory, proc } })).toMatchObject(warned(/noexec/))
  })

  it('logs: a directory that is not there, and a log that is none', async () => {
    const directory = temporaryDirectory()
    expect(await look('logs', { options: { errorLog: join(directory, 'none/error.log') } })).toMatchObject({
      ...failed(/is not there/),
      fix: expect.stringMatching(/^mkdir -p/),
    })
    expect(await look('logs', { options: { errorLog: directory } })).toMatchObject(failed(/cannot be written/))
  })

  it('body-spool: bodies larger than the disk, and any size at all', async () => {
    expect(await look('body-spool', { options: { limitRequestBody: '900TB' } })).toMatchObject(failed(/for one body/))
    expect(await look('body-spool', { options: { limitRequestBody: '0' } })).toMatchObject(warned(/any size/))
  })

  it('open-files: fewer than connections need', async () => {
    const proc = tree({
      'self/limits':
        'Limit  Soft Limit  Hard Limit  Units\nMax open files            256                  4096                 files\n',
    })
    expect(await look('open-files', { machine: { proc } })).toMatchObject({
      ...warned(/256 open files are allowed/),
      fix: expect.stringContaining('LimitNOFILE='),
    })
  })

  it('memory: heaps that do not fit in the control group, or the one above it', async () => {
    const cgroup = tree({ 'a/b/memory.max': 'max\n', 'a/memory.max': `${512 * 1024 ** 2}\n` })
    const proc = tree({ 'self/cgroup': '0::/a/b\n' })
    const machine = { cgroup, proc, heapBytes: 256 * 1024 ** 2 }
    expect(await look('memory', { options: { processes: '4' }, machine })).toMatchObject({
      ...warned(/4 worker\(s\) of up to 256 MB in 512 MB/),
      fix: '--worker-max-rss 102MB',
    })
    expect(await look('memory', { options: { processes: '2' }, machine })).toMatchObject({ status: 'ok' })
  })

  it('processors: more workers than the control group may run', async () => {
    const machine = { cgroup: tree({ 'cpu.max': '50000 100000\n' }), proc: tree({ 'self/cgroup': '0::/\n' }), processors: 8 }
    expect(await look('processors', { options: { processes: '4' }, machine })).toMatchObject({
      ...warned(/0\.5 processor/),
      fix: '--processes 1',
    })
    expect(await look('processors', { options: { processes: '1' }, machine })).toMatchObject({ status: 'ok' })
  })

  it('running-server: a socket that answers nothing, and a server of another version', async () => {
    const serverRoot = temporaryDirectory()
    const server = await listening(join(serverRoot, 'ctl.sock'))
    server.on('connection', (socket) => {
      socket.on('error', () => {})
      const result = { pid: 1, version: '0.0.1', state: 'running', workers: { ready: 1, wanted: 1 } }
      socket.end(`${JSON.stringify({ tsgi: 1, ok: true, result })}\n`)
    })
    expect(await look('running-server', { options: { serverRoot } })).toMatchObject(
      warned(new RegExp(`0\\.0\\.1, and this is ${packageVersion()}`)),
    )
    server.removeAllListeners('connection')
    server.on('connection', (socket) => socket.destroy())
    expect(await look('running-server', { options: { serverRoot } })).toMatchObject({ status: 'fail' })
  })
})

requires('openssl').describe('the checks of certificates', () => {
  it('certificate: one that ends soon, one for another name, and the wrong key; key-mode: a key that everyone reads', async () => {
    const directory = temporaryDirectory()
    const soon = makeCertificate(directory, 'soon', { days: 3 })
    const other = makeCertificate(directory, 'other', { name: 'other.example', days: 90 })
    const tls = (certificate: string, key: string): { options: Record<string, unknown> } => ({
      options: { httpsPort: '8443', sslCertificateFile: certificate, sslCertificateKeyFile: key, serverName: 'localhost' },
    })
    expect(await look('certificate', tls(soon.certificate, soon.key))).toMatchObject(warned(/ends on/))
    expect(await look('certificate', tls(other.certificate, other.key))).toMatchObject(warned(/not for localhost/))
    expect(await look('certificate', tls(soon.certificate, other.key))).toMatchObject(failed(/not the key/))
    chmodSync(soon.key, 0o644)
    expect(await look('key-mode', tls(soon.certificate, soon.key))).toMatchObject(warned(/everyone can read/))
  })
})

requires('nginx').describe('the checks of what is installed', () => {
  it('port: another nginx on it, by name', async () => {
    const nginx = await startNginx({ wire: 'fastcgi', socketPath: '/nowhere.sock' })
    onTestFinished(() => nginx.stop())
    expect(await look('port', { options: { port: String(nginx.port) } })).toMatchObject({
      ...failed(/nginx/),
      fix: expect.stringContaining('systemctl disable --now nginx'),
    })
  })
})

requires('nginx', 'dist').describe('doctor', () => {
  it('is content with a sound application, as JSON and for people', async () => {
    const directory = tree({ 'wsgi.mjs': 'export default () => {}\n' })
    const port = String(await freePort())
    const { code, stdout } = await express(['doctor', '--json', '--port', port], { cwd: directory })
    const found = JSON.parse(stdout) as { check: string; status: string }[]
    expect(found.filter(({ status }) => status === 'fail')).toEqual([])
    expect(found.map(({ check }) => check)).toEqual(CHECKS.map(({ id }) => id))
    expect(code).toBe(0)
    const told = await express(['doctor', '--port', port], { cwd: directory })
    expect(told.stdout).toMatch(/^0 failed, \d+ to look at, \d+ fine$/m)
    expect(told.stdout).not.toContain('\x1b')
  })

  it('fails for an application that does not load, for rules that nginx refuses, and for a slip in the configuration file', async () => {
    const directory = tree({
      'wsgi.mjs': 'throw new Error("broken on purpose")\n',
      'root/nginx-rules.conf': 'no_such_directive on;\n',
    })
    chmodSync(join(directory, 'root'), 0o700)
    const find = async (id: string, ...options: string[]): Promise<unknown> => {
      const { code, stdout } = await express(['doctor', '--json', '--port', '0', ...options], { cwd: directory })
      expect(code).toBe(1)
      return (JSON.parse(stdout) as { check: string }[]).find(({ check }) => check === id)
    }
    expect(await find('application-loads')).toMatchObject(failed(/broken on purpose/))
    writeFileSync(join(directory, 'wsgi.mjs'), 'export default () => {}\n')
    expect(await find('proxy-configuration', '--server-root', 'root')).toMatchObject(failed(/no_such_directive/))
    writeFileSync(join(directory, 'tsgi.config.json'), '{ "procesess": 2 }')
    expect(await find('settings')).toMatchObject(failed(/did you mean "processes"/))
  })

  it('does not take its own server for a stranger on the port', async () => {
    const directory = tree({ 'wsgi.mjs': 'export default () => {}\n' })
    const port = String(await freePort())
    const options = ['--port', port, '--server-root', join(directory, 'root')]
    const launched = new Launched(['start-server', join(directory, 'wsgi.mjs'), ...options])
    await launched.ready()
    await until(() => existsSync(join(directory, 'root/ctl.sock')), 'the control socket')
    const { code, stdout } = await express(['doctor', '--json', ...options], { cwd: directory })
    const found = JSON.parse(stdout) as { check: string }[]
    expect(found.find(({ check }) => check === 'port')).toMatchObject({ status: 'ok' })
    expect(found.find(({ check }) => check === 'running-server')).toMatchObject({
      status: 'ok',
      seen: expect.stringContaining('1 of 1'),
    })
    expect(code).toBe(0)
  })
})

requires('nginx', 'dist').describe('the commands of doctor', () => {
  it('repeat what it was given, and a missing application is one fault', async () => {
    const directory = tree({ 'wsgi.mjs': 'export default () => {}\n', 'mine.conf': 'no_such_directive on;\n' })
    const given = ['wsgi.mjs', '--port', '0', '--server-type', 'nginx', '--include-file', 'mine.conf', '--setenv', 'A', 'b c']
    const found = JSON.parse((await express(['doctor', '--json', ...given], { cwd: directory })).stdout) as object[]
    expect(found).toContainEqual({
      ...failed(/no_such_directive/),
      check: 'proxy-configuration',
      fix: "tsgi-express explain wsgi.mjs --port 0 --server-type nginx --include-file mine.conf --setenv A 'b c'",
    })
    const { stdout } = await express(['doctor', '--json', 'wsig.mjs', '--port', '0'], { cwd: directory })
    const faults = (JSON.parse(stdout) as { check: string; status: string }[]).filter(({ status }) => status === 'fail')
    expect(faults.map(({ check }) => check)).toEqual(['application'])
  })
})

requires('nginx', 'dist', 'root').describe('doctor for another user', () => {
  it('names what that user may not read of the application, and the command', async () => {
    const directory = tree({ 'wsgi.mjs': 'export default () => {}\n' })
    chmodSync(join(directory, 'wsgi.mjs'), 0o600)
    const { stdout } = await express(['doctor', '--json', 'wsgi.mjs', '--port', '0', '--user', 'nobody'], { cwd: directory })
    expect(JSON.parse(stdout)).toContainEqual({
      check: 'application-loads',
      status: 'fail',
      seen: `nobody may not read ${directory}/wsgi.mjs`,
      fix: `chmod o+r ${directory}/wsgi.mjs`,
    })
  })
})

requires('nginx', 'dist', 'root', 'setpriv').describe('doctor as a user without rights', () => {
  it('sees a low port, a server root and logs that are not this user', async () => {
    const directory = tree({ 'wsgi.mjs': 'export default () => {}\n', 'closed.log': '' })
    chmodSync(join(directory, 'closed.log'), 0o600)
    mkdirSync(join(directory, 'mine'), { mode: 0o700 })
    chownSync(join(directory, 'mine'), NOBODY, NOBODY)
    const doctor = async (...options: string[]): Promise<{ check: string; status: string; seen: string }[]> => {
      const rights = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', '--inh-caps=-all']
      const words = [process.execPath, TSGI_EXPRESS, 'doctor', '--json', ...options]
      const { stdout } = await run('setpriv', [...rights, '--', ...words], { cwd: directory })
      return JSON.parse(stdout) as { check: string; status: string; seen: string }[]
    }
    const found = await doctor('--server-root', join(directory, 'new'), '--error-log', join(directory, 'closed.log'))
    const of = (id: string): object | undefined => found.find(({ check }) => check === id)
    expect(of('server-root')).toMatchObject(failed(/cannot be made/))
    expect(of('logs')).toMatchObject(failed(/closed\.log cannot be written/))
    const start = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
    const low = (await doctor('--port', '81', '--server-root', join(directory, 'mine'))).find(({ check }) => check === 'low-port')
    expect(low).toMatchObject(start > 81 ? failed(/needs root/) : { status: 'ok' })
  })
})
