import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GenericContainer } from 'testcontainers'

import { requires } from '../support/requirements.ts'
import { expectConfined } from './confined.ts'
import { docker, healthy, portOf, stopped } from './docker.ts'
import { applicationDirectory, eject } from './ejected.ts'
import { ask, told } from './load.ts'

requires('engine', 'dist', 'full').describe('everything in one image, as ejected', () => {
  describe.each([
    { server: 'nginx', proxy: /^nginx\/1\./ },
    { server: 'apache', proxy: /^Apache\/2\./ },
  ])('$server', ({ server, proxy }) => {
    let directory: string
    let container = ''
    let url = ''

    beforeAll(async () => {
      directory = applicationDirectory()
      eject(directory, 'compose', '--server-type', server, '--url-alias', '/static', 'static')
      const image = `tsgi-test-all-in-one-${server}`
      await GenericContainer.fromDockerfile(directory).withTarget('all-in-one').build(image, { deleteOnExit: false })
      // testcontainers cannot make a root file system read-only.
      const confined = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']
      container = await docker(['run', '--detach', ...confined, '--publish', '8080', image])
      await healthy(container)
      url = `http://${await portOf(container, 8080)}`
    }, 240_000)

    afterAll(async () => {
      if (container !== '') await docker(['rm', '--force', '--volumes', container])
      rmSync(directory, { recursive: true, force: true })
    }, 60_000)

    it('serves the application and files, with no rights but those of user 1000', async () => {
      const answer = told(await ask(`${url}/x`, { method: 'POST', body: 'a body' }))
      expect(answer).toMatchObject({ method: 'POST', path: '/x', body: 'a body' })
      expect(answer.proxy).toMatch(proxy)
      expect((await ask(`${url}/static/hello.txt`)).body).toBe('A file of the proxy.\n')
      await expectConfined(container)
      const first = await docker(['exec', container, 'cat', '/proc/1/cmdline'])
      expect(first.split('\0').slice(0, 3)).toEqual(['node', 'node_modules/tsgi/dist/cli/tsgi-express.js', 'start-server'])
    })

    it('finishes a slow request when it is stopped, and ends with 0', async () => {
      const slow = ask(`${url}/?ms=2500`)
      await new Promise((resolve) => setTimeout(resolve, 500))
      const { exitCode, ms } = await stopped(container)
      expect(told(await slow).version).toBe('one')
      expect(exitCode).toBe(0)
      // Docker's own grace time, which nobody has to lengthen.
      expect(ms).toBeLessThan(10_000)
    }, 60_000)
  })
})
