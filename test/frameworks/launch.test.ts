import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { expectCleanStop, launchApp, STATIC_TEXT } from './launched-app.ts'
import type { Front } from './launched-app.ts'

/** A file under test/apps, and how it gives its application. */
const SCRIPTS: readonly (readonly [path: string, gives: string])[] = [
  ['express4/app.js', 'exports it (CommonJS)'],
  ['express4/server.js', 'listens'],
  ['express5/app.js', 'exports it'],
  ['express5/server.js', 'listens'],
  ['fastify/export.js', 'exports it'],
  ['fastify/server.js', 'listens'],
  ['koa/app.js', 'exports it'],
  ['koa/server.js', 'listens'],
  ['nest/src/export.ts', 'exports it (TypeScript with decorators)'],
  ['nest/src/main.ts', 'listens when it is created (TypeScript with decorators)'],
  ['next/server.js', 'listens (custom server)'],
  ['next/.next/standalone/next/server.js', 'listens (standalone output)'],
  ['hono/app.ts', 'exports an object with fetch'],
  ['hono/server.ts', 'listens'],
  ['h3/app.js', 'exports an object with fetch'],
  ['h3/node.js', 'exports a handler'],
  ['h3/server.js', 'listens'],
  ['h3-v1/node.js', 'exports a listener'],
  ['h3-v1/web.js', 'exports an object with fetch'],
  ['h3-v1/server.js', 'listens'],
  ['nitro/.output/standard/server/index.mjs', 'exports an object with fetch'],
  ['nitro/.output/node-middleware/server/index.mjs', 'exports a middleware'],
  ['nitro/.output/node-server/server/index.mjs', 'listens'],
  ['nitropack/.output/node-listener/server/index.mjs', 'exports a handler'],
  ['nitropack/.output/node-server/server/index.mjs', 'listens'],
]

const FILE = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251))

function isNitro(path: string): boolean {
  return path.startsWith('nitro')
}

/** A body of several parts, one of them binary and longer than a packet. */
async function expectUpload(url: string): Promise<void> {
  const form = new FormData()
  form.set('title', 'caf\u00e9')
  form.set('file', new File([FILE], 'bytes.bin', { type: 'application/octet-stream' }))
  const answer = await fetch(new URL('/upload', url), { method: 'POST', body: form })
  expect(answer.status).toBe(200)
  const text = await answer.text()
  expect(text).toContain('caf\u00e9')
  expect(text).toContain('bytes.bin')
  expect(text).toContain(createHash('sha256').update(FILE).digest('hex'))
}

/** The routes that every application has. */
async function expectRoutes(url: string): Promise<void> {
  const hello = await fetch(new URL('/hello', url))
  expect(hello.status).toBe(200)
  expect(hello.headers.get('content-type')).toMatch(/^text\/plain; *charset=utf-8$/i)
  expect(await hello.text()).toMatch(/^hello[, ]/i)

  const json = await fetch(new URL('/json', url))
  expect(json.headers.get('content-type')).toMatch(/^application\/json/)
  expect(await json.json()).toHaveProperty('list', [1, 2, 3])

  const body = JSON.stringify({ text: 'caf\u00e9' })
  const headers = { 'Content-Type': 'application/json' }
  const echo = await fetch(new URL('/echo?a=1&b=%20x', url), { method: 'PUT', headers, body })
  expect(await echo.json()).toMatchObject({
    method: 'PUT',
    query: { a: expect.anything(), b: expect.anything() },
    headers: { 'content-type': 'application/json', host: new URL(url).host },
    body,
    bytes: Buffer.byteLength(body),
  })

  const redirect = await fetch(new URL('/redirect', url), { redirect: 'manual' })
  expect([redirect.status, redirect.headers.get('location')]).toEqual([302, '/hello'])
  await redirect.text()

  const cookies = await fetch(new URL('/cookies', url))
  expect(cookies.headers.getSetCookie().length).toBeGreaterThanOrEqual(2)
  await cookies.text()

  const stream = await fetch(new URL('/stream', url))
  expect((await stream.text()).trimEnd().split('\n')).toHaveLength(10)

  const big = await fetch(new URL('/big?bytes=3000000', url))
  expect((await big.arrayBuffer()).byteLength).toBe(3_000_000)

  const file = await fetch(new URL('/static/text.txt', url))
  expect(file.headers.get('etag')).not.toBeNull()
  expect(await file.text()).toBe(STATIC_TEXT)

  const none = await fetch(new URL('/nobody', url))
  expect([none.status, await none.text()]).toEqual([204, ''])

  const error = await fetch(new URL('/error', url))
  expect(error.status).toBeGreaterThanOrEqual(500)
  await error.text()

  const missing = await fetch(new URL('/missing', url))
  expect(missing.status).toBe(404)
  await missing.text()
}

requires('full', 'apps', 'nginx', 'dist', 'proc').describe('an application of another framework, unchanged', () => {
  describe.each<Front>(['nginx', 'embedded'])('behind %s', (front) => {
    it.each(SCRIPTS)('%s, which %s', async (path) => {
      const launched = launchApp(path, front)
      const url = await launched.ready()
      await expectRoutes(url)
      if (!isNitro(path)) await expectUpload(url)
      await expectCleanStop(launched)
    })

    it('captured/server.js, which listens and knows it', async () => {
      const launched = launchApp('captured/server.js', front)
      const url = await launched.ready()
      expect(await (await fetch(new URL('/hello', url))).text()).toBe('Hello from a script\n')
      const address = await (await fetch(new URL('/address', url))).json()
      expect(address).toEqual({ listening: true, heard: ['event', 'callback'], address: true })
      await expectCleanStop(launched)
    })
  })
})
