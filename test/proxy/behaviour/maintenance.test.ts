import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import type { Wire } from '../../../src/proxy/site.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'
import type { Answer, AskOptions, Place, ProxyKind, RunningSite } from './running-site.ts'
import type { SiteChanges } from '../sites.ts'

const WIRES: readonly Wire[] = ['fastcgi', 'uwsgi', 'scgi', 'http']

/** Answers with the status that the path names. */
const statuses: Application = (environ, startResponse) => {
  startResponse(`${/\d+$/.exec(environ.PATH_INFO)?.[0] ?? '200'} As asked`, [['Content-Type', 'text/plain']])
  return `own ${environ.PATH_INFO}`
}

function start(kind: ProxyKind, more: (place: Place) => SiteChanges = () => ({})): Promise<RunningSite> {
  return startSite(
    kind,
    (place) => {
      writeFileSync(`${place.root}/closed.html`, '<p>Back soon</p>')
      return {
        maintenance: { page: `${place.root}/closed.html`, flag: `${place.root}/closed`, retryAfterS: 30 },
        ...more(place),
      }
    },
    { '': statuses },
  )
}

const PAGE = {
  status: 503,
  body: '<p>Back soon</p>',
  headers: { 'retry-after': '30', 'content-type': expect.stringMatching(/^text\/html/), 'cache-control': 'no-store' },
}

describe.each(PROXIES)('maintenance behind $name', (kind) => {
  requires(kind.program).describe('while the flag is there', () => {
    it.each(WIRES)('is all that is served, over %s, and nothing of it afterwards', async (wire) => {
      const site = await start(kind, () => ({ wire }))
      expect((await site.ask('/200')).body).toBe('own /200')
      writeFileSync(`${site.root}/closed`, '')
      expect(await site.ask('/200')).toMatchObject(PAGE)
      expect(await site.ask('/form', { method: 'POST', body: 'x' })).toMatchObject(PAGE)
      expect(await site.ask('/', { headers: { Connection: 'Upgrade', Upgrade: 'websocket' } })).toMatchObject(PAGE)
      rmSync(`${site.root}/closed`)
      expect((await site.ask('/200')).body).toBe('own /200')
    })
  })

  requires(kind.program).describe('while nobody answers', () => {
    it.each(WIRES)("is shown, but not for the application's own errors, over %s", async (wire) => {
      const site = await start(kind, () => ({ wire }))
      for (const status of [500, 502, 503, 504]) {
        const answer = await site.ask(`/${status}`)
        expect(answer).toMatchObject({ status, body: `own /${status}` })
        expect(answer.headers).not.toHaveProperty('retry-after')
      }
      await site.stopWorkers()
      expect(await site.ask('/200')).toMatchObject(PAGE)
      expect(await site.ask('/200', { method: 'POST', body: 'x' })).toMatchObject(PAGE)
    })

    it("leaves the application's own 503 alone where error documents stand for others", async () => {
      const site = await start(kind, ({ root }) => {
        writeFileSync(`${root}/not-found.html`, 'not found')
        return {
          files: { aliases: [{ url: '/nf', path: `${root}/not-found.html`, kind: 'file' }], directoryListing: false },
          errorDocuments: [{ code: 404, url: '/nf' }],
          errorOverride: true,
        }
      })
      expect(await site.ask('/503')).toMatchObject({ status: 503, body: 'own /503' })
      expect(await site.ask('/404')).toMatchObject({ status: 404, body: 'not found' })
    })
  })

  if (kind.asksApplication) {
    requires(kind.program).describe('with authentication', () => {
      it.each(WIRES)('is shown where the application cannot be asked, and only then, over %s', async (wire) => {
        const site = await start(kind, () => ({ wire, authentication: { url: '/500', exempt: ['/200'] } }))
        const broken = await site.ask('/x')
        expect(broken.status).toBe(500)
        expect(broken.body).not.toContain('Back soon')
        await site.stopWorkers()
        expect(await site.ask('/x')).toMatchObject(PAGE)
        expect(await site.ask('/200')).toMatchObject(PAGE)
      })
    })
  }

  it('has its page for nobody who asks for it by name', async () => {
    const site = await start(kind)
    const answer = await site.ask('/tsgi-maintenance.html')
    expect(answer.status).toBe(404)
    expect(answer.body).not.toContain('Back soon')
  })
})

describe.each(PROXIES)('maintenance behind $name', (kind) => {
  requires(kind.program).describe('while the flag is there', () => {
    it('goes before files, other servers, error documents and the question who asks', async () => {
      const site = await start(kind, ({ root }) => {
        writeFileSync(`${root}/file.txt`, 'file')
        writeFileSync(`${root}/unavailable.html`, 'unavailable')
        return {
          files: {
            aliases: [
              { url: '/file', path: `${root}/file.txt`, kind: 'file' },
              { url: '/unavailable', path: `${root}/unavailable.html`, kind: 'file' },
            ],
            directoryListing: false,
          },
          proxyMounts: [{ url: '/other', backend: 'http://127.0.0.1:9' }],
          // Apache has one page for 503.
          errorDocuments: kind.program === 'nginx' ? [{ code: 503, url: '/unavailable' }] : [],
          errorOverride: true,
          ...(kind.asksApplication ? { authentication: { url: '/401', exempt: ['/unavailable', '/file'] } } : {}),
        }
      })
      expect((await site.ask('/file')).body).toBe('file')
      writeFileSync(`${site.root}/closed`, '')
      for (const path of ['/', '/file', '/other/', '/unavailable']) expect(await site.ask(path), path).toMatchObject(PAGE)
    })

    it("lets the launcher's own probe through, and nobody who does not know its secret", async () => {
      const site = await start(kind, ({ root }) => ({
        maintenance: { page: `${root}/closed.html`, flag: `${root}/closed`, retryAfterS: 30, probeToken: '0a-1b.c' },
      }))
      writeFileSync(`${site.root}/closed`, '')
      const probe = (token: string): AskOptions => ({ headers: { 'X-TSGI-Probe': token } })
      expect((await site.ask('/tsgi-probe', probe('0a-1b.c'))).body).toBe('own /tsgi-probe')
      expect(await site.ask('/tsgi-probe')).toMatchObject(PAGE)
      for (const guess of ['1', '0a-1b', '0a-1bxc', 'x0a-1b.c', '0a-1b.cx', '.*'])
        expect(await site.ask('/tsgi-probe', probe(guess)), guess).toMatchObject(PAGE)
      expect(await site.ask('/x', probe('0a-1b.c'))).toMatchObject(PAGE)
    })

    it('lets nobody through where no start made a secret', async () => {
      const site = await start(kind)
      writeFileSync(`${site.root}/closed`, '')
      expect(await site.ask('/tsgi-probe', { headers: { 'X-TSGI-Probe': 'token' } })).toMatchObject(PAGE)
    })

    it('is all that is served under the name of another server, too, and where that cannot be reached', async () => {
      const other = createServer((_, response) => response.end('other'))
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void other.close())
      const { port } = other.address() as AddressInfo
      const site = await start(kind, () => ({
        proxyHosts: [
          { host: 'other.example', backend: `http://127.0.0.1:${port}` },
          { host: 'gone.example', backend: 'http://127.0.0.1:9' },
        ],
      }))
      const at = (host: string): Promise<Answer> => site.ask('/x', { headers: { Host: host } })
      expect((await at('other.example')).body).toBe('other')
      expect(await at('gone.example')).toMatchObject(PAGE)
      writeFileSync(`${site.root}/closed`, '')
      expect(await at('other.example')).toMatchObject(PAGE)
      rmSync(`${site.root}/closed`)
      expect((await at('other.example')).body).toBe('other')
    })
  })
})
