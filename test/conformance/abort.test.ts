import { execFile } from 'node:child_process'
import { get } from 'node:http'
import { describe, expect, it } from 'vitest'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as shortBody } from '../fixtures/apps/short-body.ts'
import { application as shortStream } from '../fixtures/apps/short-stream.ts'
import { application as throwsAfterHeaders } from '../fixtures/apps/throws-after-headers.ts'
import { findExecutable, requires } from '../support/requirements.ts'
import { DIRECT_WAYS, expectComplete, NGINX_WAYS, over, type Bench } from './bench.ts'

/** More than the application sends before it throws. */
const PROMISED = '/?length=100000'

/** Each way in which nginx may sit in front, for each of which a lost response looks different to it. */
const MODES = [
  { keepConn: true, buffering: true },
  { keepConn: true, buffering: false },
  { keepConn: false, buffering: true },
  { keepConn: false, buffering: false },
]

/** How node:http sees the response: `complete`, or the code of its error. */
function nodeSees(bench: Bench, target: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ port: bench.nginx.port, host: '127.0.0.1', path: target, agent: false }, (response) => {
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      response.on('end', () => resolve(response.complete ? 'complete' : 'incomplete'))
      response.resume()
    })
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

/** curl's exit code: 0 is a whole response. */
function curlSees(bench: Bench, target: string): Promise<number> {
  return new Promise((resolve) => {
    const args = ['--silent', '--output', '/dev/null', '--max-time', '10', `http://127.0.0.1:${bench.nginx.port}${target}`]
    execFile(findExecutable('curl') ?? 'curl', args, (error) => resolve(typeof error?.code === 'number' ? error.code : 0))
  })
}

async function expectBroken(bench: Bench, target: string): Promise<void> {
  const exchange = await bench.begin({ target })
  const answer = await exchange.answer()
  expect(answer.state, `${answer.status}, ${answer.body.length} bytes`).toBe('broken')
  expect(answer.text).not.toMatch(/secret|hunter2/)
  // The connection is of no more use.
  await exchange.connection.whenEnded()
  exchange.leave()
}

for (const mode of MODES) {
  const name = `keep_conn ${mode.keepConn ? 'on' : 'off'}, buffering ${mode.buffering ? 'on' : 'off'}`
  over(
    NGINX_WAYS.filter(({ wire }) => wire === 'fastcgi'),
    `[78] a response that is given up, ${name}`,
    (bench) => {
      it.each([
        ['without a length', '/'],
        ['with a length', PROMISED],
      ])('is never whole to a client, %s', async (_name, target) => {
        bench.use(throwsAfterHeaders)
        await expectBroken(bench, target)
        expect(await nodeSees(bench, target)).toBe('ECONNRESET')
        bench.use(hello)
        expectComplete(await bench.send({}))
      })

      requires('curl').test('is never whole to curl', async () => {
        bench.use(throwsAfterHeaders)
        expect([18, 52, 56, 92]).toContain(await curlSees(bench, '/'))
        expect([18, 52, 56, 92]).toContain(await curlSees(bench, PROMISED))
        bench.use(hello)
        expect(await curlSees(bench, '/')).toBe(0)
      })

      it('[48] [76] a body shorter than its Content-Length is never whole', async () => {
        bench.use(shortStream)
        await expectBroken(bench, '/')
        expect(await nodeSees(bench, '/')).toBe('ECONNRESET')
        bench.use(shortBody)
        await expectBroken(bench, '/')
        expect(await nodeSees(bench, '/')).toBe('ECONNRESET')
      })
    },
    { nginx: mode },
  )
}

for (const buffering of [true, false]) {
  over(
    NGINX_WAYS.filter(({ wire }) => wire === 'uwsgi' || wire === 'scgi'),
    `[78] a response that is given up, buffering ${buffering ? 'on' : 'off'}`,
    (bench) => {
      it('is never whole to a client, with a length', async () => {
        bench.use(throwsAfterHeaders)
        await expectBroken(bench, PROMISED)
        expect(await nodeSees(bench, PROMISED)).toBe('ECONNRESET')
        bench.use(shortStream)
        await expectBroken(bench, '/')
        bench.use(hello)
        expectComplete(await bench.send({}))
      })

      requires('curl').test('is never whole to curl, with a length', async () => {
        bench.use(throwsAfterHeaders)
        expect([18, 52, 56, 92]).toContain(await curlSees(bench, PROMISED))
      })

      it('without a length is cut off, which the protocol cannot tell: the log has it', async () => {
        bench.use(throwsAfterHeaders)
        const answer = await bench.send({})
        expect(answer.text).toMatch(/^x+$/)
        expect(answer.body.length).toBeLessThanOrEqual(5000)
        await bench.idle()
        expect(bench.log.problems).toHaveLength(1)
        expect(String(bench.log.problems[0]?.error)).toContain('hunter2')
      })
    },
    { nginx: { buffering } },
  )
}

describe('[78] a response that is given up, without a proxy', () => {
  over(DIRECT_WAYS, 'a throw behind the headers', (bench) => {
    it('breaks the response, and what was sent before arrives', async () => {
      bench.use(throwsAfterHeaders)
      for (const target of ['/', PROMISED]) {
        const exchange = await bench.begin({ target }, { keep: true })
        await exchange.endBody()
        const answer = await exchange.answer()
        expect(answer.status).toBe(200)
        expect(answer.text).toBe('x'.repeat(5000))
        if (target === PROMISED || (bench.way.wire !== 'uwsgi' && bench.way.wire !== 'scgi')) expect(answer.state).toBe('broken')
        await exchange.connection.whenEnded()
        exchange.leave()
      }
      await bench.idle()
      expect(bench.log.problems).toHaveLength(2)
    })

    it('aborts the signal of the request, and of no other', async () => {
      const aborted: string[] = []
      bench.use((environ, startResponse) => {
        environ['tsgi.signal'].addEventListener('abort', () => aborted.push(environ.PATH_INFO))
        startResponse('200 OK', [])
        return (async function* () {
          yield 'first'
          await new Promise((resolve) => setImmediate(resolve))
          if (environ.PATH_INFO === '/fails') throw new Error('secret')
          yield 'second'
        })()
      })
      const [whole] = await Promise.all([bench.send({ target: '/whole' }), bench.send({ target: '/fails' })])
      expectComplete(whole)
      await bench.idle()
      expect(aborted).toEqual(['/fails'])
    })
  })
})
