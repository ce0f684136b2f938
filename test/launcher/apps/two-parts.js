import { setTimeout as sleep } from 'node:timers/promises'

/** The second part comes `?ms` later. */
export const application = (environ, startResponse) => {
  startResponse('200 OK', [
    ['Content-Type', 'text/plain'],
    ['X-Accel-Buffering', 'no'],
  ])
  return parts(Number(environ.QUERY_STRING))
}

async function* parts(ms) {
  yield 'first '
  await sleep(ms)
  yield 'second'
}
