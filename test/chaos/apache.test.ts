import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Load } from './load.ts'
import { DEEDS, Deployment, launchBehind, report, SECONDS, wait } from './scene.ts'

/** The short form is about the wire that is taken where nothing is said. */
const WIRES = SECONDS < 30 ? ['fastcgi'] : ['fastcgi', 'uwsgi', 'http']

requires('apache2', 'dist', 'full').describe(`under load through Apache, for ${SECONDS} s`, () => {
  const { test } = requires('apache2', 'dist', 'full')

  for (const wire of WIRES) {
    test(
      `${DEEDS} rolling reloads over ${wire} lose no request`,
      async () => {
        const app = new Deployment('v0')
        const { launched, url } = await launchBehind('apache', app, '--processes', '2', '--wire', wire)
        const load = new Load(url)
        for (let deed = 1; deed <= DEEDS; deed += 1) {
          const next = wait((SECONDS * 1000) / DEEDS)
          app.deploy(`v${deed}`)
          launched.child.kill('SIGHUP')
          const reloads = (): number => (launched.stderr + launched.stdout).match(/reloaded: 2 worker/g)?.length ?? 0
          await until(() => reloads() === deed, `reload ${deed}`, 30_000)
          await next
        }
        const result = await load.stop()
        report(`${DEEDS} rolling reloads of 2 workers behind Apache, over ${wire}`, result)
        expect(result.failures).toEqual([])
        expect(result.answers.size).toBe(DEEDS + 1)
      },
      SECONDS * 3000 + 60_000,
    )
  }
})
