import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../launcher/temporary.ts'
import { ctl } from '../process/control-peer.ts'
import { isRunning, Served } from '../process/served.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Load } from './load.ts'
import { startOwnNginx } from './own-nginx.ts'
import { DEEDS, Deployment, launch, report, SECONDS, wait, workersOf } from './scene.ts'

const { describe, test } = requires('nginx', 'dist', 'full')

/** A worker that has not answered for so long has no request in flight. */
const IDLE_MS = 100

/** Upgrades in that time: one in twelve seconds, as 5 in a minute. */
const UPGRADES = Math.max(2, Math.round(SECONDS / 12))

const TIMEOUT_MS = SECONDS * 1000 + 60_000

describe(`under load through nginx, for ${SECONDS} s`, () => {
  test(
    `${DEEDS} rolling reloads lose no request`,
    async () => {
      const app = new Deployment('v0')
      const controlSocket = join(temporaryDirectory(), 'ctl.sock')
      const { launched, url } = await launch(app, '--processes', '4', '--control-socket', controlSocket)
      const load = new Load(url)
      for (let deed = 1; deed <= DEEDS; deed += 1) {
        const next = wait((SECONDS * 1000) / DEEDS)
        app.deploy(`v${deed}`)
        launched.child.kill('SIGHUP')
        await until(() => count(launched.stderr + launched.stdout, /reloaded: 4 worker/g) === deed, `reload ${deed}`, 30_000)
        await next
      }
      const result = await load.stop()
      report(`${DEEDS} rolling reloads of 4 workers`, result)
      expect(result.failures).toEqual([])
      expect(result.answers.size).toBe(DEEDS + 1)
      // None is counted twice, and none is lost with the worker that has answered it.
      const { stdout } = await ctl(['metrics', '--socket', controlSocket])
      expect(Number(/^tsgi_requests_total\{.*status="200"\} (\d+)$/m.exec(stdout)?.[1])).toBe(result.requests)
    },
    TIMEOUT_MS * 3,
  )

  test(
    `${UPGRADES} binary upgrades lose no request`,
    async () => {
      const app = new Deployment('v0')
      const directory = temporaryDirectory()
      const socket = join(directory, 'app.sock')
      const pidFile = join(directory, 'pid')
      const served = new Served({ args: [app.file, '--bind', `unix:${socket}`, '--workers', '2', '--pid-file', pidFile] })
      await served.ready()
      const pid = (): number => Number(readFileSync(pidFile, 'utf8'))
      onTestFinished(() => void process.kill(pid(), 'SIGKILL'))
      const url = await startOwnNginx(socket)
      const load = new Load(url)
      for (let deed = 1; deed <= UPGRADES; deed += 1) {
        const next = wait((SECONDS * 1000) / UPGRADES)
        app.deploy(`v${deed}`)
        const old = pid()
        process.kill(old, 'SIGUSR2')
        await until(() => pid() !== old, `upgrade ${deed}`, 30_000)
        await until(() => !isRunning(old), 'the end of the old master', 30_000)
        await next
      }
      const result = await load.stop()
      report(`${UPGRADES} binary upgrades (USR2)`, result)
      expect(result.failures).toEqual([])
      expect(result.answers.size).toBe(UPGRADES + 1)
    },
    TIMEOUT_MS * 3,
  )

  test(
    'a broken deploy loses no request, the old code serves, and the message names file and line',
    async () => {
      const app = new Deployment('v0')
      const { launched, url } = await launch(app, '--processes', '2')
      const load = new Load(url)
      for (let deed = 1; deed <= UPGRADES; deed += 1) {
        const next = wait((SECONDS * 1000) / UPGRADES)
        app.write('// A deploy that should not have been.\n\nundefinedFunction()\n')
        launched.child.kill('SIGHUP')
        await until(() => count(launched.stderr + launched.stdout, /reload failed/g) >= deed, `reload ${deed}`, 30_000)
        await next
      }
      const result = await load.stop()
      report(`${UPGRADES} broken deploys`, result)
      expect(result.failures).toEqual([])
      expect([...result.answers.keys()]).toEqual(['v0'])
      expect(launched.stderr + launched.stdout).toMatch(/undefinedFunction is not defined[^]*wsgi\.mjs:3:1/)
    },
    TIMEOUT_MS,
  )

  test(
    'a worker that is stuck does no harm to the others, and its stack is in the log',
    async () => {
      const { launched, url } = await launch(new Deployment('v0'), '--processes', '4', '--heartbeat-timeout', '2s')
      // A POST goes to one worker only: a GET would be given to the next one when the first is killed.
      const stuck = fetch(new URL('/stuck', url), { method: 'POST', body: 'x' }).then(({ status }) => status)
      await wait(300)
      const load = new Load(url)
      await until(() => /was stuck for/.test(launched.stderr + launched.stdout), 'the end of the stuck worker', 15_000)
      await wait(Math.max(0, SECONDS * 1000 - load.elapsedMs))
      const result = await load.stop()
      report('a worker in while(true)', result, `the request that is stuck: ${await stuck}`)
      expect(result.failures).toEqual([])
      expect(result.p99).toBeLessThan(2000)
      expect(launched.stderr + launched.stdout).toMatch(/blockTheLoop[^\n]*wsgi\.mjs:9/)
    },
    TIMEOUT_MS,
  )

  test(
    'the replacement of a worker costs no more than three times the p99',
    async () => {
      const { launched, url } = await launch(new Deployment('v0'), '--processes', '2')
      const load = new Load(url)
      await wait(2000)
      const before: number[] = []
      const during: number[] = []
      for (let deed = 1; deed <= Math.max(5, UPGRADES); deed += 1) {
        const quiet = load.elapsedMs
        await wait(1000)
        const busy = load.elapsedMs
        launched.child.kill('SIGHUP')
        await until(() => count(launched.stderr + launched.stdout, /reloaded: 2 worker/g) >= deed, `reload ${deed}`, 30_000)
        await wait(Math.max(500, busy + 1500 - load.elapsedMs))
        before.push(load.p99Between(quiet, quiet + 1000))
        during.push(load.p99Between(busy, busy + 1000))
      }
      const result = await load.stop()
      const [calm, restart] = [median(before), median(during)]
      report(
        'replacement of workers',
        result,
        `p99 ${calm.toFixed(1)} ms in the second before, ${restart.toFixed(1)} ms in that second`,
      )
      expect(result.failures).toEqual([])
      expect(restart / calm).toBeLessThan(3)
    },
    TIMEOUT_MS,
  )

  test(
    `${DEEDS} kills of idle workers lose no request`,
    async () => {
      const { launched, url } = await launch(new Deployment('v0'), '--processes', '4')
      // As much as leaves some of the workers without requests for a while.
      const load = new Load(url, { clients: 8, pauseMs: 60 })
      let kills = 0
      for (const startedAt = load.elapsedMs; load.elapsedMs - startedAt < SECONDS * 1000;) {
        await wait((SECONDS * 1000) / DEEDS)
        let idle: number | undefined
        // Requests come to every worker: it is soon that one has had none for a while.
        await until(
          () => {
            idle = workersOf(launched).find((pid) => load.idleMs(pid) > IDLE_MS)
            return idle !== undefined
          },
          'an idle worker',
          30_000,
        )
        if (idle === undefined) continue
        process.kill(idle, 'SIGKILL')
        kills += 1
      }
      const result = await load.stop()
      report(`${kills} kills of idle workers`, result)
      expect(result.failures).toEqual([])
      expect(kills).toBeGreaterThan(DEEDS / 2)
    },
    TIMEOUT_MS,
  )
})

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
