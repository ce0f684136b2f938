import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

import { Launched } from '../launcher/launched.ts'
import { requires } from '../support/requirements.ts'

const APP = fileURLToPath(new URL('../launcher/apps/hello.js', import.meta.url))

requires('nginx', 'dist', 'proc').test('start-server is ready in less than 1.5 seconds', async () => {
  const launched = new Launched(['start-server', APP, '--port', '0'])
  await launched.ready()
  // On two idle cores it is less than half of this.
  expect(Number.parseInt(launched.field('Boot Time'))).toBeLessThan(1500)
  launched.child.kill('SIGTERM')
  expect(await launched.exited).toBe(0)
})
