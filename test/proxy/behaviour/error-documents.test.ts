import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import type { Wire } from '../../../src/proxy/site.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'
import type { Place, ProxyKind, RunningSite } from './running-site.ts'
import type { SiteChanges } from '../sites.ts'

const WIRES: readonly Wire[] = ['fastcgi', 'uwsgi', 'scgi', 'http']

/** Those over which a proxy can show something else than the application's own error. */
const coverable = ({ name }: { name: string }): readonly Wire[] => WIRES.filter((wire) => name !== 'Apache' || wire !== 'scgi')

/** Has pages for errors below /pages, and otherwise answers with the status that the path names. */
const application: Application = async (environ, startResponse) => {
  const path = environ.PATH_INFO
  if (path.startsWith('/pages/')) {
    // nginx may send the body of the request that failed; whoever waits for one must not wait in vain.
    await environ['tsgi.input'].read()
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return `page ${path} ${environ.QUERY_STRING} ${environ.REQUEST_METHOD}`
  }
  startResponse(`${path.slice(1) || '200'} As asked`, [['Content-Type', 'text/plain']])
  return `own ${path}`
}

function start(kind: ProxyKind, more: (place: Place) => SiteChanges): Promise<RunningSite> {
  return startSite(kind, (place) => more(place), { '': application })
}

describe.each(PROXIES)('error documents behind $name', (kind) => {
  requires(kind.program).describe('that are files', () => {
    const files = ({ root }: Place): SiteChanges => {
      mkdirSync(`${root}/my pages`)
      writeFileSync(`${root}/my pages/no ü.html`, 'no such page')
      writeFileSync(`${root}/my pages/large.html`, 'too large')
      return {
        files: {
          aliases: [
            { url: '/my pages', path: `${root}/my pages`, kind: 'directory' },
            { url: '/empty', path: `${root}/temp`, kind: 'directory' },
          ],
          directoryListing: false,
        },
        limits: { requestBodyBytes: 10 },
        errorDocuments: [
          { code: 404, url: '/my pages/no ü.html' },
          { code: 413, url: '/my pages/large.html' },
        ],
      }
    }

    it.each(WIRES)("stand for the proxy's own errors, over %s", async (wire) => {
      const site = await start(kind, (place) => ({ ...files(place), wire }))
      expect(await site.ask('/empty/none')).toMatchObject({ status: 404, body: 'no such page' })
      expect(await site.ask('/x', { method: 'POST', body: 'x'.repeat(11) })).toMatchObject({ status: 413, body: 'too large' })
      expect(await site.ask('/404')).toMatchObject({ status: 404, body: 'own /404' })
    })

    it.each(coverable(kind))("stand for the application's, too, where that is wanted, over %s", async (wire) => {
      const site = await start(kind, (place) => ({ ...files(place), wire, errorOverride: true }))
      expect(await site.ask('/404')).toMatchObject({ status: 404, body: 'no such page' })
      expect(await site.ask('/500')).toMatchObject({ status: 500, body: 'own /500' })
      expect(await site.ask('/200')).toMatchObject({ status: 200, body: 'own /200' })
    })
  })

  requires(kind.program).describe("that are the application's own pages", () => {
    it.each(coverable(kind))('are asked for by their URL, with a GET, over %s', async (wire) => {
      const site = await start(kind, ({ root }) => ({
        wire,
        files: { aliases: [{ url: '/empty', path: `${root}/temp`, kind: 'directory' }], directoryListing: false },
        limits: { requestBodyBytes: 10 },
        errorOverride: true,
        errorDocuments: [
          { code: 404, url: '/pages/no ü?of=404' },
          { code: 413, url: '/pages/413' },
          { code: 500, url: '/pages/500' },
        ],
      }))
      expect(await site.ask('/empty/none?x=1')).toMatchObject({ status: 404, body: 'page /pages/no ü of=404 GET' })
      expect(await site.ask('/404?x=1')).toMatchObject({ status: 404, body: 'page /pages/no ü of=404 GET' })
      expect(await site.ask('/500', { method: 'POST', body: 'a=1' })).toMatchObject({ status: 500, body: 'page /pages/500  GET' })
      expect(await site.ask('/x', { method: 'POST', body: 'x'.repeat(11) })).toMatchObject({
        status: 413,
        body: 'page /pages/413  GET',
      })
      expect((await site.ask('/200')).body).toBe('own /200')
    })

    it.each(WIRES)('can be where users log in, over %s', async (wire) => {
      if (!kind.asksApplication) return
      const site = await start(kind, () => ({
        wire,
        errorOverride: true,
        authentication: { url: '/401', exempt: ['/pages'] },
        errorDocuments: [{ code: 401, url: '/pages/login' }],
      }))
      expect(await site.ask('/x?y')).toMatchObject({ status: 401, body: 'page /pages/login  GET' })
      expect(await site.ask('/x', { method: 'POST', body: 'a=1' })).toMatchObject({ status: 401, body: 'page /pages/login  GET' })
    })
  })
})
