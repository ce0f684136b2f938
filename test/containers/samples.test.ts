import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { expectConfined } from './confined.ts'
import { docker, healthy, portOf, stopped } from './docker.ts'
import { ask } from './load.ts'
import { startStack } from './stack.ts'
import type { Stack } from './stack.ts'

const SAMPLES = [
  { sample: 'nginx-socket', software: /SERVER_SOFTWARE +nginx\/1\./, replicas: 1 },
  { sample: 'apache-socket', software: /SERVER_SOFTWARE +Apache\/2\./, replicas: 1 },
  { sample: 'nginx-replicas', software: /SERVER_SOFTWARE +nginx\/1\./, replicas: 3 },
]

requires('engine', 'full').describe('docker/', () => {
  describe.each(SAMPLES)('$sample, from this checkout', ({ sample, software, replicas }) => {
    let stack: Stack

    beforeAll(async () => {
      stack = await startStack(fileURLToPath(new URL(`../../docker/${sample}`, import.meta.url)), sample)
    }, 240_000)

    afterAll(async () => {
      await stack?.down()
    }, 60_000)

    it('answers, with no rights but those of user 1000, and stops in time with 0', async () => {
      const answer = await ask(`${stack.url}/caf%C3%A9`, { method: 'POST', body: 'x' })
      expect(answer.status).toBe(200)
      expect(answer.body).toContain('Hello from /café')
      expect(answer.body).toMatch(software)
      expect(await stack.containers('app')).toHaveLength(replicas)
      for (const { id } of await stack.containers()) await expectConfined(id)
      // The graces that Compose gives, and docker stop takes from the container.
      const ends = await Promise.all((await stack.containers()).map(({ id }) => stopped(id)))
      expect(ends.map(({ exitCode }) => exitCode)).toEqual(ends.map(() => 0))
      expect(Math.max(...ends.map(({ ms }) => ms))).toBeLessThan(20_000)
    }, 60_000)
  })

  it('all in one, from this checkout: answers, and stops in time with 0', async () => {
    const checkout = fileURLToPath(new URL('../..', import.meta.url))
    const image = 'tsgi-test-example'
    await docker(['build', '--file', join(checkout, 'docker/Dockerfile'), '--target', 'all-in-one', '--tag', image, checkout])
    const confined = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL']
    const container = await docker(['run', '--detach', ...confined, '--publish', '8080', image])
    try {
      await healthy(container)
      const { status, body } = await ask(`http://${await portOf(container, 8080)}/x`)
      expect({ status, software: /SERVER_SOFTWARE +nginx/.test(body) }).toEqual({ status: 200, software: true })
      const { exitCode, ms } = await stopped(container)
      expect(exitCode).toBe(0)
      expect(ms).toBeLessThan(10_000)
    } finally {
      await docker(['rm', '--force', '--volumes', container])
    }
  }, 240_000)
})
