import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import type { Wire } from '../../../src/proxy/site.ts'
import { requires } from '../../support/requirements.ts'
import { echo, PROXIES, startSite } from './running-site.ts'
import type { AskOptions, ProxyKind, RunningSite } from './running-site.ts'

const WIRES: readonly Wire[] = ['fastcgi', 'uwsgi', 'scgi', 'http']

/** Lets in who has the right cookie, and says who it is; forbids the rest of the world by method. */
const members: Application = (environ, startResponse) => {
  if (environ.PATH_INFO !== '/auth') return echo('')(environ, startResponse)
  if (environ.HTTP_X_ORIGINAL_METHOD === 'DELETE') {
    startResponse('403 Forbidden', [])
    return 'no'
  }
  if (environ.HTTP_COOKIE !== 'session=alice') {
    startResponse('401 Unauthorized', [['WWW-Authenticate', 'Basic realm="members"']])
    return 'who are you?'
  }
  startResponse('200 OK', [
    [
      'X-Remote-User',
      `alice of ${String(environ.HTTP_X_ORIGINAL_URI)} (${environ.CONTENT_LENGTH ?? ''}${String(environ.HTTP_UPGRADE ?? '')})`,
    ],
    ['Set-Cookie', 'session=alice; renewed'],
  ])
  return ''
}

function start(kind: ProxyKind, wire: Wire = 'fastcgi'): Promise<RunningSite> {
  return startSite(
    kind,
    ({ root }) => {
      mkdirSync(`${root}/public`)
      writeFileSync(`${root}/public/secret.txt`, 'SECRET')
      writeFileSync(`${root}/public/open.txt`, 'open')
      return {
        wire,
        applications: [
          { mountPoint: '', socketPath: `${root}/1.sock`, option: 'mount-point' },
          { mountPoint: '/two', socketPath: `${root}/2.sock`, option: 'mount' },
        ],
        files: {
          documentRoot: `${root}/public`,
          aliases: [
            { url: '/files', path: `${root}/public`, kind: 'directory' },
            { url: '/assets', path: `${root}/public`, kind: 'directory' },
          ],
          directoryListing: false,
        },
        proxyMounts: [{ url: '/other', backend: 'http://127.0.0.1:9/' }],
        authentication: { url: '/auth', exempt: ['/login', '/assets', '/open.txt', '/two/open'] },
      }
    },
    { '': members },
  )
}

const ALICE: AskOptions = { headers: { Cookie: 'session=alice', 'X-Remote-User': 'root' } }

describe.each(PROXIES.filter((kind) => kind.asksApplication))('authentication by the application behind $name', (kind) => {
  requires(kind.program).describe('lets in', () => {
    it.each(WIRES)('whom the application knows, and tells who it is, over %s', async (wire) => {
      const site = await start(kind, wire)
      const answer = await site.ask('/page%20x?y=1', ALICE)
      expect(answer.headers['set-cookie']).toEqual(['session=alice; renewed'])
      const { environ } = JSON.parse(answer.body) as { environ: Record<string, string> }
      expect(environ).toMatchObject({ HTTP_X_REMOTE_USER: 'alice of /page%20x?y=1 ()', REQUEST_URI: '/page%20x?y=1' })
      if (wire !== 'http') expect(environ.REMOTE_USER).toBe('alice of /page%20x?y=1 ()')
      const posted = await site.ask('/form', { ...ALICE, method: 'POST', body: 'a=1' })
      expect(JSON.parse(posted.body)).toMatchObject({ environ: { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '3' } })
      expect((await site.ask('/secret.txt', ALICE)).body).toBe('SECRET')
      expect((await site.echo('/two/x', ALICE)).at).toBe('/two')
    })
  })

  requires(kind.program).describe('keeps out', () => {
    it.each(WIRES)('everyone else, from everything, over %s', async (wire) => {
      const site = await start(kind, wire)
      for (const path of ['/', '/secret.txt', '/files/secret.txt', '/two/x', '/other/x', '/auth', '/login/../x', '/assetsx']) {
        const { status, body, headers } = await site.ask(path, { headers: { 'X-Remote-User': 'root' } })
        expect(status, path).toBe(401)
        expect(body, path).not.toContain('SECRET')
        expect(headers['www-authenticate'], path).toBe('Basic realm="members"')
      }
      // Nobody can ask the question that the proxy asks.
      expect((await site.ask('/tsgi-auth-request', ALICE)).status).toBe(404)
      expect((await site.ask('/', { ...ALICE, method: 'DELETE' })).status).toBe(403)
      const upgrade = { headers: { Connection: 'Upgrade', Upgrade: 'websocket' } }
      expect((await site.ask('/socket', upgrade)).status).toBe(401)
      expect((await site.ask('/two/socket', upgrade)).status).toBe(401)
    })
  })

  requires(kind.program).test('asks nobody where that is not wanted', async () => {
    const site = await start(kind)
    const { environ } = await site.echo('/login?next=/', { headers: { 'X-Remote-User': 'root' } })
    expect(environ.REMOTE_USER).toBeUndefined()
    expect(environ.HTTP_X_REMOTE_USER).toBeUndefined()
    expect((await site.echo('/login/form')).at).toBe('')
    expect((await site.ask('/assets/secret.txt')).body).toBe('SECRET')
    expect((await site.ask('/open.txt')).body).toBe('open')
    expect((await site.echo('/two/open/x')).at).toBe('/two')
  })

  requires(kind.program).test('holds for other servers, by URL and by name, which learn who it is', async () => {
    const other = createServer((request, response) =>
      response.end(JSON.stringify([request.url, request.headers['x-remote-user']])),
    )
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const backend = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const site = await startSite(
      kind,
      () => ({
        proxyMounts: [
          { url: '/other', backend },
          { url: '/open', backend },
        ],
        proxyHosts: [{ host: 'other.test', backend }],
        authentication: { url: '/auth', exempt: ['/open'] },
      }),
      { '': members },
    )
    const liar = { 'X-Remote-User': 'root' }
    for (const Host of ['here.test', 'other.test']) {
      expect((await site.ask('/other/x', { headers: { ...liar, Host } })).status).toBe(401)
      const { status, body } = await site.ask('/other/x', { headers: { ...ALICE.headers, Host } })
      expect(status).toBe(200)
      expect(JSON.parse(body)).toEqual([Host === 'here.test' ? '/x' : '/other/x', expect.stringContaining('alice of /other/x')])
    }
    expect(JSON.parse((await site.ask('/open/x', { headers: liar })).body)).toEqual(['/x', null])
  })

  requires(kind.program).test('passes on the first cookie of its answer whole, however many there are', async () => {
    const cookies: Application = (environ, startResponse) => {
      if (environ.PATH_INFO !== '/auth') return echo('')(environ, startResponse)
      startResponse('200 OK', [
        ['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/'],
        ['Set-Cookie', 'b=2; Path=/'],
      ])
      return ''
    }
    const site = await startSite(kind, () => ({ authentication: { url: '/auth', exempt: [] } }), { '': cookies })
    const seen = (await site.ask('/')).headers['set-cookie']
    expect(seen?.[0]).toBe('a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/')
    if (seen?.[1] !== undefined) expect(seen[1]).toBe('b=2; Path=/')
  })

  requires(kind.program).describe('asks about the request', () => {
    it.each(WIRES)('and not for its answer, of which the client may have some, over %s', async (wire) => {
      const caching: Application = (environ, startResponse) => {
        if (environ.PATH_INFO !== '/auth') return echo('')(environ, startResponse)
        const conditional = ['HTTP_IF_NONE_MATCH', 'HTTP_IF_MODIFIED_SINCE', 'HTTP_RANGE'].some((name) => name in environ)
        startResponse(conditional ? '304 Not Modified' : '200 OK', [])
        return ''
      }
      const site = await startSite(kind, () => ({ wire, authentication: { url: '/auth', exempt: [] } }), { '': caching })
      const headers = {
        'If-None-Match': '*',
        'If-Modified-Since': 'Wed, 21 Oct 2026 07:28:00 GMT',
        Range: 'bytes=0-1',
      }
      expect((await site.echo('/x', { headers })).environ).toMatchObject({ HTTP_IF_NONE_MATCH: '*', HTTP_RANGE: 'bytes=0-1' })
    })
  })
})
