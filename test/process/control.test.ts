import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { settled, until } from '../support/until.ts'
import { ctl } from './control-peer.ts'
import { Controlled } from './controlled.ts'
import { childrenOf, fixture, get, Served, temporaryDirectory } from './served.ts'

const { describe, test } = requires('dist')

function withUmask<T>(mask: number, body: () => T): T {
  const before = process.umask(mask)
  try {
    return body()
  } finally {
    process.umask(before)
  }
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

describe('the control socket', () => {
  test('has the mode 0600 whatever the umask, which stays as it was', async () => {
    for (const mask of [0, 0o77]) {
      const path = join(temporaryDirectory(), 'control.sock')
      const args = [fixture('hello.js'), '--bind', '127.0.0.1:0', '--control-socket', path]
      const served = withUmask(mask, () => new Served({ args }))
      await served.ready()
      expect(modeOf(path)).toBe('600')
      const status = execFileSync('grep', ['Umask', `/proc/${served.pid}/status`], { encoding: 'utf8' })
      expect(status.trim().split(/\s+/)[1]).toBe(mask.toString(8).padStart(4, '0'))
      served.kill('SIGTERM')
      expect(await served.ended).toBe(0)
      expect(existsSync(path)).toBe(false)
    }
  })

  test('is in a private directory of the user where nothing is said, and found there', async () => {
    const session = temporaryDirectory()
    const env = { XDG_RUNTIME_DIR: session }
    const args = [fixture('hello.js'), '--bind', '127.0.0.1:0']
    const served = await withUmask(0, () => new Served({ args, env })).ready()
    const path = join(session, 'tsgi', `${served.pid}.sock`)
    expect(modeOf(path)).toBe('600')
    expect(modeOf(join(session, 'tsgi'))).toBe('700')
    const found = await ctl(['status', '--pid', String(served.pid), '--json'], env)
    expect(JSON.parse(found.stdout)).toMatchObject({ pid: served.pid, controlSocket: path })
    served.kill('SIGTERM')
    await served.ended
    expect(readdirSync(session)).toEqual([])
  })

  test('that is elsewhere is found all the same', async () => {
    const env = { XDG_RUNTIME_DIR: temporaryDirectory() }
    const path = join(temporaryDirectory(), 'control.sock')
    const args = [fixture('hello.js'), '--bind', '127.0.0.1:0', '--control-socket', path]
    const served = await new Served({ args, env }).ready()
    const found = await ctl(['status', '--pid', String(served.pid), '--json'], env)
    expect(JSON.parse(found.stdout)).toMatchObject({ pid: served.pid, controlSocket: path })
    served.kill('SIGTERM')
    await served.ended
    expect(readdirSync(env.XDG_RUNTIME_DIR)).toEqual([])
  })

  test('that cannot be made is one warning, and the server serves', async () => {
    const app = new Controlled('/proc/none/control.sock')
    const served = await app.serve()
    expect((await get(app.socket)).body).toBe('one')
    expect(served.output.match(/ warn .*control/g)).toHaveLength(1)
    expect(served.output).toMatch(/no control socket, so tsgi ctl cannot reach this server: .*--no-control-socket/)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })

  test('is left out where nobody wants it', async () => {
    const sockets = temporaryDirectory()
    for (const args of [['--no-control-socket'], ['--control-socket', 'off']]) {
      const all = [fixture('hello.js'), '--bind', '127.0.0.1:0', ...args]
      const served = await new Served({ args: all, env: { XDG_RUNTIME_DIR: sockets } }).ready()
      expect(readdirSync(sockets)).toEqual([])
      expect(served.output).not.toContain('control socket')
    }
  })

  test('takes the place of the one that a killed master has left, and of no other', async () => {
    const app = new Controlled()
    const path = join(app.directory, 'control.sock')
    const killed = await app.serve('--control-socket', path)
    killed.kill('SIGKILL')
    await killed.ended
    expect(existsSync(path)).toBe(true)
    const served = await app.serve('--control-socket', path)
    expect(JSON.parse((await ctl(['status', '--socket', path, '--json'])).stdout)).toMatchObject({ pid: served.pid })
    const second = await new Controlled().serve('--control-socket', path)
    expect(second.output).toMatch(/no control socket.*TSGI_ERR|no control socket.*another server listens/)
    expect(JSON.parse((await ctl(['status', '--socket', path, '--json'])).stdout)).toMatchObject({ pid: served.pid })
    second.kill('SIGTERM')
    await second.ended
    expect(existsSync(path)).toBe(true)
  })

  test('of a killed master is passed over, and removed by the next one', async () => {
    const app = new Controlled()
    const killed = await app.serve()
    killed.kill('SIGKILL')
    await killed.ended
    expect(readdirSync(app.sockets)).toEqual([`${killed.pid}.sock`])
    expect(await app.ctl('status')).toMatchObject({ code: 1, stderr: expect.stringContaining('no server') })
    const served = await app.serve()
    expect(readdirSync(app.sockets)).toEqual([`${served.pid}.sock`])
  })

  test('answers 50 clients at once, and turns away those above its limit with an error', async () => {
    const app = new Controlled()
    const served = await app.serve()
    const peers = await Promise.all(Array.from({ length: 50 }, () => app.peer(served)))
    const replies = await Promise.all(peers.map((peer) => peer.ask({ command: 'status' })))
    expect(replies.every(({ ok, result }) => ok && result?.['pid'] === served.pid)).toBe(true)
    const more = await Promise.all(Array.from({ length: 20 }, () => app.peer(served)))
    await until(() => more.some((peer) => peer.closed), 'the end of those that are too many')
    const refused = more.find((peer) => peer.closed)
    expect(await refused?.reply()).toMatchObject({ ok: false, error: { message: expect.stringContaining('64 clients') } })
    expect(await peers[0]?.ask({ command: 'workers' })).toMatchObject({ ok: true })
  })

  test('answers what is malformed or too long with an error, and what follows as ever', async () => {
    const app = new Controlled()
    const served = await app.serve()
    const peer = await app.peer(served)
    const malformed = [
      'hello',
      '[]',
      'null',
      '{"tsgi":1',
      '{"command":"status"}',
      '{"tsgi":2,"command":"status"}',
      '{"tsgi":1,"command":"__proto__"}',
      '{"tsgi":1,"command":"status","quik":true}',
      '{"tsgi":1,"command":"scale"}',
      '{"tsgi":1,"command":"scale","workers":0}',
      '{"tsgi":1,"command":"scale","workers":1e9}',
      '{"tsgi":1,"command":"scale","workers":1,"by":1}',
      '{"tsgi":1,"command":"scale","by":0.5}',
      '{"tsgi":1,"command":"log-level","level":"loud"}',
      '{"tsgi":1,"command":"stop","quick":"yes"}',
    ]
    for (const line of malformed) {
      expect(await peer.send(`${line}\n`).reply(), line).toMatchObject({ ok: false, error: { code: 'TSGI_ERR_CONTROL' } })
    }
    peer.socket.write(Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]))
    expect(await peer.reply()).toMatchObject({ ok: false })
    // One that begins too long, in many chunks, is one error.
    const long = `{"tsgi":1,"command":"stop","x":"${'x'.repeat(1_000_000)}"}\n`
    expect(await peer.send(long).reply()).toMatchObject({ ok: false, error: { message: expect.stringContaining('4096 bytes') } })
    // Several at once, in order, one of them in two pieces, the last without its end.
    peer.send('\r\n\n{"tsgi":1,"command":"workers"}\n{"tsgi":1,"command":"sta')
    expect(await peer.reply()).toMatchObject({ ok: false })
    expect((await peer.reply()).result).toHaveProperty('workers')
    peer.send('tus"}\n{"tsgi":1,"command":"workers"}').socket.end()
    expect((await peer.reply()).result).toMatchObject({ pid: served.pid })
    expect((await peer.reply()).result).toHaveProperty('workers')
    await until(() => peer.closed, 'the end of the connection')
    expect(childrenOf(served.pid)).toHaveLength(1)
  })

  test('is not held up by a client that never reads', async () => {
    const app = new Controlled()
    const served = await app.serve()
    const deaf = await app.peer(served)
    deaf.socket.pause()
    // Far more than the kernel holds of either direction.
    deaf.send('{"tsgi":1,"command":"status"}\n'.repeat(100_000))
    expect(await (await app.peer(served)).ask({ command: 'status' })).toMatchObject({ ok: true })
    // The server has stopped reading, too.
    expect(await settled(() => deaf.socket.writableLength, 'what is unsent')).toBeGreaterThan(1_000_000)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })

  requires('dist', 'root', 'proc').test('is closed to other users', async () => {
    const app = new Controlled()
    const served = await app.serve()
    const path = join(app.sockets, `${served.pid}.sock`)
    execFileSync('chmod', ['755', app.sockets])
    const connect = `require('net').connect(${JSON.stringify(path)}).on('error', (error) => console.log(error.code)).on('connect', () => console.log('open'))`
    const options = { uid: 65_534, gid: 65_534, encoding: 'utf8', cwd: '/' } as const
    expect(execFileSync(process.execPath, ['-e', connect], options).trim()).toBe('EACCES')
  })
})
