import { describe, expect, it } from 'vitest'

import type { Wire } from '../../../src/proxy/site.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'
import type { ProxyKind, RunningSite } from './running-site.ts'

const WIRES: readonly Wire[] = ['fastcgi', 'uwsgi', 'scgi', 'http']

/** Applications at the root, at /shop and below that. */
function start(kind: ProxyKind, wire: Wire): Promise<RunningSite> {
  return startSite(kind, ({ root }) => ({
    wire,
    applications: [
      { mountPoint: '', socketPath: `${root}/1.sock`, option: 'mount-point' },
      { mountPoint: '/shop', socketPath: `${root}/2.sock`, option: 'mount' },
      { mountPoint: '/shop/my admin', socketPath: `${root}/3.sock`, option: 'mount' },
    ],
  }))
}

describe.each(PROXIES)('several applications behind $name', (kind) => {
  requires(kind.program).describe('by their mount points', () => {
    it.each(WIRES)('are served over %s, the longest one that fits', async (wire) => {
      const site = await start(kind, wire)
      const at = async (path: string): Promise<string[]> => {
        const { at: where, environ } = await site.echo(path)
        return [where, environ.SCRIPT_NAME ?? '', environ.PATH_INFO ?? '']
      }
      expect(await at('/')).toEqual(['', '', '/'])
      expect(await at('/shop')).toEqual(['/shop', '/shop', ''])
      expect(await at('/shop/')).toEqual(['/shop', '/shop', '/'])
      expect(await at('/shop/cart?x=1')).toEqual(['/shop', '/shop', '/cart'])
      expect(await at('/shopping')).toEqual(['', '', '/shopping'])
      expect(await at('/shop/my%20admin/users')).toEqual(['/shop/my admin', '/shop/my admin', '/users'])
      expect(await at('/shop/my%20admins')).toEqual(['/shop', '/shop', '/my admins'])
    })
  })

  requires(kind.program).test('have nothing beside them where none is at the root', async () => {
    const site = await startSite(kind, ({ root }) => ({
      applications: [
        { mountPoint: '/a', socketPath: `${root}/1.sock`, option: 'mount-point' },
        { mountPoint: '/b', socketPath: `${root}/2.sock`, option: 'mount' },
      ],
    }))
    expect((await site.echo('/b/x')).at).toBe('/b')
    expect((await site.ask('/')).status).toBe(404)
    expect((await site.ask('/ab')).status).toBe(404)
  })
})
