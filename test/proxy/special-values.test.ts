import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { NGINX_ALONE, startSite } from './behaviour/running-site.ts'
import { fullSite, nginxText } from './sites.ts'
import type { SiteChanges } from './sites.ts'

const FILES = { aliases: [], directoryListing: false } as const

/** Values that stay one argument, but that nginx takes for something else than a value. */
const REFUSED: Readonly<Record<string, SiteChanges>> = {
  'a file of networks': { trust: { networks: ['include'], header: 'X-Forwarded-For' } },
  'all unix sockets': { trust: { networks: ['unix:'], header: 'X-Forwarded-For' } },
  'a name to look up': { trust: { networks: ['proxy.example.test'], header: 'X-Forwarded-For' } },
  'another protocol': { trust: { networks: ['10.0.0.1'], header: 'proxy_protocol' } },
  'a header that is dropped': { trust: { networks: ['10.0.0.1'], header: 'X_Real_IP' } },
  'a regular expression': { files: { ...FILES, aliases: [{ url: '~ .*', path: '/srv/x', kind: 'directory' }] } },
  'a relative alias': { files: { ...FILES, aliases: [{ url: '/x', path: 'x', kind: 'directory' }] } },
  'a relative root': { files: { ...FILES, documentRoot: 'html' } },
  'an index elsewhere': { files: { ...FILES, documentRoot: '/srv', directoryIndex: '../secret' } },
  'a named location': { errorDocuments: [{ code: 404, url: '@tsgi_application' }] },
  'another site': { errorDocuments: [{ code: 404, url: 'http://example.test/' }] },
  'no error': { errorDocuments: [{ code: 200, url: '/errors/x' }] },
  'a certificate of an engine': {
    tls: {
      listen: [],
      certificateFile: 'engine:x',
      keyFile: '/k',
      http2: false,
      only: false,
      environment: false,
    },
  },
  'a pattern': { proxyMounts: [{ url: '~x', backend: 'http://127.0.0.1:1/' }] },
  'a socket as a server': { proxyMounts: [{ url: '/x', backend: 'http://unix:/run/docker.sock' }] },
  'a server of variables': { proxyMounts: [{ url: '/x', backend: 'http://$host/' }] },
  'no server': { proxyMounts: [{ url: '/x', backend: 'http://' }] },
  'a safe server that nobody checks': { proxyHosts: [{ host: 'a.test', backend: 'https://127.0.0.1/' }] },
  'a question elsewhere': { authentication: { url: 'http://x/', exempt: [] } },
  'an exemption of everything by a pattern': { authentication: { url: '/auth', exempt: ['~ .'] } },
}

describe('a value with a meaning of its own for nginx', () => {
  it.each(Object.entries(REFUSED))('is refused: %s', (_, changes) => {
    expect(() => nginxText(fullSite('/srv/site', 'fastcgi', changes))).toThrow(
      expect.objectContaining({ code: 'TSGI_ERR_OPTION', message: expect.stringMatching(/--[a-z-]+: /) }),
    )
  })
})

describe.each(NGINX_ALONE)('odd names behind $name', (kind) => {
  requires(kind.program).test('name what they say and nothing else', async () => {
    const odd = 'a [b] {c} $d "e" *;?#'
    const site = await startSite(kind, ({ root }) => {
      const folder = `${root}/${odd}`
      mkdirSync(folder)
      writeFileSync(`${folder}/x.txt`, 'found')
      writeFileSync(`${folder}/mine.conf`, kind.rule)
      return {
        files: { aliases: [{ url: `/${odd}`, path: folder, kind: 'directory' }], directoryListing: false },
        includeFiles: [`${folder}/mine.conf`],
      }
    })
    expect((await site.ask(`/${encodeURIComponent(odd)}/x.txt`)).body).toBe('found')
    expect((await site.ask('/')).headers['x-mine']).toBe('yes')
  })
})
