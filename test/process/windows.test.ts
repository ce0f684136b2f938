import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { controlPipe, isPipe, pipeOf, pipesAmong } from '../../src/process/control-pipe.ts'
import { describeExit } from '../../src/process/exit-meaning.ts'
import { parseBindAddress } from '../../src/server/address.ts'
import * as platform from '../../src/server/platform.ts'
import { checkoutFiles, readCheckoutFile } from '../house/checkout.ts'
import { get as fetchUrl, Launched } from '../launcher/launched.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import type { Outcome } from './control-peer.ts'
import { childrenOf, fixture, get, isRunning, Served, servingPids, temporaryDirectory } from './served.ts'

const built = requires('dist', 'proc')

/** See that file for what it fakes, and refuses. */
const WINDOWS = { NODE_OPTIONS: `--import ${fileURLToPath(new URL('../support/windows.mjs', import.meta.url))}` }

describe('what Windows has', () => {
  it('is asked of one file', () => {
    const others = checkoutFiles('src').filter((path) => path !== 'src/server/platform.ts' && path.endsWith('.ts'))
    expect(others.filter((path) => readCheckoutFile(path).includes("'win32'"))).toEqual([])
  })

  it('is no address but a host and a port', () => {
    for (const text of ['127.0.0.1:8000', ':8000', '[::1]:0', 'localhost:80']) {
      expect(parseBindAddress(text, 'win32')).toEqual(parseBindAddress(text, 'linux'))
    }
    for (const text of ['unix:/run/app.sock', 'unix:///run/app.sock', 'fd://3']) {
      expect(parseBindAddress(text, 'linux').type).not.toBe('tcp')
      expect(() => parseBindAddress(text, 'win32')).toThrow(/Invalid address to bind: .*--bind 127\.0\.0\.1:8000/)
    }
  })

  it('is everything on other systems', () => {
    for (const what of ['unix', 'fd', 'account', 'umask', 'socketOwner', 'proxy', 'syslog', 'upgrade'] as const) {
      expect(platform.whyNotHere(what, 'linux')).toBeUndefined()
      expect(platform.whyNotHere(what, 'darwin')).toBeUndefined()
      expect(platform.whyNotHere(what, 'win32')).toMatch(/Windows/)
    }
    expect(platform.socketsTravelAs('linux')).toBe('descriptor')
    expect([platform.connectionsTravel('linux'), platform.connectionsTravel('win32')]).toEqual([true, false])
    expect(platform.localSocketsAre('linux')).toBe('files')
  })

  it('is the signals of a console, of which the end of the console is no reload', () => {
    expect(Object.fromEntries(platform.signalMeanings('win32'))).toEqual({
      SIGTERM: 'stop',
      SIGBREAK: 'stop',
      SIGINT: 'quick-stop',
      SIGHUP: 'quick-stop',
    })
    expect(platform.stopSignals('win32')).toEqual(['SIGTERM', 'SIGBREAK', 'SIGINT', 'SIGHUP'])
    expect(platform.stopSignals('linux')).toEqual(['SIGTERM', 'SIGINT', 'SIGQUIT'])
    expect(platform.signalMeanings('linux').get('SIGHUP')).toBe('reload')
    expect(platform.groupSignals('win32')).toContain('SIGBREAK')
    expect(platform.groupSignals('linux')).toEqual(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'])
  })

  it('is a named pipe for each master', () => {
    expect(pipeOf(1234)).toBe('\\\\.\\pipe\\tsgi-1234')
    expect(controlPipe(undefined, 7)).toBe('\\\\.\\pipe\\tsgi-7')
    expect(controlPipe('//./pipe/mine', 7)).toBe('//./pipe/mine')
    expect(() => controlPipe('C:\\app\\ctl.sock', 7)).toThrow(
      'is no named pipe; on Windows it must be one, such as \\\\.\\pipe\\app',
    )
    for (const path of ['\\\\.\\pipe\\x', '\\\\?\\pipe\\x', '\\\\.\\PIPE\\x', '//./pipe/x']) expect(isPipe(path)).toBe(true)
    for (const path of ['\\\\.\\pipe\\', '\\\\host\\pipe\\x', '/run/tsgi/1.sock', 'C:\\pipe\\x']) expect(isPipe(path)).toBe(false)
    expect(pipesAmong(['lsass', 'tsgi-20', 'tsgi-3', 'tsgi-x', 'my-tsgi-4', 'tsgi-5.old', 'tsgi-0'])).toEqual([
      { pid: 3, path: pipeOf(3) },
      { pid: 20, path: pipeOf(20) },
    ])
  })

  it('is an exit code for what is a signal elsewhere', () => {
    const stuck = 'stuck for 3.0 s in spin (app.js:1:1)'.slice('stuck for '.length)
    expect(describeExit({ code: 1, signal: null, stuck }, 'win32')).toBe(`was stuck for ${stuck}, and was killed`)
    expect(describeExit({ code: 1, signal: null, stuck }, 'linux')).toMatch(/^ended with exit code 1/)
    expect(describeExit({ code: 0xc0_00_00_05, signal: null }, 'win32')).toBe(
      'ended with exit code 3221225477 (a crash in native code, perhaps of an addon)',
    )
  })
})

/** A server in a directory of its own, which is where its pipe is. */
class WindowsServer {
  readonly directory = temporaryDirectory()

  serve(app = fixture('hello.js'), ...args: string[]): Served {
    return new Served({ args: [app, ...args], cwd: this.directory, env: WINDOWS })
  }

  ctl(...args: string[]): Promise<Outcome> {
    return control(this.directory, args)
  }
}

const COMMANDS = fileURLToPath(new URL('../../dist/cli/', import.meta.url))

/** Runs a command to its end on that Windows. */
function run(command: 'tsgi' | 'tsgi-express', cwd: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...WINDOWS }, timeout: 15_000 }
    execFile(process.execPath, [join(COMMANDS, `${command}.js`), ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr })
    })
  })
}

function control(cwd: string, args: readonly string[]): Promise<Outcome> {
  return run('tsgi', cwd, ['ctl', ...args])
}

/** Host and port, from what the server has written. */
async function addressOf(served: Served, place = 0): Promise<string> {
  await served.ready()
  const found = [...served.output.matchAll(/^Listening on (\S+)$/gm)][place]?.[1]
  if (found === undefined) throw new Error(served.output)
  return found
}

built.describe('tsgi serve', () => {
  built.test('shares its port among the workers, replaces them at a reload, and finishes requests when it stops', async () => {
    const server = new WindowsServer()
    const served = server.serve(undefined, '--bind', '127.0.0.1:0', '--processes', '2')
    const address = await addressOf(served)
    const before = await servingPids(address, 2)
    expect(before).toEqual(new Set(childrenOf(served.pid)))

    const codes: number[] = []
    const asking = new AbortController()
    const clients = [1, 2, 3, 4].map(async () => {
      while (!asking.signal.aborted) codes.push((await get(address)).status)
    })
    expect(await server.ctl('reload')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Reloaded: 2 worker/) })
    asking.abort()
    await Promise.all(clients)
    expect(codes.length).toBeGreaterThan(10)
    expect(new Set(codes)).toEqual(new Set([200]))
    const after = await servingPids(address, 2)
    expect([...after].filter((pid) => before.has(pid))).toEqual([])

    expect((await server.ctl('scale', '3', '--json')).stdout).toBe('{"workers":3}\n')
    expect((await servingPids(address, 3)).size).toBe(3)

    const slow = get(address, '/slow/1000')
    // Whoever takes the slow one has taken it when everyone has answered.
    await servingPids(address, 3)
    expect(await server.ctl('stop')).toMatchObject({ code: 0, stdout: 'Stopped, with exit code 0\n' })
    expect((await slow).status).toBe(200)
    expect(await served.ended).toBe(0)
    for (const pid of after) expect(isRunning(pid)).toBe(false)
  })

  built.test('serves several ports, and goes on when a worker dies', async () => {
    const server = new WindowsServer()
    const binds = ['--bind', '127.0.0.1:0', '--bind', '127.0.0.1:0']
    const served = server.serve(undefined, ...binds)
    const addresses = [await addressOf(served), await addressOf(served, 1)]
    const first = await Promise.all(addresses.map((address) => servingPids(address, 1)))
    const [pid = 0] = childrenOf(served.pid)
    expect(first).toEqual([new Set([pid]), new Set([pid])])
    process.kill(pid, 'SIGKILL')
    await served.until(/is ready after[\s\S]*is ready after/)
    for (const address of addresses) expect([...(await servingPids(address, 1))]).toEqual(childrenOf(served.pid))
  })

  for (const [signal, what, quick] of [
    ['SIGINT', 'Ctrl-C', true],
    ['SIGUSR2', 'Ctrl-Break', false],
    ['SIGHUP', 'the end of the console', true],
  ] as const) {
    built.test(`takes ${what} for a ${quick ? 'quick' : 'graceful'} stop`, async () => {
      const served = new WindowsServer().serve(undefined, '--bind', '127.0.0.1:0')
      const address = await addressOf(served)
      const slow = get(address, '/slow/1500').then(
        ({ status }) => status,
        () => 0,
      )
      const [worker = 0] = await servingPids(address, 1)
      // A console tells everyone who is attached to it.
      process.kill(worker, signal)
      served.kill(signal)
      expect(await served.ended).toBe(0)
      expect((await slow) === 200).toBe(!quick)
      expect(isRunning(worker)).toBe(false)
    })
  }

  built.test('says what holds a port', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void holder.close())
    await once(holder, 'listening')
    const address = holder.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const served = new WindowsServer().serve(undefined, '--bind', `127.0.0.1:${port}`)
    expect(await served.ended).toBe(1)
    expect(served.output).toContain(`TSGI_ERR_ADDRESS_IN_USE The address is in use: 127.0.0.1:${port}`)
  })

  built.test('refuses what it cannot have, and says what to write instead', async () => {
    const { directory } = new WindowsServer()
    for (const [args, text] of [
      [['--bind', 'unix:/tmp/x.sock'], /TSGI_ERR_BIND_INVALID .*write a port, such as --bind 127\.0\.0\.1:8000/],
      [['--bind', 'fd://3'], /TSGI_ERR_BIND_INVALID .*no socket can be inherited/],
      [['--user', 'nobody'], /TSGI_ERR_OPTION .*--user and --group: Windows has no users to change to; start tsgi/],
      [['--group', 'nogroup'], /TSGI_ERR_OPTION .*--user and --group: Windows/],
      [['--umask', '027'], /TSGI_ERR_OPTION .*--umask: Windows has no file modes; give the directory/],
      [['--socket-owner', 'root'], /TSGI_ERR_OPTION .*--socket-owner and --socket-group: Windows/],
      [['--access-log', 'syslog'], /TSGI_ERR_OPTION .*--log-syslog-to: .*write udp:/],
    ] as const) {
      const { code, stderr } = await run('tsgi', directory, ['serve', fixture('hello.js'), ...args])
      expect(stderr).toMatch(text)
      expect(code).toBe(2)
    }
  })

  built.test('has no new master, and serves on', async () => {
    const server = new WindowsServer()
    const served = server.serve(undefined, '--bind', '127.0.0.1:0')
    const address = await addressOf(served)
    const { code, stderr } = await server.ctl('upgrade')
    expect(code).toBe(1)
    expect(stderr).toMatch(/on Windows no new master can take the sockets over; a reload replaces the workers/)
    expect((await get(address)).status).toBe(200)
  })
})

built.describe('the control pipe', () => {
  built.test('is found by its pid, by its name, and where it is the only one', async () => {
    const server = new WindowsServer()
    const served = await server.serve(undefined, '--bind', '127.0.0.1:0').ready()
    const pipe = pipeOf(served.pid)
    for (const choice of [[], ['--pid', String(served.pid)], ['--socket', pipe]]) {
      const { stdout, stderr } = await server.ctl('status', '--json', ...choice)
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({ pid: served.pid, controlSocket: pipe })
    }
    served.kill('SIGINT')
    expect(await served.ended).toBe(0)
    const gone = await server.ctl('status')
    expect(gone.stderr).toContain('no server of this user was found')
  })

  built.test('has the name that is asked for, and one warning where that is none', async () => {
    const server = new WindowsServer()
    const named = await server.serve(undefined, '--bind', '127.0.0.1:0', '--control-socket', '\\\\.\\pipe\\mine').ready()
    expect(JSON.parse((await server.ctl('status', '--json', '--socket', '\\\\.\\pipe\\mine')).stdout)).toMatchObject({
      pid: named.pid,
    })
    const path = await server.serve(undefined, '--bind', '127.0.0.1:0', '--control-socket', 'ctl.sock').ready()
    expect(path.output.match(/ warn .*no control socket/g)).toHaveLength(1)
    expect(path.output).toContain('"ctl.sock" is no named pipe; on Windows it must be one')
  })
})

built.describe('tsgi-express start-server', () => {
  function application(directory: string, answer: string): void {
    writeFileSync(
      join(directory, 'wsgi.mjs'),
      `export const application = (environ, startResponse) => { startResponse('200 OK', []); return ${answer} }\n`,
    )
  }

  built.test('serves without a proxy, reloads what changes, and stops', async () => {
    const directory = temporaryDirectory()
    application(directory, "'one'")
    const root = join(directory, 'root')
    writeFileSync(join(directory, 'queue.js'), 'setInterval(() => {}, 1000)')
    const args = ['start-server', '--port', '0', '--processes', '2', '--server-root', root, '--reload-on-changes']
    args.push('--service-script', 'queue', 'queue.js')
    const launched = new Launched(args, { cwd: directory, env: WINDOWS })
    const url = await launched.ready()
    expect(launched.field('Server Type')).toBe('embedded (no proxy on Windows)')
    expect((await fetchUrl(url)).body).toBe('one')

    application(directory, "'two'")
    await until(() => readFileSync(join(root, 'error.log'), 'utf8').includes('reloaded: 2 worker(s)'), 'the reload')
    expect((await fetchUrl(url)).body).toBe('two')

    expect(await control(directory, ['stop', '--pid', String(launched.pid)])).toMatchObject({ code: 0 })
    expect(await launched.exited).toBe(0)
    expect(launched.survivors()).toEqual([])
    expect(launched.stderr).toBe('')
  })

  built.test('refuses proxies, and what only they can do', async () => {
    const directory = temporaryDirectory()
    application(directory, "'one'")
    for (const [args, text] of [
      [['--server-type', 'nginx'], /--server-type nginx: tsgi starts no proxy on Windows; write --server-type embedded/],
      [['--server-type', 'apache'], /--server-type apache: tsgi starts no proxy on Windows/],
      [['--proxy-executable', 'nginx'], /--proxy-executable: tsgi starts no proxy on Windows/],
      [['--document-root', directory], /--document-root is done by a proxy, and tsgi starts no proxy on Windows/],
    ] as const) {
      const { code, stderr } = await run('tsgi-express', directory, ['start-server', '--port', '0', ...args])
      expect(stderr).toMatch(text)
      expect(code).toBe(2)
    }
  })
})
