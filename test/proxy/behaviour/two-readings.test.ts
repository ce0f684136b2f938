import { describe, expect, it } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import type { Wire } from '../../../src/proxy/site.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { requires } from '../../support/requirements.ts'
import { echo, PROXIES, startSite } from './running-site.ts'

const WIRES: readonly Wire[] = ['fastcgi', 'uwsgi', 'scgi', 'http']

/** Lets nobody in. */
const nobody: Application = (environ, startResponse) => {
  if (environ.PATH_INFO !== '/auth') return echo('')(environ, startResponse)
  startResponse('401 Unauthorized', [])
  return ''
}

/** Proxies resolve these to a path below /open; applications, which see what the client sent, may read one below /secret. */
const TO_OPEN = [
  '/secret/../open/x',
  '/secret/%2e%2e/open/x',
  '/secret/.%2E/open/x',
  '/secret/..%2fopen/x',
  '/secret%2f..%2fopen/x',
  '/secret/./../open/x',
  '/open/x/../../secret/../open',
  '/open/..\\secret',
  '/open\\..\\secret',
]

/** The other way round: a proxy reads a path beside /secret, and a URL parser one below it. */
const BESIDE_SECRET = [...TO_OPEN, '/secret\\x', '/x/..\\secret/x', '/open/..\\..\\secret/x', '/secret/x/../../open?x=/../']

describe.each(PROXIES.filter(({ asksApplication }) => asksApplication))(
  'paths that can be read in two ways, behind $name',
  (kind) => {
    requires(kind.program).describe('where the application is asked who may come in', () => {
      it.each(WIRES)('lead nobody past the question, over %s', async (wire) => {
        const site = await startSite(kind, () => ({ wire, authentication: { url: '/auth', exempt: ['/open'] } }), { '': nobody })
        for (const path of TO_OPEN) expect((await site.ask(path)).status, path).toBeOneOf([400, 401, 403, 404])
        expect((await site.echo('/open/x?next=/secret/../x')).environ.PATH_INFO).toBe('/open/x')
        expect((await site.echo('/open/...x/y..z/.well-known')).environ.PATH_INFO).toBe('/open/...x/y..z/.well-known')
      })

      it('nor below a mount point that is exempt', async () => {
        const site = await startSite(
          kind,
          ({ root }) => ({
            applications: [
              { mountPoint: '', socketPath: `${root}/1.sock`, option: 'mount-point' },
              { mountPoint: '/shop', socketPath: `${root}/2.sock`, option: 'mount' },
            ],
            authentication: { url: '/auth', exempt: ['/shop/open', '/shop/open/all'] },
          }),
          { '': nobody },
        )
        expect((await site.ask('/shop/secret/../open/x')).status).toBeOneOf([400, 401, 403, 404])
        expect((await site.echo('/shop/open/x')).at).toBe('/shop')
      })
    })
  },
)

describe.each(PROXIES)('paths that can be read in two ways, behind $name', (kind) => {
  requires(kind.program, 'openssl').test('lead nobody past the demand for a certificate', async () => {
    const site = await startSite(kind, ({ root, httpsPort }) => {
      const { certificate, key } = makeCertificate(root, 'server', { name: 'localhost' })
      makeCertificate(root, 'ca', { name: 'Authority', authority: true })
      return {
        tls: {
          listen: [{ host: '127.0.0.1', port: httpsPort }],
          certificateFile: certificate,
          keyFile: key,
          http2: false,
          only: false,
          environment: false,
          clients: { caFile: `${root}/ca.pem`, urls: ['/secret'] },
        },
      }
    })
    for (const path of BESIDE_SECRET) expect((await site.ask(path, { secure: true })).status, path).toBeOneOf([400, 403, 404])
    expect((await site.echo('/open/x?next=/secret/../x', { secure: true })).environ.PATH_INFO).toBe('/open/x')
  })
})
