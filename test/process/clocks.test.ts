import { request } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { requires } from '../support/requirements.ts'
import { fixture, get, Served, servingPid, temporaryDirectory } from './served.ts'
import { targetBy, WAYS } from './ways.ts'

const { describe } = requires('dist', 'nginx')

const TIMEOUT_MS = 300

/** A tick before, and what a busy machine needs. */
const LATEST_MS = TIMEOUT_MS + 1000

async function serve(app: string, way: (typeof WAYS)[number], ...args: string[]): Promise<{ served: Served; target: string }> {
  const socket = join(temporaryDirectory(), 'app.sock')
  const timeout = ['--request-timeout', `${TIMEOUT_MS}ms`]
  const served = await new Served({ args: [fixture(app), '--bind', `unix:${socket}`, ...timeout, ...args] }).ready()
  return { served, target: await targetBy(way, socket) }
}

async function seenBy(target: string): Promise<string[]> {
  return (JSON.parse((await get(target, '/seen')).body) as { seen: string[] }).seen
}

const KINDS = [
  { kind: 'TSGI', app: 'slow-answers.js:application', told: ['/never aborted: TSGI_ERR_REQUEST_TIMEOUT'] },
  { kind: 'fetch', app: 'slow-answers.js:site', told: ['/never aborted: TSGI_ERR_REQUEST_TIMEOUT'] },
  {
    kind: 'Node',
    app: 'slow-answers.js:handler',
    told: ['/never aborted', '/never closed, not finished', '/never failed: ECONNRESET'],
  },
] as const

const CASES = KINDS.flatMap((each) => WAYS.map((way) => ({ ...each, way })))

describe('the request timeout', () => {
  test.each(CASES)('ends a request to a $kind application over $way with 504; its worker lives', async ({ app, told, way }) => {
    const { served, target } = await serve(app, way)
    const pid = await servingPid(target)
    const startedAt = performance.now()
    const answer = await get(target, '/never')
    const tookMs = performance.now() - startedAt
    expect(answer).toEqual({ status: 504, body: 'Gateway Timeout\n' })
    expect(tookMs).toBeGreaterThan(TIMEOUT_MS - 5)
    expect(tookMs).toBeLessThan(LATEST_MS)
    await served.until(/ error \[\d+\] TSGI_ERR_REQUEST_TIMEOUT GET \/never.* answered 504: .* no response after 0\.\d s$/m)
    let seen: string[] = []
    for (let tries = 0; tries < 50 && seen.length < told.length; tries += 1) seen = await seenBy(target)
    expect(seen).toEqual(told)
    expect(await servingPid(target)).toBe(pid)
    expect(served.output.match(/TSGI_ERR_REQUEST_TIMEOUT/g)).toHaveLength(1)
  })

  test.each(CASES.filter(({ way }) => way !== 'uwsgi'))(
    'leaves a response alone that has begun: $kind, $way',
    async ({ app, way }) => {
      const { served, target } = await serve(app, way)
      const { status, body } = await get(target, '/events')
      expect(status).toBe(200)
      expect(body.trim().split('\n')).toHaveLength(5)
      expect(served.output).not.toContain('TSGI_ERR')
    },
  )

  test.each(CASES.filter(({ kind }) => kind !== 'fetch'))(
    'counts a head that was said but not sent as no answer: $kind, $way',
    async ({ app, way }) => {
      const { target } = await serve(app, way)
      expect(await get(target, '/begun')).toMatchObject({ status: 504 })
    },
  )

  test('ends those at once that came at once, and not those that came later', async () => {
    const { served, target } = await serve('slow-answers.js:application', 'http')
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(target, '/never')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([504]))
    expect(served.output.match(/TSGI_ERR_REQUEST_TIMEOUT/g)).toHaveLength(20)
    expect((await get(target)).status).toBe(200)
  })

  test('tells who still reads the body', async () => {
    const { target } = await serve('slow-answers.js:application', 'http')
    const status = await new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: target, path: '/body', method: 'POST', headers: { 'Content-Length': 10 } })
      outgoing.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject)
      outgoing.write('half')
    })
    expect(status).toBe(504)
    expect(await seenBy(target)).toContain('/body failed: TSGI_ERR_REQUEST_TIMEOUT')
  })

  test('does not keep a stop waiting for what never settles', async () => {
    const { served, target } = await serve('slow-answers.js:application', 'http', '--graceful-timeout', '60s')
    await get(target, '/never')
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(served.output).not.toContain('unfinished')
  })

  test('cannot be used to forge a line of the log', async () => {
    const { served, target } = await serve('slow-answers.js:application', 'http')
    await get(target, `/never?${'x'.repeat(500)}%0a2026-01-01T00:00:00.000Z`)
    const line = await served.until(/^.*TSGI_ERR_REQUEST_TIMEOUT.*$/m)
    expect(line[0].length).toBeLessThan(400)
  })

  test('is off with 0', async () => {
    const { served, target } = await serve('hello.js', 'http', '--request-timeout', '0')
    expect((await get(target, `/slow/${TIMEOUT_MS + 300}`)).status).toBe(200)
    expect(served.output).not.toContain('TSGI_ERR')
  })
})
