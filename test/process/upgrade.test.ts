import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Deployment } from './deployment.ts'
import { childrenOf, isRunning } from './served.ts'
import type { Served } from './served.ts'

const { describe, test } = requires('dist')

/** A server with a pid file, whose new masters end with the test. */
async function serving(app: Deployment, ...args: string[]): Promise<{ served: Served; pid: () => number; pidFile: string }> {
  const pidFile = join(app.directory, 'pid')
  const served = await app.serve('--pid-file', pidFile, ...args)
  const pid = (): number => Number(readFileSync(pidFile, 'utf8'))
  onTestFinished(() => {
    if (existsSync(pidFile) && isRunning(pid())) process.kill(pid(), 'SIGKILL')
  })
  return { served, pid, pidFile }
}

describe('USR2', () => {
  test('gives the sockets to a new master, whose pid the pid file names, and the old one ends', async () => {
    const app = new Deployment().deploy('one')
    const { served, pid, pidFile } = await serving(app, '--workers', '2')
    const load = app.load()
    app.deploy('two')
    served.kill('SIGUSR2')
    await until(() => pid() !== served.pid, 'the new pid')
    const successor = pid()
    // The output is the new one's, too: it stays open behind the old one's end.
    await until(() => !isRunning(served.pid), 'the end of the old master')
    const { failures, answers } = await load.stop()
    expect(failures).toEqual([])
    expect([...answers].toSorted()).toEqual(['one', 'two'])
    expect(childrenOf(successor)).toHaveLength(2)
    process.kill(successor, 'SIGTERM')
    await until(() => !isRunning(successor), 'the end of the new master')
    expect(existsSync(pidFile)).toBe(false)
    expect(existsSync(app.socket)).toBe(false)
  })

  test('changes nothing when the new master fails', async () => {
    const app = new Deployment().deploy('one')
    const { served, pid } = await serving(app)
    const workers = childrenOf(served.pid)
    app.write('throw new Error("a broken deploy")\n')
    served.kill('SIGUSR2')
    await served.until(/TSGI_ERR_MASTER_UPGRADE .*it ended with exit code 1; its own message says why\. The old one serves on/)
    expect(served.output).toContain('a broken deploy')
    expect(pid()).toBe(served.pid)
    expect(await app.version()).toBe('one')
    await until(() => childrenOf(served.pid).join() === workers.join(), 'the end of the new master')
    // And can be tried again.
    app.deploy('two')
    served.kill('SIGUSR2')
    await until(() => pid() !== served.pid, 'the new pid')
    await until(() => !isRunning(served.pid), 'the end of the old master')
    expect(await app.version()).toBe('two')
  })

  test('and then TERM stop both, whichever of them has come how far', async () => {
    for (const waitMs of [0, 50, 150, 300, 450]) {
      const app = new Deployment().deploy('one')
      const { served, pid, pidFile } = await serving(app)
      served.kill('SIGUSR2')
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      const family = new Set([served.pid, pid(), ...childrenOf(served.pid)])
      for (const each of [...family]) for (const child of childrenOf(each)) family.add(child)
      served.kill('SIGTERM')
      await until(() => !isRunning(served.pid), 'the end of the old master')
      // One that had taken over is asked by its own pid, as the pid file says.
      if (existsSync(pidFile)) {
        family.add(pid())
        process.kill(pid(), 'SIGTERM')
      }
      await until(() => [...family].every((each) => !isRunning(each)), `the end of all, ${waitMs} ms behind USR2`)
      expect({ waitMs, socket: existsSync(app.socket), pidFile: existsSync(pidFile) }).toEqual({
        waitMs,
        socket: false,
        pidFile: false,
      })
      expect(served.output).not.toContain('ERR_IPC')
    }
  })
})
