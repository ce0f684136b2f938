import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { ControlPeer, ctl } from './control-peer.ts'
import { begin, Controlled } from './controlled.ts'
import { childrenOf, get } from './served.ts'

const { describe, test } = requires('dist')

describe('tsgi ctl', () => {
  test('tells status and workers, as tables and as JSON', async () => {
    const app = new Controlled()
    const served = await app.serve('--workers', '2', '--graceful-timeout', '3s', '--setenv', 'SECRET=hidden')
    expect(await app.json('status')).toMatchObject({
      pid: served.pid,
      state: 'running',
      node: process.version,
      app: app.file,
      addresses: [`unix:${app.socket}`],
      generation: 0,
      reloading: false,
      workers: { wanted: 2, ready: 2 },
      settings: { gracefulTimeoutMs: 3000, logLevel: 'info' },
    })
    await get(app.socket)
    const peer = await app.peer(served)
    const told = async (): Promise<Record<string, unknown>[]> =>
      // What the test looks at in them is what it is about.
      (await peer.ask({ command: 'workers' })).result?.['workers'] as Record<string, unknown>[]
    let workers = await told()
    const deadline = performance.now() + 5000
    while (workers.every((worker) => worker['requests'] !== 1) && performance.now() < deadline) workers = await told()
    expect(workers.map((worker) => Number(worker['requests'])).toSorted((a, b) => a - b)).toEqual([0, 1])
    expect(workers.map((worker) => worker['pid'])).toEqual(childrenOf(served.pid))
    expect(workers[0]).toMatchObject({ state: 'ready', generation: 0, inFlight: 0, rssBytes: expect.any(Number) })
    const { stdout: status } = await app.ctl('status')
    expect(status).toMatch(new RegExp(`^State +running, pid ${served.pid}$`, 'm'))
    expect(status).toMatch(/^graceful-timeout {2,}3s$/m)
    expect(status).not.toContain('hidden')
    const { stdout: table } = await app.ctl('workers')
    const [header = '', ...rows] = table.trimEnd().split('\n')
    expect(rows).toHaveLength(2)
    const column = header.indexOf('STATE')
    expect(rows.map((row) => row.slice(column, column + 5))).toEqual(['ready', 'ready'])
    // No colour but on a terminal.
    expect(status + table).not.toContain('\u001b')
  })

  test('counts requests, and the count does not fall when workers are replaced or killed', async () => {
    const app = new Controlled()
    const served = await app.serve('--workers', '2')
    const counts: number[] = []
    const count = async (): Promise<number> => {
      const { requests } = await app.json('status')
      counts.push(Number(requests))
      return Number(requests)
    }
    for (let asked = 0; asked < 10; asked += 1) await get(app.socket)
    expect(await app.ctl('reload')).toMatchObject({ code: 0 })
    // Those that were replaced have told all of theirs at their end.
    expect(await count()).toBe(10)
    for (let asked = 0; asked < 10; asked += 1) await get(app.socket)
    const deadline = performance.now() + 5000
    while ((await count()) < 20 && performance.now() < deadline);
    for (const pid of childrenOf(served.pid)) process.kill(pid, 'SIGKILL')
    await served.until(/(?:another one starts now[^]*){2}/)
    expect(await count()).toBe(20)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  })

  test('reloads and waits; where the new code fails it exits with 1 and names file and line', async () => {
    const app = new Controlled()
    const served = await app.serve('--workers', '2')
    app.deploy('two')
    expect(await app.ctl('reload')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Reloaded: 2 worker/) })
    expect((await get(app.socket)).body).toBe('two')
    writeFileSync(app.file, '\n\nthrow new Error("a broken deploy")\n')
    const failed = await app.ctl('reload')
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toMatch(/^tsgi: TSGI_ERR_RELOAD .*a broken deploy\n(?:.*\n)*.*wsgi\.mjs:3:/)
    expect(served.output).toMatch(/TSGI_ERR_RELOAD .*a broken deploy/)
    const json = await app.ctl('reload', '--json')
    expect(json).toMatchObject({ code: 1, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'TSGI_ERR_RELOAD' } })
    expect((await get(app.socket)).body).toBe('two')
  })

  test('changes the number of workers, down to one', async () => {
    const app = new Controlled()
    const served = await app.serve()
    const count = (expected: number): Promise<void> =>
      until(() => childrenOf(served.pid).length === expected, `${expected} workers`)
    expect(await app.json('scale', '3')).toEqual({ workers: 3 })
    await count(3)
    expect(await app.json('scale', '-1')).toEqual({ workers: 2 })
    await count(2)
    expect(await app.json('scale', '+2')).toEqual({ workers: 4 })
    await count(4)
    expect(await app.ctl('scale', '-4')).toMatchObject({ code: 1, stderr: expect.stringContaining('only 4 workers') })
    expect(await app.json('status')).toMatchObject({ workers: { wanted: 4 } })
  })

  test('changes the log level of master and workers, also of those to come', async () => {
    const app = new Controlled()
    const served = await app.serve('--log-level', 'error')
    /** A uwsgi packet whose variable is longer than the packet, which workers warn of; what was written meanwhile. */
    const provoke = async (): Promise<string> => {
      const from = served.output.length
      const socket = connect(app.socket).on('error', () => {})
      socket.end(Buffer.from([0, 2, 0, 0, 0xff, 0xff])).resume()
      await once(socket, 'close')
      await get(app.socket)
      return served.output.slice(from)
    }
    expect(await provoke()).toBe('')
    expect(await app.json('log-level', 'debug')).toEqual({ level: 'debug' })
    expect(await app.json('status')).toMatchObject({ settings: { logLevel: 'debug' } })
    const [before] = childrenOf(served.pid)
    await provoke()
    await served.until(new RegExp(` warn \\[${before}\\] .*uwsgi`))
    await app.ctl('reload')
    await served.until(new RegExp(` debug \\[${served.pid}\\] worker ${before} `))
    const [after] = childrenOf(served.pid)
    expect(after).not.toBe(before)
    await provoke()
    await served.until(new RegExp(` warn \\[${after}\\] .*uwsgi`))
    await app.ctl('log-level', 'error')
    const quiet = served.output.length
    await app.ctl('reload')
    expect(await provoke()).toBe('')
    expect(served.output.slice(quiet)).toBe('')
  })

  test('has log files opened anew, and has a new master take over', async () => {
    const app = new Controlled()
    const served = await app.serve()
    expect(await app.json('reopen-logs')).toEqual({ reopened: true })
    const { pid } = (await app.json('upgrade')) as { pid: number }
    try {
      expect(pid).not.toBe(served.pid)
      // The old one may still be there, and is not asked.
      expect(await app.json('status')).toMatchObject({ pid, state: 'running' })
      await served.until(/this one stops/)
      expect((await get(app.socket)).body).toBe('one')
    } finally {
      expect(await app.ctl('stop', '--pid', String(pid))).toMatchObject({ code: 0 })
    }
    await served.ended
    expect(readdirSync(app.sockets)).toEqual([])
  })

  test('keeps its path over an upgrade', async () => {
    const app = new Controlled()
    const path = join(app.directory, 'control.sock')
    const served = await app.serve('--control-socket', path)
    const peer = await ControlPeer.connect(path)
    const upgraded = await peer.ask({ command: 'upgrade' })
    const asked = await (await ControlPeer.connect(path)).ask({ command: 'status' })
    expect(asked.result).toMatchObject({ pid: upgraded.result?.['pid'] })
    await until(() => served.child.exitCode !== null, 'the end of the old master')
    expect(await ctl(['stop', '--socket', path])).toMatchObject({ code: 0 })
    expect(existsSync(path)).toBe(false)
  })

  test('refuses an upgrade that fails, and says so', async () => {
    const app = new Controlled()
    await app.serve()
    writeFileSync(app.file, 'throw new Error("a broken deploy")\n')
    const failed = await app.ctl('upgrade')
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('TSGI_ERR_MASTER_UPGRADE') })
    expect((await get(app.socket)).body).toBe('one')
  })

  test('stops and waits for the end; another stop waits too, and a quick one ends it at once', async () => {
    const app = new Controlled()
    const served = await app.serve('--graceful-timeout', '20s')
    await begin(app.socket)
    const first = app.ctl('stop', '--json')
    await served.until(/tsgi ctl: stopping/)
    const peer = await app.peer(served)
    expect((await peer.ask({ command: 'status' })).result).toMatchObject({ state: 'stopping' })
    for (const command of ['reload', 'upgrade']) {
      expect((await peer.ask({ command })).error?.message).toContain('is stopping')
    }
    peer.send('{"tsgi":1,"command":"stop"}\n')
    const quick = await app.ctl('stop', '--quick')
    expect(quick).toMatchObject({ code: 0, stdout: 'Stopped, with exit code 0\n' })
    expect(JSON.parse((await first).stdout)).toEqual({ stopped: true, exitCode: 0 })
    expect(await peer.reply()).toMatchObject({ result: { stopped: true } })
    expect(await served.ended).toBe(0)
  })

  test('lists several servers, and takes the one whose pid is given', async () => {
    const one = new Controlled()
    const two = new Controlled(one.sockets)
    const [first, second] = await Promise.all([one.serve(), two.serve()])
    const listed = await one.ctl('status')
    expect(listed).toMatchObject({ code: 1, stdout: '' })
    for (const [served, app] of [
      [first, one],
      [second, two],
    ] as const) {
      expect(listed.stderr).toMatch(new RegExp(`--pid ${served.pid} .*${app.file}.*${app.socket}`))
      expect(await one.json('status', '--pid', String(served.pid))).toMatchObject({ pid: served.pid })
    }
    expect(await one.ctl('stop', '--pid', String(first.pid))).toMatchObject({ code: 0 })
    expect(await one.json('status')).toMatchObject({ pid: second.pid })
  })

  test('exits with 1 where there is no server, and with 2 for a mistake', async () => {
    const app = new Controlled()
    expect(await app.ctl('status')).toMatchObject({ code: 1, stderr: expect.stringContaining('CONTROL_UNREACHABLE') })
    expect(await app.ctl('status', '--pid', '1')).toMatchObject({ code: 1 })
    expect(await app.ctl('status', '--socket', join(app.directory, 'none.sock'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is the server running?'),
    })
    for (const args of [
      [],
      ['explode'],
      ['status', 'x'],
      ['scale'],
      ['scale', 'many'],
      ['scale', '0'],
      ['log-level', 'loud'],
      ['reload', '--quick'],
      ['status', '--pid', 'x'],
    ]) {
      expect(await app.ctl(...args), args.join(' ')).toMatchObject({ code: 2, stdout: '' })
    }
  })
})
