import { describe, expect, it } from 'vitest'

import { makeCertificate } from '../../support/certificates.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'
import type { Hosts } from '../../../src/proxy/site.ts'

const HOSTS: Hosts = { names: ['www.example.test', '*.apps.example.test'], redirected: 'example.test', localhost: false }

const to = (host: string) => ({ headers: { Host: host } })

describe.each(PROXIES)('names behind $name', (kind) => {
  requires(kind.program).describe('where some are given', () => {
    it('are served, with any port and in any case, and no others', async () => {
      const site = await startSite(kind, () => ({ serverName: 'www.example.test', hosts: HOSTS }))
      expect((await site.echo('/', to('www.example.test'))).environ.SERVER_NAME).toBe('www.example.test')
      expect((await site.ask('/', to('WWW.Example.TEST:1234'))).status).toBe(200)
      expect((await site.ask('/', to('one.apps.example.test'))).status).toBe(200)
      for (const host of [
        'other.test',
        'apps.example.test',
        'localhost',
        `127.0.0.1:${site.port}`,
        'www.example.test.evil.test',
      ]) {
        expect((await site.ask('/', to(host))).status, host).toBe(421)
      }
    })

    it('lead from the name without www. to the one with it', async () => {
      const site = await startSite(kind, () => ({ serverName: 'www.example.test', hosts: HOSTS }))
      expect(await site.ask('/a%20b?x=1', to('example.test'))).toMatchObject({
        status: 301,
        headers: { location: `http://www.example.test:${site.port}/a%20b?x=1` },
      })
    })

    it('have this machine among them where that is wanted', async () => {
      const site = await startSite(kind, () => ({ serverName: 'www.example.test', hosts: { ...HOSTS, localhost: true } }))
      for (const host of ['localhost', `127.0.0.1:${site.port}`, '[::1]:80'])
        expect((await site.ask('/', to(host))).status, host).toBe(200)
      expect((await site.ask('/', to('other.test'))).status).toBe(421)
    })
  })

  requires(kind.program, 'openssl').test('hold for HTTPS, too', async () => {
    const site = await startSite(kind, ({ root, httpsPort }) => {
      const { certificate, key } = makeCertificate(root, 'server', { name: 'www.example.test' })
      return {
        serverName: 'www.example.test',
        hosts: HOSTS,
        tls: {
          listen: [{ host: '127.0.0.1', port: httpsPort }],
          certificateFile: certificate,
          keyFile: key,
          http2: true,
          only: false,
          hstsPolicy: 'max-age=60; includeSubDomains; preload',
          environment: false,
        },
      }
    })
    const secure = (host: string) => ({ ...to(host), secure: true, tls: { servername: host } })
    expect((await site.ask('/', secure('www.example.test'))).status).toBe(200)
    expect((await site.ask('/', secure('other.test'))).status).toBe(421)
    const redirect = await site.ask('/x', secure('example.test'))
    expect(redirect.headers.location).toBe(`https://www.example.test:${site.httpsPort}/x`)
    expect(redirect.headers['strict-transport-security']).toBe('max-age=60; includeSubDomains; preload')
    expect((await site.ask('/x', to('example.test'))).headers).not.toHaveProperty('strict-transport-security')
  })

  requires(kind.program).test('lead to our own port whoever comes by no trusted proxy', async () => {
    const locationWith = async (network: string): Promise<unknown> => {
      const trust = { networks: [network], header: 'X-Forwarded-For' }
      const site = await startSite(kind, () => ({ serverName: 'www.example.test', hosts: HOSTS, trust }))
      const { headers } = await site.ask('/x?y', to('example.test'))
      return headers.location?.replace(String(site.port), 'PORT')
    }
    expect(await locationWith('10.0.0.0/8')).toBe('http://www.example.test:PORT/x?y')
    expect(await locationWith('127.0.0.0/8')).toBe('http://www.example.test/x?y')
  })

  requires(kind.program).test('are all served where none is given', async () => {
    const site = await startSite(kind, () => ({}))
    expect((await site.ask('/', to('anything.test'))).status).toBe(200)
  })
})
