import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import type { Wire } from '../../../src/proxy/site.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'
import type { Place } from './running-site.ts'
import type { SiteChanges } from '../sites.ts'

const WIRES: readonly Wire[] = ['fastcgi', 'uwsgi', 'scgi', 'http']

/** The status that the path says; pages of its own below /errors. */
const statuses: Application = ({ PATH_INFO }, startResponse) => {
  const page = PATH_INFO.startsWith('/errors/')
  const status = /^\/(\d{3})$/.exec(PATH_INFO)?.[1] ?? '200'
  startResponse(page ? '200 OK' : `${status} Status`, [['Content-Type', 'text/plain']])
  return page ? `page ${PATH_INFO}` : 'of the application'
}

const pages = ({ root }: Place, more: SiteChanges = {}): SiteChanges => {
  mkdirSync(`${root}/assets`)
  writeFileSync(`${root}/assets/413.html`, 'too much')
  writeFileSync(`${root}/closed.html`, '<h1>closed</h1>')
  return {
    files: { aliases: [{ url: '/assets', path: `${root}/assets`, kind: 'directory' }], directoryListing: false },
    limits: { requestBodyBytes: 10 },
    errorDocuments: [
      { code: 404, url: '/errors/404' },
      { code: 413, url: '/assets/413.html' },
      { code: 405, url: '/errors/405' },
    ],
    ...more,
  }
}

describe.each(PROXIES)('errors behind $name', (kind) => {
  requires(kind.program).describe('have documents', () => {
    it('of files or of the application, where they are the own errors of the proxy', async () => {
      const site = await startSite(kind, (place) => pages(place), { '': statuses })
      expect(await site.ask('/assets/none')).toMatchObject({ status: 404, body: 'page /errors/404' })
      expect(await site.ask('/200', { method: 'POST', body: 'x'.repeat(11) })).toMatchObject({ status: 413, body: 'too much' })
      expect(await site.ask('/assets/413.html', { method: 'POST', body: 'abc' })).toMatchObject({
        status: 405,
        body: 'page /errors/405',
      })
      expect(await site.ask('/404')).toMatchObject({ status: 404, body: 'of the application' })
      expect(await site.ask('/errors/404?x=1', { method: 'POST', body: 'abc' })).toMatchObject({
        status: 200,
        body: 'page /errors/404',
      })
    })

    it.each(WIRES.filter((wire) => kind.name !== 'Apache' || wire !== 'scgi'))(
      'for those of the application, too, where that is wanted, over %s',
      async (wire) => {
        const site = await startSite(kind, (place) => pages(place, { errorOverride: true, wire }), { '': statuses })
        expect(await site.ask('/404')).toMatchObject({ status: 404, body: 'page /errors/404' })
        expect(await site.ask('/403')).toMatchObject({ status: 403 })
        expect((await site.ask('/200')).body).toBe('of the application')
      },
    )
  })

  requires(kind.program).describe('of an application that is away', () => {
    it.each(WIRES)('have a page that is a file, and no end of pages where that application has it, over %s', async (wire) => {
      const code = kind.program === 'nginx' ? 502 : 503
      const site = await startSite(kind, (place) => pages(place, { wire, errorDocuments: [{ code, url: '/assets/413.html' }] }), {
        '': statuses,
      })
      await site.stopWorkers()
      for (const method of ['GET', 'POST'])
        expect(await site.ask('/200', { method })).toMatchObject({ status: code, body: 'too much' })
      const own = await startSite(kind, (place) => pages(place, { wire, errorDocuments: [{ code, url: '/errors/502' }] }))
      await own.stopWorkers()
      for (const method of ['GET', 'POST']) expect((await own.ask('/200', { method })).status).toBe(code)
    })

    it.each(WIRES)('have the page of maintenance, over %s, and its own errors have not', async (wire) => {
      const site = await startSite(
        kind,
        (place) =>
          pages(place, {
            wire,
            errorDocuments: [],
            maintenance: { page: `${place.root}/closed.html`, flag: `${place.root}/maintenance`, retryAfterS: 42 },
          }),
        { '': statuses },
      )
      for (const status of ['502', '503', '504']) {
        expect(await site.ask(`/${status}`)).toMatchObject({ status: Number(status), body: 'of the application' })
      }
      await site.stopWorkers()
      for (const method of ['GET', 'POST']) {
        expect(await site.ask('/200', { method })).toMatchObject({
          status: 503,
          body: '<h1>closed</h1>',
          headers: { 'retry-after': '42', 'content-type': expect.stringMatching(/^text\/html/) },
        })
      }
    })
  })

  requires(kind.program).test('are all that is served while the operator says so', async () => {
    const site = await startSite(
      kind,
      (place) =>
        pages(place, {
          errorDocuments: [],
          maintenance: { page: `${place.root}/closed.html`, flag: `${place.root}/maintenance`, retryAfterS: 42 },
        }),
      { '': statuses },
    )
    expect((await site.ask('/200')).status).toBe(200)
    writeFileSync(`${site.root}/maintenance`, '')
    for (const path of ['/200', '/assets/413.html', '/nothing']) {
      expect(await site.ask(path)).toMatchObject({ status: 503, body: '<h1>closed</h1>', headers: { 'retry-after': '42' } })
    }
    rmSync(`${site.root}/maintenance`)
    expect((await site.ask('/200')).status).toBe(200)
  })
})
