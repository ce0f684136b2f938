import { describe, expect, it } from 'vitest'

import type { Wire } from '../../../src/proxy/site.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'
import type { RunningSite } from './running-site.ts'

const WIRES: readonly Wire[] = ['fastcgi', 'uwsgi', 'scgi', 'http']

/** What a load balancer says of a client that came to it by HTTPS. */
const TOLD = {
  Host: 'inner.test:8000',
  'X-Forwarded-For': '6.6.6.6, 203.0.113.9, 10.1.2.3',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'shop.example.test',
  'X-Forwarded-Port': '443',
}

describe.each(PROXIES)('proxies in front of $name', (kind) => {
  requires(kind.program).describe('that are trusted', () => {
    it.each(WIRES)('say who their client is, over %s', async (wire) => {
      const site = await startSite(kind, () => ({
        wire,
        trust: { networks: ['127.0.0.0/8', '10.0.0.0/8', 'fd00::/8'], header: 'X-Forwarded-For' },
      }))
      const { environ } = await site.echo('/x', { headers: TOLD })
      expect(environ).toMatchObject({
        // The last one that is not a trusted proxy: what is before it, the client may have made up.
        REMOTE_ADDR: '203.0.113.9',
        'tsgi.url_scheme': 'https',
        HTTP_HOST: 'shop.example.test',
        // Apache tells its own port over uwsgi and SCGI.
        ...(kind.name === 'Apache' && (wire === 'uwsgi' || wire === 'scgi') ? {} : { SERVER_PORT: '443' }),
        HTTP_X_FORWARDED_FOR: '203.0.113.9',
        HTTP_X_FORWARDED_PROTO: 'https',
        HTTP_X_FORWARDED_HOST: 'shop.example.test',
        HTTP_X_FORWARDED_PORT: '443',
      })
      const plain = (await site.echo('/x', { headers: { Host: 'inner.test:8000' } })).environ
      expect(plain).toMatchObject({ REMOTE_ADDR: '127.0.0.1', 'tsgi.url_scheme': 'http', HTTP_HOST: 'inner.test:8000' })
      expect(plain.HTTPS).toBeUndefined()
    })

    it('may leave the port to the scheme', async () => {
      const site = await startSite(kind, () => ({ trust: { networks: ['127.0.0.1'], header: 'X-Forwarded-For' } }))
      const { environ } = await site.echo('/', { headers: { 'X-Forwarded-Proto': 'https' } })
      expect(environ).toMatchObject({ SERVER_PORT: '443', HTTPS: 'on', REMOTE_ADDR: '127.0.0.1' })
    })

    it.each([
      ['203.0.113.9:5678', '203.0.113.9'],
      ['6.6.6.6:1, 203.0.113.9:5678, 10.1.2.3:443', '203.0.113.9'],
      ['[2001:db8::7]:443', '2001:db8::7'],
    ])('may say the port of their client, too: %s', async (told, address) => {
      const site = await startSite(kind, () => ({ trust: { networks: ['127.0.0.1', '10.0.0.0/8'], header: 'X-Forwarded-For' } }))
      expect((await site.echo('/', { headers: { 'X-Forwarded-For': told } })).environ.REMOTE_ADDR).toBe(address)
    })

    it('say a host, or nothing that begins like one', async () => {
      const site = await startSite(kind, () => ({ trust: { networks: ['127.0.0.1'], header: 'X-Forwarded-For' } }))
      const hostOf = async (told: string): Promise<unknown> =>
        (await site.echo('/', { headers: { Host: 'inner.test', 'X-Forwarded-Host': told } })).environ.HTTP_HOST
      expect(await hostOf('shop.test, other.test')).toBe('shop.test')
      for (const told of ['shop.test/x', 'shop.test@evil.test', 'shop.test"']) expect(await hostOf(told), told).toBe('inner.test')
    })

    it('may use another header', async () => {
      const site = await startSite(kind, () => ({ trust: { networks: ['127.0.0.1'], header: 'CF-Connecting-IP' } }))
      const { environ } = await site.echo('/', { headers: { 'CF-Connecting-IP': '203.0.113.7', 'X-Forwarded-For': '6.6.6.6' } })
      expect(environ.REMOTE_ADDR).toBe('203.0.113.7')
    })
  })

  requires(kind.program).describe('that are not', () => {
    it.each(WIRES)('are not believed, over %s', async (wire) => {
      for (const trust of [undefined, { networks: ['10.0.0.0/8'], header: 'X-Forwarded-For' }]) {
        const site = await startSite(kind, () => ({ wire, ...(trust === undefined ? {} : { trust }) }))
        const { environ } = await site.echo('/x', { headers: { ...TOLD, Forwarded: 'for=6.6.6.6;proto=https' } })
        expect(environ).toMatchObject({
          REMOTE_ADDR: '127.0.0.1',
          'tsgi.url_scheme': 'http',
          HTTP_HOST: 'inner.test:8000',
          SERVER_PORT: String(site.port),
          HTTP_X_FORWARDED_FOR: '127.0.0.1',
          HTTP_X_FORWARDED_PROTO: 'http',
          HTTP_X_FORWARDED_HOST: 'inner.test:8000',
          HTTP_X_FORWARDED_PORT: String(site.port),
        })
        expect(environ.HTTPS).toBeUndefined()
        expect(environ.HTTP_FORWARDED).toBeUndefined()
      }
    })
  })

  requires(kind.program, 'openssl').describe('where HTTPS is a must', () => {
    const start = (networks: readonly string[]): Promise<RunningSite> =>
      startSite(kind, ({ root, httpsPort }) => {
        const { certificate, key } = makeCertificate(root, 'server', { name: 'localhost' })
        return {
          trust: { networks, header: 'X-Forwarded-For' },
          tls: {
            listen: [{ host: '127.0.0.1', port: httpsPort }],
            certificateFile: certificate,
            keyFile: key,
            http2: false,
            only: true,
            hstsPolicy: 'max-age=60',
            environment: false,
          },
        }
      })
    const https = { 'X-Forwarded-Proto': 'https', Host: 'inner.test' }
    const http = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'shop.example.test:8080', Host: 'inner.test:81' }

    it('say whether their client came by it, and by which name', async () => {
      const site = await start(['127.0.0.1'])
      const served = await site.ask('/', { headers: https })
      expect(served.status).toBe(200)
      expect(served.headers['strict-transport-security']).toBe('max-age=60')
      if (kind.program !== 'nginx') return
      for (const secure of [false, true]) {
        expect(await site.ask('/a%2Fb?x=1', { headers: http, secure })).toMatchObject({
          status: 301,
          headers: { location: 'https://shop.example.test/a%2Fb?x=1' },
        })
      }
      const { 'X-Forwarded-Host': _, ...unnamed } = http
      expect((await site.ask('/x', { headers: unnamed })).headers.location).toBe('https://inner.test/x')
    })

    it('are not believed when they are strangers', async () => {
      const site = await start(['10.0.0.0/8'])
      const direct = await site.ask('/', { headers: https })
      expect(direct).toMatchObject({ status: 301, headers: { location: `https://inner.test:${site.httpsPort}/` } })
      expect(direct.headers['strict-transport-security']).toBeUndefined()
      expect((await site.ask('/', { headers: http })).headers.location).toBe(`https://inner.test:${site.httpsPort}/`)
      expect((await site.ask('/', { headers: http, secure: true })).status).toBe(200)
    })
  })
})
