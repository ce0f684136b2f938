import { describe, it } from 'vitest'
import { otherNodes, requires } from '../../support/requirements.ts'
import { expectSame } from './checked.ts'
import { FRAMEWORKS, LISTENER } from './frameworks.ts'

const MINUTE_MS = 60_000

requires('full', 'nodes', 'apps', 'nginx', 'dist', 'proc').describe('the same applications on other Node versions', () => {
  describe.each(otherNodes.length > 0 ? otherNodes : ['none'])('%s', (node) => {
    it.each([LISTENER, ...FRAMEWORKS])(
      '$name is served as node:http serves it, but for documented differences',
      async (framework) => {
        await expectSame(framework, { node })
      },
      2 * MINUTE_MS,
    )
  })
})
