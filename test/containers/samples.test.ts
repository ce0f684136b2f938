import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { expectConfined } from './confined.ts'
import { stopped } from './docker.ts'
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
})
