import { describe, expect, it } from 'vitest'

import type { Site, Wire } from '../../src/proxy/site.ts'
import { APACHE_BUILD } from '../support/apache-answers.ts'
import { requires } from '../support/requirements.ts'
import { readConfiguration } from './apache-reader.ts'
import { apacheTest, apacheText, installedApacheText } from './apache-test.ts'
import { withServerRoot } from './nginx-test.ts'
import { fullSite, makeFiles, OPTION_SETS, siteIn } from './sites.ts'

/** nginx alone has a small build. */
const SETS = Object.entries(OPTION_SETS).filter(([name]) => name !== 'uwsgi-small-build')
const WIRES = ['fastcgi', 'uwsgi', 'scgi', 'http'] as const

/** Everything but what Apache cannot do. */
function everything(directory: string, wire: Wire): Site {
  const { authentication: _, ...site } = fullSite(directory, wire)
  return wire === 'scgi' ? { ...site, errorOverride: false } : site
}

const refused = (code: string, text: string): unknown => expect.objectContaining({ code, message: expect.stringContaining(text) })

describe("Apache's configuration", () => {
  it.each(SETS)('for %s is the reviewed text', async (name, changes) => {
    const site = siteIn('/tmp/tsgi-1a2b3c', { pidPath: '/tmp/tsgi-1a2b3c/httpd.pid', ...changes })
    await expect(apacheText(site)).toMatchFileSnapshot(`golden/apache-${name}.conf`)
  })

  it.each(WIRES)('for a site with everything over %s is the reviewed text', async (wire) => {
    await expect(apacheText(everything('/srv/site', wire))).toMatchFileSnapshot(`golden/apache-everything-${wire}.conf`)
  })

  it('loads what it needs and what is not built in', () => {
    const loaded = readConfiguration(apacheText(siteIn('/srv'))).filter(({ name }) => name === 'LoadModule')
    const names = loaded.map(({ args }) => args[0])
    expect(names).toContain('proxy_fcgi_module')
    expect(names).not.toContain('proxy_uwsgi_module')
    expect(names).not.toContain('unixd_module')
    expect(names).not.toContain('ssl_module')
  })

  it('is refused where a module is missing, with the package that has it', () => {
    const modules = new Set([...APACHE_BUILD.modules].filter((name) => name !== 'proxy_uwsgi'))
    expect(() => apacheText(siteIn('/srv', { wire: 'uwsgi' }), { ...APACHE_BUILD, modules })).toThrow(
      refused('TSGI_ERR_PROXY_CONFIG', 'libapache2-mod-proxy-uwsgi'),
    )
    expect(() => apacheText(siteIn('/srv'), { ...APACHE_BUILD, modules })).not.toThrow()
  })

  it('is refused for an Apache that is too old for upgrades', () => {
    expect(() => apacheText(siteIn('/srv'), { ...APACHE_BUILD, version: '2.4.46' })).toThrow(
      refused('TSGI_ERR_PROXY_CONFIG', '2.4.47 or later'),
    )
  })

  it('listens on every address of IPv4, too, where a socket of IPv6 does not', () => {
    const listen = (mapsIpv4: boolean): (string | undefined)[] =>
      readConfiguration(apacheText(siteIn('/srv', { listen: [{ host: '::', port: 80 }] }), { ...APACHE_BUILD, mapsIpv4 }))
        .filter(({ name }) => name === 'Listen')
        .map(({ args }) => args[0])
    expect(listen(true)).toEqual(['[::]:80'])
    expect(listen(false)).toEqual(['[::]:80', '0.0.0.0:80'])
  })

  it.each<[string, Parameters<typeof siteIn>[1], string]>([
    ['JSON lines', { logs: { access: { file: '/x' }, accessFormat: 'json', error: 'terminal', level: 'warn' } }, 'no JSON'],
    [
      'seconds with a fraction',
      { logs: { access: { file: '/x' }, accessFormat: '%(L)s', error: 'terminal', level: 'warn' } },
      '%(L)s',
    ],
    ['errors of the application over SCGI to be covered', { wire: 'scgi', errorOverride: true }, '--error-override'],
    ['authentication by the application', { authentication: { url: '/auth', exempt: [] } }, '--auth-url'],
    ['backends by HTTPS', { proxyMounts: [{ url: '/x', backend: 'https://127.0.0.1/' }] }, 'http://'],
  ])('refuses %s, and says why', (_, changes, reason) => {
    expect(() => apacheText(siteIn('/srv', changes))).toThrow(refused('TSGI_ERR_OPTION', reason))
  })

  it.each(['localhost', '127.0.0.1%eth0', '1.2.3.4;', 'fe80::1%eth0', ''])('cannot listen on %j', (host) => {
    expect(() => apacheText(siteIn('/srv', { listen: [{ host, port: 80 }] }))).toThrow(refused('TSGI_ERR_OPTION', '--host'))
  })
})

requires('apache2', 'openssl').describe('apache2 -t', () => {
  it.each(WIRES)('takes a site with everything over %s', async (wire) => {
    await withServerRoot('root', (directory) => {
      makeFiles(directory)
      expect(apacheTest(directory, installedApacheText(everything(directory, wire))).output).toBe('Syntax OK\n')
    })
  })

  it.each(SETS)('takes %s', async (_name, changes) => {
    await withServerRoot('root', (directory) => {
      expect(apacheTest(directory, installedApacheText(siteIn(directory, changes))).output).toBe('Syntax OK\n')
    })
  })
})
