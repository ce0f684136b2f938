// A middleware takes an application and gives one. This one measures how long the wrapped application takes to answer,
// and says so in a header and, for slow answers, in the error log.
//
//   tsgi-express start-server examples/middleware.ts
//   curl -i http://127.0.0.1:8000/slow
import { setTimeout as sleep } from 'node:timers/promises'

import type { Application, Middleware } from 'tsgi'

const SLOW_MS = 100

const timing: Middleware = (wrapped) => (environ, startResponse) => {
  const start = performance.now()
  return wrapped(environ, (status, headers, excInfo) => {
    const ms = performance.now() - start
    if (ms > SLOW_MS)
      environ['tsgi.errors'].write(`slow: ${environ.REQUEST_METHOD} ${environ.REQUEST_URI} took ${ms.toFixed(1)} ms\n`)
    return startResponse(status, [...headers, ['Server-Timing', `app;dur=${ms.toFixed(1)}`]], excInfo)
  })
}

const hello: Application = async (environ, startResponse) => {
  if (environ.PATH_INFO === '/slow') await sleep(2 * SLOW_MS)
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']])
  return `Hello from ${environ.PATH_INFO}\n`
}

export const application = timing(hello)
