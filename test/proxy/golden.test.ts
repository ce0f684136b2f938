import { describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { readConfiguration } from './nginx-reader.ts'
import { nginxTest, withServerRoot } from './nginx-test.ts'
import { BUILDS, fullSite, makeFiles, NGINX_BUILD, nginxText, OPTION_SETS, siteIn } from './sites.ts'
import { testedBuild } from './tested-nginx.ts'

describe("nginx's configuration", () => {
  for (const [name, changes] of Object.entries(OPTION_SETS)) {
    it(`for ${name} is the reviewed text`, async () => {
      await expect(nginxText(siteIn('/tmp/tsgi-1a2b3c', changes), BUILDS[name])).toMatchFileSnapshot(`golden/${name}.conf`)
    })
  }

  it.each(['fastcgi', 'uwsgi', 'scgi', 'http'] as const)(
    'for a site with everything over %s is the reviewed text',
    async (wire) => {
      await expect(nginxText(fullSite('/srv/site', wire))).toMatchFileSnapshot(`golden/everything-${wire}.conf`)
    },
  )

  it('for a site with everything in front of a newer nginx is the reviewed text', async () => {
    const build = { ...NGINX_BUILD, version: '1.26.3' }
    await expect(nginxText(fullSite('/srv/site', 'fastcgi'), build)).toMatchFileSnapshot('golden/everything-nginx-1.26.conf')
  })

  it.each([
    ['1.25.0', true],
    ['1.25.1', false],
    ['1.26.3', false],
  ])('has HTTP/2 as nginx %s wants it', (version, inListen) => {
    const text = nginxText(fullSite('/srv/site', 'http'), { ...NGINX_BUILD, version })
    expect(/listen .* http2/.test(text)).toBe(inListen)
    expect(/^ *http2 on;/m.test(text)).toBe(!inListen)
  })

  it.each([
    ['http_ssl_module', 'https-port'],
    ['http_v2_module', 'http2'],
    ['http_realip_module', 'trust-proxy'],
    ['http_auth_request_module', 'auth-url'],
  ])('is refused for a build without %s, with the option that wants it: --%s', (module, option) => {
    const build = { ...NGINX_BUILD, with: new Set([...NGINX_BUILD.with].filter((each) => each !== module)) }
    expect(() => nginxText(fullSite('/srv/site', 'fastcgi'), build)).toThrow(
      expect.objectContaining({ code: 'TSGI_ERR_PROXY_CONFIG', message: expect.stringContaining(`${module} (--${option})`) }),
    )
    expect(nginxText(siteIn('/srv'), { ...NGINX_BUILD, with: new Set() })).toContain('listen')
  })

  it('asks for nothing that the build leaves out', () => {
    const text = nginxText(siteIn('/srv', OPTION_SETS['uwsgi-small-build']), BUILDS['uwsgi-small-build'])
    expect(text).not.toMatch(/scgi_temp|fastcgi/)
  })

  it('is refused for a build that lacks the wire', () => {
    const build = { ...NGINX_BUILD, without: new Set(['http_uwsgi_module']) }
    expect(() => nginxText(siteIn('/srv'), build)).toThrow(
      expect.objectContaining({ code: 'TSGI_ERR_PROXY_CONFIG', message: expect.stringContaining('http_uwsgi_module') }),
    )
  })

  it('names the option that caused a line', () => {
    const text = nginxText(siteIn('/srv', { mountPoint: '/x' }))
    expect(text).toMatch(/listen 127\.0\.0\.1:8000; {2}# --port\n/)
    expect(text).toMatch(/client_max_body_size 10485760; {2}# --limit-request-body\n/)
    expect(text).toMatch(/location "\/x\/" \{ {2}# --mount-point\n/)
  })

  it('serves the mount point and answers 404 beside it', () => {
    const server = readConfiguration(nginxText(siteIn('/srv', { mountPoint: '/x' })))
      .find(({ args }) => args[0] === 'http')
      ?.block?.find(({ args }) => args[0] === 'server')
    const locations = server?.block?.filter(({ args }) => args[0] === 'location' && args[1]?.startsWith('@') !== true)
    expect(locations?.map(({ args }) => args.slice(1))).toEqual([['=', '/x'], ['/x/'], ['/']])
    expect(locations?.at(-1)?.block).toEqual([{ args: ['return', '404'] }])
  })

  it.each(['localhost', '127.0.0.1%eth0', '1.2.3.4;', 'fe80::1%eth0', ''])('cannot listen on %j', (host) => {
    expect(() => nginxText(siteIn('/srv', { listen: [{ host, port: 80 }] }))).toThrow(
      expect.objectContaining({ code: 'TSGI_ERR_OPTION' }),
    )
  })

  it.each(['~.*', '*.example.com', '$hostname', 'a b', 'a;b', '', '[::1', '[x]'])('has no server named %j', (serverName) => {
    expect(() => nginxText(siteIn('/srv', { serverName }))).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
  })
})

requires('nginx', 'openssl').describe('nginx -t', () => {
  it.each(['fastcgi', 'uwsgi', 'scgi', 'http'] as const)('takes a site with everything over %s', async (wire) => {
    await withServerRoot('root', (directory) => {
      makeFiles(directory)
      const { ok, output } = nginxTest(directory, nginxText(fullSite(directory, wire), testedBuild()))
      expect(output).not.toMatch(/\[(?:warn|error|emerg)\](?!.*open file resource limit)/)
      expect(ok).toBe(true)
    })
  })

  for (const [name, changes] of Object.entries(OPTION_SETS)) {
    it(`takes ${name}`, async () => {
      await withServerRoot('root', (directory) => {
        // Account and small port need root; both are words that nginx looks up.
        const { runAs: _, ...unprivileged } = changes
        const listen = (changes.listen ?? [{ host: '127.0.0.1', port: 8000 }]).map((address) => ({ ...address, port: 8000 }))
        const { ok, output } = nginxTest(
          directory,
          nginxText(siteIn(directory, { ...unprivileged, listen }), BUILDS[name] ?? testedBuild()),
        )
        expect(output).not.toMatch(/\[(?:warn|error|emerg)\](?!.*open file resource limit)/)
        expect(ok).toBe(true)
      })
    })
  }
})
