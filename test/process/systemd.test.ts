import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { ServiceNotifier } from '../../src/process/service-notifier.ts'
import { takeServiceVariables } from '../../src/process/service-variables.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Deployment } from './deployment.ts'
import { notifySocket } from './notify-socket.ts'
import { childrenOf, fixture, get, isRunning, Served, temporaryDirectory } from './served.ts'

const UNITS = fileURLToPath(new URL('../../examples/systemd/', import.meta.url))
const EXPRESS = fileURLToPath(new URL('../../dist/cli/tsgi-express.js', import.meta.url))

/** Started by systemd's own program, at the first connection to the first socket. */
async function activated(sockets: readonly string[], ...args: string[]): Promise<Served> {
  const listen = sockets.flatMap((socket) => ['--listen', socket])
  const served = new Served({
    args: [fixture('tells-its-rights.js'), ...args],
    wrapper: ['systemd-socket-activate', ...listen, '--fdname=web:admin', '-E', 'HOME=/'],
  })
  await served.until(new RegExp(` as ${sockets.length + 2}\\.$`, 'm'))
  return served
}

requires('dist', 'proc', 'systemd-socket-activate').describe('socket activation', () => {
  it('serves every inherited socket where --bind is left out, and leaves them in their place', async () => {
    const directory = temporaryDirectory()
    const [first, second] = [join(directory, 'a'), join(directory, 'b')]
    const served = await activated([first, second], '--workers', '2')
    const { status, body } = await get(first)
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ service: [] })
    expect((await get(second)).status).toBe(200)
    await served.ready()
    expect(served.output).toMatch(/Listening on fd:\/\/3\nListening on fd:\/\/4\nReady: 2 workers/)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(readdirSync(directory)).toEqual(['a', 'b'])
  })

  it('takes those that --bind names, and says which nobody serves', async () => {
    const directory = temporaryDirectory()
    const [first, second] = [join(directory, 'a'), join(directory, 'b')]
    const served = await activated([first, second], '--bind', 'fd://3')
    expect((await get(first)).status).toBe(200)
    await served.ready()
    expect(served.output).toMatch(/warn .*not in --bind, so nobody serves it: fd:\/\/4 \(admin\)/)
  })

  it('gives the sockets to a new master', async () => {
    const socket = join(temporaryDirectory(), 'a')
    const served = await activated([socket])
    const before = JSON.parse((await get(socket)).body) as { pid: number }
    served.kill('SIGUSR2')
    const match = await served.until(/the new master (\d+) serves/)
    const successor = Number(match[1])
    onTestFinished(() => void (isRunning(successor) && process.kill(successor, 'SIGKILL')))
    await until(() => !isRunning(served.pid), 'the end of the old master')
    const after = JSON.parse((await get(socket)).body) as { pid: number }
    expect(childrenOf(successor)).toContain(after.pid)
    expect(after.pid).not.toBe(before.pid)
    process.kill(successor, 'SIGTERM')
    await until(() => !isRunning(successor), 'the end of the new master')
    expect(existsSync(socket)).toBe(true)
  })
})

it('the sockets of another process are not touched, and the environment is clean', () => {
  const environment = {
    LISTEN_PID: '1',
    LISTEN_FDS: '2',
    LISTEN_FDNAMES: 'a:b',
    WATCHDOG_USEC: '5000000',
    WATCHDOG_PID: '1',
    PATH: '/bin',
  }
  expect(takeServiceVariables(environment, 7, false)).toMatchObject({ sockets: [], socketsOfPid: 1, watchdogMs: undefined })
  expect(environment).toEqual({ PATH: '/bin' })
  expect(takeServiceVariables({ LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b' }, 7, false).sockets).toEqual([
    { fd: 3, name: 'a' },
    { fd: 4, name: 'b' },
  ])
  for (const LISTEN_FDS of ['-1', '1e3', '99999', 'x', '']) {
    expect(takeServiceVariables({ LISTEN_PID: '7', LISTEN_FDS }, 7, false).sockets).toEqual([])
  }
})

requires('dist', 'proc').describe('LISTEN_PID of another process', () => {
  it('is a line in the log', async () => {
    const socket = join(temporaryDirectory(), 'a')
    const served = await new Served({
      args: [fixture('hello.js'), '--bind', `unix:${socket}`],
      env: { LISTEN_PID: '1', LISTEN_FDS: '1' },
    }).ready()
    expect(served.output).toMatch(/warn .*LISTEN_FDS is for the process 1, and this is \d+: its sockets are not used/)
  })
})

requires('dist', 'proc', 'perl', 'systemd-notify').describe('notifications', () => {
  it('tell of the start, of reloads, good and bad, and of the stop, and workers have no part in it', async () => {
    const notify = await notifySocket()
    const app = new Deployment().deploy('one')
    const served = await new Served({
      args: [app.file, '--bind', `unix:${app.socket}`, '--workers', '2'],
      env: { NOTIFY_SOCKET: notify.path },
    }).ready()
    await notify.hears(new RegExp(`^MAINPID=${served.pid} \\| READY=1 \\| STATUS=Serving: 2 workers$`))
    const worker = childrenOf(served.pid)[0] ?? 0
    expect(readFileSync(`/proc/${worker}/environ`, 'latin1')).not.toContain('NOTIFY_SOCKET')
    served.kill('SIGHUP')
    await notify.hears(/^RELOADING=1 \| MONOTONIC_USEC=\d+ \|/, /^READY=1 \| STATUS=Serving: 2 worker\(s\) reloaded$/)
    app.write('throw new Error("a broken deploy")\n')
    served.kill('SIGHUP')
    await notify.hears(
      /^RELOADING/,
      /^READY/,
      /^RELOADING/,
      /^READY=1 \| STATUS=Serving, but the reload failed: .*a broken deploy/,
    )
    served.kill('SIGTERM')
    await notify.hears(/^STOPPING=1/)
    expect(await served.ended).toBe(0)
    expect(served.output).not.toContain('cannot be told')
  })

  it('name the new master before the old one ends, which does not say that the service stops', async () => {
    const notify = await notifySocket()
    const app = new Deployment().deploy('one')
    const served = await new Served({
      args: [app.file, '--bind', `unix:${app.socket}`],
      env: { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: '400000' },
    }).ready()
    await notify.hears(/READY=1/)
    served.kill('SIGUSR2')
    const successor = Number((await served.until(/the new master (\d+) serves/))[1])
    onTestFinished(() => void (isRunning(successor) && process.kill(successor, 'SIGKILL')))
    expect(notify.words.some((word) => word.startsWith(`MAINPID=${successor} | READY=1`))).toBe(true)
    await until(() => !isRunning(served.pid), 'the end of the old master')
    // The new one is watched as the old one was.
    const heard = notify.words.length
    await until(() => notify.words.slice(heard).includes('WATCHDOG=1'), 'a sign of life')
    expect(notify.words.some((word) => word.startsWith('STOPPING'))).toBe(false)
    process.kill(successor, 'SIGTERM')
    await notify.hears(/^STOPPING=1/)
    await until(() => !isRunning(successor), 'the end of the new master')
  })

  it('give signs of life while a worker serves, and none while no one does', async () => {
    const notify = await notifySocket()
    let workers = [{ state: 'ready' }, { state: 'booting' }]
    const warnings: string[] = []
    const log = { error() {}, warn: (text: string) => void warnings.push(text), info() {}, debug() {} }
    const notifier = new ServiceNotifier({ socket: notify.path, log })
    let looks = 0
    notifier.watch(100, () => {
      looks += 1
      return workers
    })
    await notify.hears(/^WATCHDOG=1$/, /^WATCHDOG=1$/)
    workers = [{ state: 'booting' }, { state: 'stopping' }]
    // One may be on its way.
    await notifier.ready('no one')
    const heard = notify.words.length
    const from = looks
    await until(() => looks > from + 3, 'three looks')
    expect(notify.words).toHaveLength(heard)
    notifier.close()
    expect(warnings).toEqual([])
  })

  it('come from start-server, too', async () => {
    const notify = await notifySocket()
    const child = spawn(
      process.execPath,
      [EXPRESS, 'start-server', fixture('hello.js'), '--server-type', 'embedded', '--port', '0', '--log-to-terminal'],
      { stdio: 'ignore', env: { PATH: process.env['PATH'], NOTIFY_SOCKET: notify.path } },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    await notify.hears(new RegExp(`^MAINPID=${child.pid} \\| READY=1`))
    child.kill('SIGTERM')
    await notify.hears(/^STOPPING=1/)
    expect(await exited).toEqual([0, null])
  })
})

requires('dist').describe('where systemd-notify is missing', () => {
  it('one warning says what to do, and everything goes on', async () => {
    const app = new Deployment().deploy('one')
    const served = await new Served({
      args: [app.file, '--bind', `unix:${app.socket}`],
      env: { NOTIFY_SOCKET: '/nowhere', PATH: temporaryDirectory() },
    }).ready()
    await served.until(/warn .*the service manager cannot be told .*install it/)
    served.kill('SIGHUP')
    await served.until(/reloaded: 1/)
    expect(await app.version()).toBe('one')
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(served.output.match(/cannot be told/g)).toHaveLength(1)
  })
})

requires('systemd-analyze').describe('the unit files', () => {
  it.each(readdirSync(UNITS))('%s is accepted by systemd', (name) => {
    const directory = temporaryDirectory()
    // What they start must be there to be accepted.
    const program = join(directory, 'bin/true')
    mkdirSync(dirname(program))
    copyFileSync('/bin/true', program)
    for (const unit of readdirSync(UNITS)) {
      const text = readFileSync(join(UNITS, unit), 'utf8').replaceAll(/^(ExecStart=)\S+/gm, `$1${program}`)
      writeFileSync(join(directory, unit), text)
    }
    const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', '--man=no', join(directory, name)], {
      encoding: 'utf8',
    })
    expect(`${stdout}${stderr}`).toBe('')
    expect(status).toBe(0)
  })
})
