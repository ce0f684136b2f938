import { describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { expectCleanStop, launchApp, STATIC_TEXT } from './launched-app.ts'
import type { Front } from './launched-app.ts'

const SERVERS = ['next/server.js', 'next/.next/standalone/next/server.js']

requires('full', 'apps', 'nginx', 'dist', 'proc').describe('a production build of Next.js', () => {
  describe.each<Front>(['nginx', 'embedded'])('behind %s', (front) => {
    it.each(SERVERS)('%s serves pages, their assets, routes and files', async (path) => {
      const launched = launchApp(path, front)
      const url = await launched.ready()

      const page = await fetch(url)
      const html = await page.text()
      expect(page.status).toBe(200)
      expect(html).toContain('<h1>Hello from Next.js</h1>')

      const assets = [...new Set(html.match(/\/_next\/static\/[^"\\]+\.(?:js|css)/g))]
      expect(assets.some((asset) => asset.endsWith('.css'))).toBe(true)
      expect(assets.some((asset) => asset.endsWith('.js'))).toBe(true)
      for (const asset of assets) {
        const answer = await fetch(new URL(asset, url))
        expect([asset, answer.status]).toEqual([asset, 200])
        expect(answer.headers.get('cache-control')).toContain('immutable')
        expect((await answer.text()).length).toBeGreaterThan(0)
      }

      const rsc = await fetch(new URL('/?_rsc=1', url), { headers: { RSC: '1' } })
      expect(rsc.headers.get('content-type')).toContain('text/x-component')
      await rsc.text()

      const who = await fetch(new URL('/who', url), { headers: { 'User-Agent': 'a test', Cookie: 'first=somebody' } })
      expect(await who.text()).toMatch(/a test(?:<!-- -->)? (?:<!-- -->)?somebody/)

      const range = await fetch(new URL('/static/text.txt', url), { headers: { Range: 'bytes=10-19' } })
      expect([range.status, await range.text()]).toEqual([206, STATIC_TEXT.slice(10, 20)])

      await expectCleanStop(launched)
    })

    it.each(SERVERS)('%s streams a page while it renders it', async (path) => {
      const launched = launchApp(path, front)
      const url = await launched.ready()
      const page = await fetch(new URL('/streamed?held', url))
      let text = ''
      let isReleased = false
      for await (const part of page.body ?? []) {
        text += Buffer.from(part).toString()
        if (isReleased || !text.includes('It came first.')) continue
        expect(text).not.toContain('It came later.')
        // The rest is not rendered before this: what is here has come while the page waits.
        isReleased = true
        await (await fetch(new URL('/streamed/release', url))).text()
      }
      expect(text).toContain('It came later.')
      await expectCleanStop(launched)
    })
  })
})
