import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Load } from './load.ts'
import { DEEDS, Deployment, launch, report, SECONDS, wait, workersOf } from './scene.ts'

const { describe, test } = requires('nginx', 'dist', 'full')

/** A worker that has not answered for so long has no request in flight. */
const IDLE_MS = 100

const TIMEOUT_MS = SECONDS * 1000 + 60_000

describe(`under load through nginx, for ${SECONDS} s`, () => {
  test(
    `${DEEDS} rolling reloads lose no request`,
    async () => {
      const app = new Deployment('v0')
      const { launched, url } = await launch(app, '--processes', '4')
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
      if (result.failures.length)
        console.log(
          (launched.stdout + launched.stderr)
            .split('\n')
            .filter((l) => /\[error\]|\[alert|\[crit/.test(l))
            .join('\n'),
        )
      expect(result.failures).toEqual([])
      expect(result.answers.size).toBe(DEEDS + 1)
    },
    TIMEOUT_MS * 3,
  )

  test(
    `${DEEDS} kills of idle workers lose no request`,
    async () => {
      const { launched, url } = await launch(new Deployment('v0'), '--processes', '4')
      // As much as leaves some of the workers without requests for a while.
      const load = new Load(url, { pauseMs: 30 })
      let kills = 0
      for (const startedAt = load.elapsedMs; load.elapsedMs - startedAt < SECONDS * 1000;) {
        await wait((SECONDS * 1000) / DEEDS)
        const idle = workersOf(launched).find((pid) => load.idleMs(pid) > IDLE_MS)
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
