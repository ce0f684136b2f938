import { expect, it } from 'vitest'
import { application as bodyDigest } from '../fixtures/apps/body-digest.ts'
import { application as countsWhatIsTaken } from '../fixtures/apps/counts-what-is-taken.ts'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as ignoresBody } from '../fixtures/apps/ignores-body.ts'
import { application as throwsAfterHeaders } from '../fixtures/apps/throws-after-headers.ts'
import { application as throwsBeforeHeaders } from '../fixtures/apps/throws-before-headers.ts'
import { application as twoCookies } from '../fixtures/apps/two-cookies.ts'
import { pattern } from '../wire/bytes.ts'
import { NGINX_WAYS, over } from './bench.ts'

/** Lines that nginx's operator would worry about. */
function worries(log: string): string[] {
  return log
    .split('\n')
    .filter((line) => /\[(?:warn|error|crit|alert|emerg)\]/.test(line) && !/is buffered to a temporary file/.test(line))
}

for (const buffering of [true, false]) {
  over(
    NGINX_WAYS,
    `what nginx thinks of the server, buffering ${buffering ? 'on' : 'off'}`,
    (bench) => {
      it('nothing, whatever the application answers', async () => {
        const body = pattern(200_000)
        const bytes = '/?bytes=2000000'
        for (const [application, request] of [
          [hello, {}],
          [hello, { method: 'HEAD' }],
          [twoCookies, {}],
          [echoBody, { method: 'POST', body }],
          [bodyDigest, { method: 'POST', body }],
          [ignoresBody, { method: 'POST', body: pattern(10) }],
          [ignoresBody, { method: 'POST', body }],
          [countsWhatIsTaken, { target: bytes }],
          [countsWhatIsTaken, { target: bytes, method: 'HEAD' }],
          [throwsBeforeHeaders, {}],
        ] as const) {
          bench.use(application)
          // More than once: the second goes over a connection that was kept.
          for (let time = 0; time < 3; time++) await bench.send(request)
        }
        await bench.idle()
        expect(worries(await bench.nginx.errorLog())).toEqual([])
      })

      it('a line for a response that was given up', async () => {
        bench.use(throwsAfterHeaders)
        await bench.send({ target: '/?length=100000' })
        expect(worries(await bench.nginx.errorLog()).length).toBeGreaterThan(0)
      })
    },
    { nginx: { buffering, requestBuffering: buffering } },
  )
}
