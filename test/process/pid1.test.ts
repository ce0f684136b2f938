import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { childrenOf, fixture, get, Served, temporaryDirectory } from './served.ts'

/** As the first process of a container: alone in its namespace of processes. */
async function first(name: string, ...args: string[]): Promise<{ served: Served; pid: number; socket: string }> {
  const socket = join(temporaryDirectory(), 'socket')
  const served = await new Served({
    args: [fixture(name), '--bind', `unix:${socket}`, ...args],
    wrapper: ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', '--'],
  }).ready()
  const [pid = 0] = childrenOf(served.pid)
  expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^NSpid:\s+\d+\s+1$/m)
  return { served, pid, socket }
}

/** Processes that have ended and whose exit status this one has not collected. */
function zombiesOf(pid: number): number {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return state === 'Z' && parent === String(pid)
      } catch {
        return false
      }
    }).length
}

requires('dist', 'proc', 'root', 'unshare').describe('as the first process of a container', () => {
  // The kernel has no default action for it: what it does not handle itself does not happen.
  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it', async (signal) => {
    const { served, pid } = await first('hello.js', '--workers', '2')
    process.kill(pid, signal)
    expect(await served.ended).toBe(0)
    expect(served.output).toContain(`${signal}: stopping`)
  })

  it('workers that are killed are replaced and leave nothing behind', async () => {
    const { served, pid } = await first('hello.js')
    const [worker = 0] = childrenOf(pid)
    process.kill(worker, 'SIGKILL')
    await served.until(/TSGI_ERR_WORKER_EXIT .*another one starts now/)
    await until(() => childrenOf(pid).every((each) => each !== worker), 'the end of the worker')
    expect(zombiesOf(pid)).toBe(0)
  })

  it('orphans’ exit codes change nothing; that nobody collects them is one warning', async () => {
    const { served, pid, socket } = await first('leaves-orphans.js')
    for (let count = 0; count < 12; count += 1) expect((await get(socket)).status).toBe(200)
    await until(() => zombiesOf(pid) >= 12, 'the orphans')
    await served.until(/warn .*12 processes that the application left behind have ended.*--init/)
    // Node collects its own children at any end of one, and still not these.
    const [worker = 0] = childrenOf(pid)
    process.kill(worker, 'SIGTERM')
    await served.until(/because somebody sent it SIGTERM/)
    expect((await get(socket)).status).toBe(200)
    expect(zombiesOf(pid)).toBeGreaterThanOrEqual(12)
    process.kill(pid, 'SIGTERM')
    expect(await served.ended).toBe(0)
    expect(served.output.match(/left behind/g)).toHaveLength(1)
  }, 60_000)
})
