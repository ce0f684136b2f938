import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import type { StaticFiles } from '../../../src/proxy/site.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'
import type { Place, ProxyKind, RunningSite } from './running-site.ts'
import type { SiteChanges } from '../sites.ts'

const FILES: Readonly<Record<string, string>> = {
  'public/index.html': 'home',
  'public/robots.txt': 'nobody',
  'public/dir/index.html': 'dir',
  'public/dir/page.html': 'page',
  'public/empty/x.txt': 'x',
  'public/.env': 'SECRET',
  'public/.git/config': 'SECRET',
  'public/.well-known/security.txt': 'contact',
  'public/a b/ü.txt': 'umlaut',
  'assets/app.js': 'code',
  'assets/style.css': 'style',
  'assets/.hidden': 'SECRET',
  'assets/sub/index.html': 'sub',
  'outside.txt': 'SECRET',
  'icon.ico': 'icon',
}

async function start(
  kind: ProxyKind,
  files: Partial<StaticFiles>,
  more: (place: Place) => SiteChanges = () => ({}),
  applications: Readonly<Record<string, Application>> = {},
): Promise<RunningSite> {
  return startSite(
    kind,
    (place) => {
      for (const [name, content] of Object.entries(FILES)) {
        mkdirSync(dirname(join(place.root, name)), { recursive: true })
        writeFileSync(join(place.root, name), content)
      }
      return {
        files: {
          documentRoot: join(place.root, 'public'),
          aliases: [
            { url: '/assets/', path: join(place.root, 'assets'), kind: 'directory' },
            { url: '/favicon.ico', path: join(place.root, 'icon.ico'), kind: 'file' },
            { url: '/about', path: join(place.root, 'public/dir/page.html'), kind: 'file' },
            { url: '/style.html', path: join(place.root, 'assets/style.css'), kind: 'file' },
          ],
          directoryListing: false,
          ...files,
        },
        ...more(place),
      }
    },
    applications,
  )
}

describe.each(PROXIES)('files behind $name', (kind) => {
  requires(kind.program).describe('with an index', () => {
    const index = { directoryIndex: 'index.html' }

    it('go before the application, which has everything else', async () => {
      const site = await start(kind, index)
      expect(await site.ask('/robots.txt')).toMatchObject({
        status: 200,
        body: 'nobody',
        headers: { 'content-type': 'text/plain; charset=utf-8', etag: expect.any(String), 'last-modified': expect.any(String) },
      })
      expect((await site.ask('/')).body).toBe('home')
      expect((await site.ask('/dir/page.html')).headers['content-type']).toBe('text/html; charset=utf-8')
      expect((await site.ask('/dir/')).body).toBe('dir')
      expect((await site.ask('/a%20b/%C3%BC.txt?x=1')).body).toBe('umlaut')
      expect((await site.echo('/robots')).environ.PATH_INFO).toBe('/robots')
      expect((await site.echo('/empty/')).environ.PATH_INFO).toBe('/empty/')
      expect((await site.echo('/dir/none.html?a=b')).environ).toMatchObject({ PATH_INFO: '/dir/none.html', QUERY_STRING: 'a=b' })
      expect((await site.echo('/api', { method: 'POST', body: 'x' })).environ.REQUEST_METHOD).toBe('POST')
    })

    it('are never those that begin with a dot, .well-known apart', async () => {
      const site = await start(kind, index)
      for (const path of ['/.env', '/.git/config', '/%2egit/config', '/assets/.hidden', '/assets/%2ehidden']) {
        expect((await site.ask(path)).body).not.toContain('SECRET')
      }
      expect((await site.ask('/.well-known/security.txt')).body).toBe('contact')
      expect((await site.ask('/assets/.hidden')).status).toBe(404)
    })

    it('are those of their directory and no others', async () => {
      const site = await start(kind, index)
      for (const path of [
        '/../outside.txt',
        '/assets/../../outside.txt',
        '/assets../outside.txt',
        '/assets/..%2foutside.txt',
        '/%2e%2e/outside.txt',
      ]) {
        expect((await site.ask(path)).body).not.toContain('SECRET')
      }
    })

    it('have aliases: directories and single files', async () => {
      const site = await start(kind, index)
      expect(await site.ask('/assets/app.js')).toMatchObject({
        body: 'code',
        headers: { 'content-type': 'text/javascript; charset=utf-8' },
      })
      expect(await site.ask('/assets/style.css')).toMatchObject({
        body: 'style',
        headers: { 'content-type': 'text/css; charset=utf-8' },
      })
      expect((await site.ask('/assets/sub/')).body).toBe('sub')
      expect(await site.ask('/favicon.ico')).toMatchObject({ body: 'icon', headers: { 'content-type': 'image/x-icon' } })
      expect(await site.ask('/about')).toMatchObject({ body: 'page', headers: { 'content-type': 'text/html; charset=utf-8' } })
      expect((await site.ask('/style.html')).headers['content-type']).toBe('text/css; charset=utf-8')
      expect((await site.ask('/assets/none.js')).status).toBe(404)
      expect((await site.ask('/assets/app.js', { method: 'POST', body: 'x' })).status).toBe(405)
      expect((await site.echo('/assetsx')).environ.PATH_INFO).toBe('/assetsx')
      const redirect = await site.ask('/assets?x=1')
      expect(redirect.status).toBe(301)
      expect(redirect.headers.location).toMatch(/\/assets\/(?:\?x=1)?$/)
    })

    it('are answered with 304 to who has them, and in ranges', async () => {
      const site = await start(kind, index)
      const { headers } = await site.ask('/robots.txt')
      expect((await site.ask('/robots.txt', { headers: { 'If-None-Match': String(headers.etag) } })).status).toBe(304)
      expect(await site.ask('/robots.txt', { headers: { Range: 'bytes=1-2' } })).toMatchObject({ status: 206, body: 'ob' })
      expect(await site.ask('/robots.txt', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    })
  })

  requires(kind.program).describe('without an index', () => {
    it('leave directories to the application', async () => {
      const site = await start(kind, {})
      expect((await site.echo('/')).at).toBe('')
      expect((await site.echo('/dir/')).at).toBe('')
      expect((await site.ask('/assets/sub/')).status).toBe(404)
      expect((await site.ask('/assets/')).status).toBe(404)
    })
  })

  requires(kind.program).describe('with listings', () => {
    it('show what is in a directory, but for hidden names', async () => {
      const site = await start(kind, { directoryListing: true, directoryIndex: 'index.html' })
      const listing = await site.ask('/empty/')
      expect(listing.status).toBe(200)
      expect(listing.body).toContain('href="x.txt"')
      expect((await site.ask('/dir/')).body).toBe('dir')
      expect((await site.ask('/assets/')).body).not.toContain('.hidden')
      expect((await site.ask('/.git/')).body).not.toContain('config')
      expect((await site.ask('/empty')).status).toBe(301)
    })
  })

  requires(kind.program).test('at the root are served where the application is mounted elsewhere', async () => {
    const site = await start(kind, { directoryIndex: 'index.html' }, ({ root }) => ({
      applications: [{ mountPoint: '/app', socketPath: `${root}/1.sock`, option: 'mount-point' }],
    }))
    expect((await site.ask('/')).body).toBe('home')
    expect((await site.ask('/none')).status).toBe(404)
    expect((await site.echo('/app/x')).at).toBe('/app')
  })

  requires(kind.program).test("leave the application's own types alone", async () => {
    const plain: Application = (_, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/html']])
      return 'caf\u00e9'
    }
    const site = await start(kind, {}, () => ({}), { '': plain })
    expect((await site.ask('/x')).headers['content-type']).toBe('text/html')
  })
})
