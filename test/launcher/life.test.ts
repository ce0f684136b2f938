import { get as httpGet } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { until } from '../support/until.ts'
import { requires } from '../support/requirements.ts'
import { get, Launched } from './launched.ts'

const app = (name: string): string => fileURLToPath(new URL(`apps/${name}`, import.meta.url))

/** The programs of the proxies, and their names in messages. */
const PROXIES = [
  { serverType: 'nginx', program: 'nginx', name: 'nginx' },
  { serverType: 'apache', program: 'apache2', name: 'Apache' },
] as const

/** Everything has ended, and every file has gone. */
function expectNothingLeft(launched: Launched): void {
  expect(launched.survivors()).toEqual([])
  expect(launched.leftovers()).toEqual([])
}

/** Resolves when nobody accepts any more: the stop has begun. */
async function refused(url: string): Promise<void> {
  for (;;) {
    try {
      await get(url)
    } catch {
      return
    }
  }
}

/** The body so far, and whether the response came to its proper end. */
function stream(url: string): { body: () => string; ended: Promise<'complete' | 'cut'> } {
  let body = ''
  const ended = new Promise<'complete' | 'cut'>((resolve) => {
    httpGet(url, { agent: false }, (answer) => {
      answer.setEncoding('utf8').on('data', (text: string) => (body += text))
      answer.on('error', () => {})
      answer.on('close', () => resolve(answer.complete ? 'complete' : 'cut'))
    }).on('error', () => resolve('cut'))
  })
  return { body: () => body, ended }
}

for (const { serverType, program, name: proxyName } of PROXIES) {
  requires(program, 'dist', 'proc').describe(`a running start-server with ${proxyName}`, () => {
    async function launch(name = 'hello.js', ...args: string[]): Promise<{ launched: Launched; url: string }> {
      const launched = new Launched(['start-server', app(name), '--port', '0', '--server-type', serverType, ...args])
      return { launched, url: await launched.ready() }
    }

    it('finishes a request in flight on TERM', async () => {
      const { launched, url } = await launch('two-parts.js')
      const response = stream(`${url}?500`)
      await until(() => response.body() !== '', 'the first part')
      launched.child.kill('SIGTERM')
      expect(await response.ended).toBe('complete')
      expect(response.body()).toBe('first second')
      expect(await launched.exited).toBe(0)
      expectNothingLeft(launched)
    })

    it('gives a request a moment on INT, and ends then', async () => {
      const { launched, url } = await launch('two-parts.js')
      const response = stream(`${url}?60000`)
      await until(() => response.body() !== '', 'the first part')
      const start = performance.now()
      launched.child.kill('SIGINT')
      expect(await launched.exited).toBe(0)
      expect(performance.now() - start).toBeLessThan(5000)
      expect(await response.ended).toBe('cut')
      expectNothingLeft(launched)
    })

    it('ends at once on a second signal', async () => {
      const { launched, url } = await launch('two-parts.js', '--graceful-timeout', '60s')
      const response = stream(`${url}?60000`)
      await until(() => response.body() !== '', 'the first part')
      launched.child.kill('SIGTERM')
      await refused(url)
      const start = performance.now()
      launched.child.kill('SIGINT')
      expect(await launched.exited).toBe(0)
      expect(performance.now() - start).toBeLessThan(3000)
      expectNothingLeft(launched)
      await response.ended
    })

    it("takes a terminal's Ctrl-C, which goes to the whole group, as one INT", async () => {
      const { launched } = await launch()
      process.kill(-launched.pid, 'SIGINT')
      expect(await launched.exited).toBe(0)
      expect(launched.stderr).not.toMatch(/error/)
      expectNothingLeft(launched)
    })

    it("does nothing on a terminal's resize, which goes to the whole group", async () => {
      const { launched, url } = await launch()
      const before = new Set(launched.remember())
      for (let count = 0; count < 3; count += 1) process.kill(-launched.pid, 'SIGWINCH')
      for (let count = 0; count < 5; count += 1) expect((await get(url)).status).toBe(200)
      expect(new Set(launched.remember())).toEqual(before)
      launched.child.kill('SIGTERM')
      expect(await launched.exited).toBe(0)
      expectNothingLeft(launched)
    })

    it.each(['SIGKILL', 'SIGTERM', 'SIGSEGV'] as const)(
      'ends with a cause and a code when the proxy is ended by %s',
      async (signal) => {
        const { launched } = await launch()
        process.kill(launched.proxy(), signal)
        expect(await launched.exited).toBe(1)
        expect(launched.stderr).toMatch(
          new RegExp(
            `^\\S+ error \\[\\d+\\] ${proxyName} ended by itself: TSGI_ERR_PROXY_EXIT pid \\d+ (?:was ended by|ended with) `,
            'm',
          ),
        )
        expectNothingLeft(launched)
      },
    )

    it('replaces a worker that is killed, and says so on the terminal', async () => {
      const { launched, url } = await launch()
      const [worker = 0] = launched.workers()
      process.kill(worker, 'SIGKILL')
      await until(() => /TSGI_ERR_WORKER_EXIT/.test(launched.stderr), 'the line about the worker')
      const answer = await get(url)
      expect(answer.status).toBe(200)
      expect(answer.body.split('|').at(-1)).not.toBe(String(worker))
      launched.remember()
      launched.child.kill('SIGTERM')
      expect(await launched.exited).toBe(0)
      expectNothingLeft(launched)
    })

    it('takes proxy and workers along when it is killed', async () => {
      const { launched } = await launch('hello.js', '--processes', '2')
      const start = performance.now()
      launched.child.kill('SIGKILL')
      expect(await launched.exited).toBe('SIGKILL')
      await until(() => launched.survivors().length === 0, 'everything to end')
      expect(performance.now() - start).toBeLessThan(2000)
    })
  })
}
