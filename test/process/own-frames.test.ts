import { describe, expect, it } from 'vitest'

import { foldOwnFrames } from '../../src/process/own-frames.ts'

const OWN = new URL('../../src/', import.meta.url).href

describe('the stack of an error', () => {
  it("has the application's frames, and one line for those of this server", () => {
    const stack = [
      'Error: x',
      '    at deep (file:///srv/app/page.ts:2:25)',
      `    at call (${OWN}adapters/node-application.js:11:9)`,
      `    at ${OWN}server/admission.js:107:17`,
      '    at Layer.handle (/srv/app/node_modules/express/lib/router.js:5:3)',
      `    at async start (${OWN.replace('file://', '')}server/connection.js:41:23)`,
    ]
    expect(foldOwnFrames(stack)).toEqual([
      'Error: x',
      '    at deep (file:///srv/app/page.ts:2:25)',
      '    … 2 frames of tsgi',
      '    at Layer.handle (/srv/app/node_modules/express/lib/router.js:5:3)',
      '    … 1 frame of tsgi',
    ])
  })

  it('is left whole where there is nothing else in it but Node', () => {
    const stack = [
      'Error: x',
      `    at call (${OWN}server/server.js:1:1)`,
      '    at Server.emit (node:events:524:28)',
      '    at process.processTimers (node:internal/timers:519:7)',
    ]
    expect(foldOwnFrames(stack)).toEqual(stack)
    expect(foldOwnFrames([])).toEqual([])
  })
})
