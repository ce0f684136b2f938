// A chunk a second, as server-sent events, until the client leaves.
//
//   tsgi-express start-server examples/streaming.ts
//   curl -N http://127.0.0.1:8000/
import { setTimeout as sleep } from 'node:timers/promises'

import type { Application } from 'tsgi'

export const application: Application = (environ, startResponse) => {
  startResponse('200 OK', [
    ['Content-Type', 'text/event-stream; charset=utf-8'],
    ['Cache-Control', 'no-store'],
    // nginx collects a response before it passes it on, unless it is told not to.
    ['X-Accel-Buffering', 'no'],
  ])
  return ticks(environ['tsgi.signal'])
}

async function* ticks(signal: AbortSignal): AsyncGenerator<string> {
  try {
    for (let count = 1; ; count += 1) {
      yield `id: ${count}\ndata: ${new Date().toISOString()}\n\n`
      await sleep(1000, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
