import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Deployment } from './deployment.ts'
import { childrenOf, isRunning } from './served.ts'

const { describe, test } = requires('dist')

describe('a reload', () => {
  test('replaces every worker with one that has the new code, and no request fails', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--workers', '3')
    const before = childrenOf(served.pid)
    expect(before).toHaveLength(3)
    const load = app.load()
    let most = 0
    const counting = setInterval(() => (most = Math.max(most, childrenOf(served.pid).length)), 10)
    app.deploy('two')
    served.kill('SIGHUP')
    await served.until(/reloaded: 3 worker\(s\) replaced in \d+ ms/)
    clearInterval(counting)
    const { answers, failures } = await load.stop()
    expect(failures).toEqual([])
    expect([...answers].toSorted()).toEqual(['one', 'two'])
    expect(before.filter(isRunning)).toEqual([])
    expect(childrenOf(served.pid)).toHaveLength(3)
    // One after the other: never more than one process above their number.
    expect(most).toBeLessThanOrEqual(4)
    expect(await app.version()).toBe('two')
  })

  test('with code that fails leaves the old workers as they are, and names file and line', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--workers', '2')
    const before = childrenOf(served.pid)
    const load = app.load()
    app.write('\n\nthrow new Error("a broken deploy")\n')
    served.kill('SIGHUP')
    await served.until(/TSGI_ERR_RELOAD .*the old workers serve on/)
    await served.until(/a broken deploy/)
    await served.until(/wsgi\.mjs:3:/)
    const { answers, failures } = await load.stop()
    expect(failures).toEqual([])
    expect([...answers]).toEqual(['one'])
    await until(() => childrenOf(served.pid).join() === before.join(), 'the end of the worker that failed')
    // Mended, it reloads.
    app.deploy('two')
    served.kill('SIGHUP')
    await served.until(/reloaded: 2 worker/)
    expect(await app.version()).toBe('two')
  })

  test('with code that never gets ready is given up at the startup timeout', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--startup-timeout', '2s')
    app.write('await new Promise((resolve) => setTimeout(resolve, 60_000))\n')
    served.kill('SIGHUP')
    await served.until(/TSGI_ERR_RELOAD .*not ready after 2000 ms/)
    expect(await app.version()).toBe('one')
    await until(() => childrenOf(served.pid).length === 1, 'the end of the worker that failed')
  })

  test('with code that listens and then blocks is given up, too', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--startup-timeout', '2s')
    app.write(`
      setInterval(() => { for (;;); }, 1)
      export const application = () => null`)
    served.kill('SIGHUP')
    await served.until(/TSGI_ERR_RELOAD/)
    expect(await app.version()).toBe('one')
  })

  test('with code that dies a moment after it is ready takes no place', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--workers', '3')
    const before = childrenOf(served.pid)
    const load = app.load()
    app.write(`
      setTimeout(() => process.exit(3), 200)
      export const application = (environ, startResponse) => { startResponse('200 OK', []); return 'dying' }`)
    served.kill('SIGHUP')
    await served.until(/TSGI_ERR_RELOAD .*the old workers serve on.*ended with exit code 3 as soon as it was ready/)
    const { failures } = await load.stop()
    // The new worker has served beside the old ones while it lived; what was on its way to it went down with it.
    expect(failures.length).toBeLessThanOrEqual(4)
    expect(new Set(childrenOf(served.pid))).toEqual(new Set(before))
    expect(await app.version()).toBe('one')
  })

  test('ends with the first worker of the new code that dies', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--workers', '4')
    app.write(`
      await new Promise((resolve) => setTimeout(resolve, 400))
      setTimeout(() => process.exit(3), 650)
      export const application = (environ, startResponse) => { startResponse('200 OK', []); return 'dying' }`)
    served.kill('SIGHUP')
    await served.until(/TSGI_ERR_RELOAD .*[123] of 4 workers were replaced\. TSGI_ERR_WORKER_EXIT/)
  })

  test('does not wait for a worker that hangs with older code', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--workers', '2', '--startup-timeout', '15s')
    app.write('await new Promise(() => setInterval(() => {}, 1000))')
    served.kill('SIGHUP')
    await served.until(/reloading/)
    const hanging = (): number => childrenOf(served.pid).length
    await until(() => hanging() === 3, 'the worker that hangs')
    app.deploy('two')
    const from = performance.now()
    served.kill('SIGHUP')
    await served.until(/reloaded: 2 worker/)
    expect(performance.now() - from).toBeLessThan(8000)
    expect(await app.version()).toBe('two')
    expect(childrenOf(served.pid)).toHaveLength(2)
  })

  test('lets a request of the old worker finish', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve()
    const slow = app.version('/slow')
    await app.version()
    app.deploy('two')
    served.kill('SIGHUP')
    await served.until(/has taken its place/)
    const versions = new Set<string>()
    while (!versions.has('two')) versions.add(await app.version())
    expect(await slow).toBe('one')
  })

  test('that comes while another is under way brings the newest code', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--workers', '2')
    app.deploy('two')
    served.kill('SIGHUP')
    await served.until(/has taken its place/)
    app.deploy('three')
    served.kill('SIGHUP')
    await served.until(/a newer reload takes over/)
    await served.until(/reloaded: 2 worker/)
    const versions = new Set<string>()
    for (let count = 0; count < 20; count += 1) versions.add(await app.version())
    expect([...versions]).toEqual(['three'])
  })

  test('does not outlast a stop', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--workers', '2')
    served.kill('SIGHUP')
    await served.until(/SIGHUP: reloading/)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })
})

describe('the number of workers', () => {
  test('grows by one on TTIN and shrinks by one on TTOU, down to one', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve()
    served.kill('SIGTTIN')
    await served.until(/2 workers instead of 1/)
    await until(() => childrenOf(served.pid).length === 2, 'the second worker')
    await served.until(/(?:worker \d+ is ready.*\s+[^]*){2}/)
    const load = app.load()
    served.kill('SIGTTOU')
    await served.until(/1 worker instead of 2/)
    await until(() => childrenOf(served.pid).length === 1, 'the end of the second worker')
    served.kill('SIGTTOU')
    await served.until(/there is only one worker/)
    expect((await load.stop()).failures).toEqual([])
  })
})

describe('with --min-processes', () => {
  test('another worker comes when the event loop is busy', async () => {
    const app = new Deployment().write(`
      export const application = (environ, startResponse) => {
        for (const until = performance.now() + 40; performance.now() < until;);
        startResponse('200 OK', [])
        return ['one ' + process.pid]
      }`)
    const served = await app.serve('--workers', '2', '--min-processes', '1')
    expect(childrenOf(served.pid)).toHaveLength(1)
    const load = app.load()
    await served.until(/2 workers instead of 1/)
    await served.until(/(?:worker \d+ is ready[^]*){2}/)
    expect((await load.stop()).failures).toEqual([])
  })
})

describe('a worker that is not ready', () => {
  test('gets no request', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve()
    const load = app.load()
    app.write(`
      await new Promise((resolve) => setTimeout(resolve, 3000))
      export const application = (environ, startResponse) => {
        startResponse('200 OK', [])
        return ['slow to load ' + process.pid]
      }`)
    const at = performance.now()
    served.kill('SIGTTIN')
    await served.until(/(?:worker \d+ is ready[^]*){2}/)
    expect(performance.now() - at).toBeGreaterThan(3000)
    const { failures, answers, longest } = await load.stop()
    expect(failures).toEqual([])
    expect(answers).toContain('one')
    expect(longest).toBeLessThan(2500)
  })
})

describe('a worker is replaced between requests', () => {
  test('when it has served --max-requests, and no request fails', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--max-requests', '50', '--max-requests-jitter', '10', '--workers', '2')
    const load = app.load()
    await served.until(/(?:ends because it has served --max-requests; worker \d+ has taken its place[^]*){3}/)
    const { failures, count } = await load.stop()
    expect(failures).toEqual([])
    expect(count).toBeGreaterThan(150)
  })

  test('when it is older than --worker-lifetime', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--worker-lifetime', '1s')
    const [before] = childrenOf(served.pid)
    await served.until(/ends because it is older than --worker-lifetime/)
    await until(() => !isRunning(before ?? 0), 'the end of the old worker')
    expect(await app.version()).toBe('one')
  })

  test('when its memory stays above --worker-max-rss', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--worker-max-rss', '180MB')
    const [before] = childrenOf(served.pid)
    await app.version('/grow')
    await served.until(/ends because its memory stays above --worker-max-rss/)
    await until(() => !isRunning(before ?? 0), 'the end of the old worker')
  })

  test('only when its successor serves', async () => {
    const app = new Deployment().deploy('one')
    const served = await app.serve('--max-requests', '1')
    app.write('throw new Error("a broken deploy")')
    const [before] = childrenOf(served.pid)
    expect(await app.version()).toBe('one')
    await served.until(/serves on, though it should end because it has served --max-requests/)
    await served.until(/a broken deploy/)
    await until(() => childrenOf(served.pid).join() === String(before), 'the end of the worker that failed')
    expect(await app.version()).toBe('one')
  })
})

test('with --drain-delay TERM leaves everything as it is for a while', async () => {
  const app = new Deployment().deploy('one')
  const served = await app.serve('--drain-delay', '600ms')
  const at = performance.now()
  served.kill('SIGTERM')
  await served.until(/stopping in 600 ms, serving until then/)
  expect(await app.version()).toBe('one')
  expect(await served.ended).toBe(0)
  expect(performance.now() - at).toBeGreaterThan(600)
})
