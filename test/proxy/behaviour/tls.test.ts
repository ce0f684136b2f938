import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import type { SecureVersion } from 'node:tls'
import { describe, expect, it } from 'vitest'

import type { Tls } from '../../../src/proxy/site.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'
import type { AskOptions, Place, ProxyKind } from './running-site.ts'
import type { SiteChanges } from '../sites.ts'

const SECURE: AskOptions = { secure: true }

async function start(kind: ProxyKind, tls: Partial<Tls> = {}, more: (place: Place) => SiteChanges = () => ({})) {
  let client: AskOptions = SECURE
  let stranger: AskOptions = SECURE
  const site = await startSite(kind, (place) => {
    const { root, httpsPort } = place
    const server = makeCertificate(root, 'server', { name: 'localhost' })
    if (tls.clients !== undefined) {
      const authority = makeCertificate(root, 'ca', { name: 'Authority', authority: true })
      const other = makeCertificate(root, 'other-ca', { name: 'Somebody', authority: true })
      client = withCertificate(makeCertificate(root, 'alice', { name: 'alice', by: authority }))
      stranger = withCertificate(makeCertificate(root, 'mallory', { name: 'mallory', by: other }))
    }
    return {
      ...more(place),
      tls: {
        listen: [{ host: '127.0.0.1', port: httpsPort }],
        certificateFile: server.certificate,
        keyFile: server.key,
        http2: true,
        only: false,
        environment: false,
        ...tls,
        ...(tls.clients === undefined ? {} : { clients: { ...tls.clients, caFile: `${root}/ca.pem` } }),
      },
    }
  })
  return { ...site, client, stranger }
}

function withCertificate({ certificate, key }: { certificate: string; key: string }): AskOptions {
  return { secure: true, tls: { cert: readFileSync(certificate), key: readFileSync(key) } }
}

/** What a client that speaks this version alone agrees on. */
function handshake(port: number, version: SecureVersion): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls(
      // Node's own lowest security level: the server is to refuse, not the client.
      {
        port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      },
      () => {
        resolve(socket.getProtocol() ?? '')
        socket.destroy()
      },
    )
    socket.on('error', (error: Error) => resolve(`refused: ${error.message}`))
  })
}

function http2Get(port: number, path: string): Promise<{ status: number; body: string; hsts: string }> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    session.on('error', reject)
    const stream = session.request({ ':path': path, ':authority': 'localhost:1234', cookie: 'a=1; b=2' })
    let status = 0
    let hsts = ''
    let body = ''
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0
      hsts = String(headers['strict-transport-security'])
    })
    stream.setEncoding('utf8').on('data', (text: string) => (body += text))
    stream.on('error', reject)
    stream.on('end', () => {
      resolve({ status, body, hsts })
      session.close()
    })
    stream.end()
  })
}

describe.each(PROXIES)('HTTPS behind $name', (kind) => {
  requires(kind.program, 'openssl').describe('with a certificate', () => {
    it('is TLS 1.2 and 1.3 and nothing older', async () => {
      const { httpsPort } = await start(kind)
      expect(await handshake(httpsPort, 'TLSv1.3')).toBe('TLSv1.3')
      expect(await handshake(httpsPort, 'TLSv1.2')).toBe('TLSv1.2')
      expect(await handshake(httpsPort, 'TLSv1.1')).toMatch(/^refused/)
      expect(await handshake(httpsPort, 'TLSv1')).toMatch(/^refused/)
      const said = execFileSync(
        'sh',
        ['-c', `openssl s_client -connect 127.0.0.1:${httpsPort} -alpn h2,http/1.1 </dev/null 2>/dev/null`],
        {
          encoding: 'utf8',
        },
      )
      expect(said).toContain('ALPN protocol: h2')
      expect(said).toContain('TLSv1.3')
    })

    it('tells the application, beside plain HTTP', async () => {
      const site = await start(kind)
      const { port, httpsPort } = site
      expect((await site.echo('/', SECURE)).environ).toMatchObject({
        'tsgi.url_scheme': 'https',
        HTTPS: 'on',
        SERVER_PORT: String(httpsPort),
        HTTP_X_FORWARDED_PROTO: 'https',
      })
      const plain = (await site.echo('/')).environ
      expect(plain).toMatchObject({ 'tsgi.url_scheme': 'http', SERVER_PORT: String(port), HTTP_X_FORWARDED_PROTO: 'http' })
      expect(plain.HTTPS).toBeUndefined()
    })

    it.each(['fastcgi', 'uwsgi', 'scgi', 'http'] as const)(
      'speaks HTTP/2, with the name that the client asks for, over %s',
      async (wire) => {
        const { httpsPort } = await start(kind, { hstsPolicy: 'max-age=60' }, () => ({ wire }))
        const { status, body, hsts } = await http2Get(httpsPort, '/caf%C3%A9?x=1')
        expect(status).toBe(200)
        expect(hsts).toBe('max-age=60')
        const { environ } = JSON.parse(body) as { environ: Record<string, string> }
        expect(environ).toMatchObject({ HTTP_HOST: 'localhost:1234', REQUEST_URI: '/caf%C3%A9?x=1', HTTP_COOKIE: 'a=1; b=2' })
      },
    )

    it('speaks HTTP/1.1 alone where that is wanted', async () => {
      const { httpsPort } = await start(kind, { http2: false })
      const said = execFileSync(
        'sh',
        ['-c', `openssl s_client -connect 127.0.0.1:${httpsPort} -alpn h2,http/1.1 </dev/null 2>/dev/null`],
        {
          encoding: 'utf8',
        },
      )
      expect(said).not.toContain('ALPN protocol: h2')
    })
  })

  requires(kind.program, 'openssl').describe('where it is a must', () => {
    it('redirects, and has browsers remember it, errors included', async () => {
      const site = await start(kind, { only: true, hstsPolicy: 'max-age=31536000' })
      const redirect = await site.ask('/a%2Fb?x=1', { headers: { Host: 'localhost:80' } })
      expect(redirect).toMatchObject({
        status: 301,
        headers: { location: `https://localhost:${site.httpsPort}/a%2Fb?x=1` },
      })
      expect(redirect.headers['strict-transport-security']).toBeUndefined()
      // A form is not turned into a page.
      expect((await site.ask('/form', { method: 'POST', body: 'a=1' })).status).toBe(308)
      expect((await site.ask('/', { method: 'HEAD' })).status).toBe(301)
      expect((await site.ask('/', SECURE)).headers['strict-transport-security']).toBe('max-age=31536000')
      const tooLarge = await site
        .ask('/', { ...SECURE, method: 'POST', body: 'x'.repeat(11 * 1024 * 1024) })
        .catch(() => undefined)
      if (tooLarge !== undefined)
        expect(tooLarge).toMatchObject({ status: 413, headers: { 'strict-transport-security': 'max-age=31536000' } })
    })
  })

  requires(kind.program, 'openssl').describe('with certificates of clients', () => {
    it('lets nobody in without one', async () => {
      const site = await start(kind, { clients: { caFile: '', urls: [] } })
      expect((await site.ask('/', site.client)).status).toBe(200)
      expect((await site.ask('/', SECURE)).status).toBe(403)
      expect((await site.ask('/')).status).toBe(403)
      const stranger = await site.ask('/', site.stranger).then(
        ({ status }) => status,
        () => 'refused',
      )
      expect([400, 403, 'refused']).toContain(stranger)
    })

    it('lets nobody in below a URL', async () => {
      const site = await start(kind, { clients: { caFile: '', urls: ['/inside/'] } })
      expect((await site.ask('/', SECURE)).status).toBe(200)
      expect((await site.ask('/insider', SECURE)).status).toBe(200)
      for (const path of ['/inside', '/inside/', '/inside/x', '/%69nside/x', '//inside/x', '/x/../inside/y']) {
        expect((await site.ask(path, SECURE)).status, path).toBe(403)
        expect((await site.ask(path)).status, path).toBe(403)
        expect((await site.ask(path, site.client)).status, path).toBe(200)
      }
    })

    it.each(['fastcgi', 'uwsgi', 'scgi'] as const)('tells the application who it is, over %s', async (wire) => {
      const site = await start(kind, { clients: { caFile: '', urls: ['/inside'] }, environment: true }, () => ({ wire }))
      const { environ } = await site.echo('/inside', site.client)
      expect(environ).toMatchObject({ SSL_CLIENT_VERIFY: 'SUCCESS', SSL_PROTOCOL: 'TLSv1.3' })
      expect(environ.SSL_CLIENT_S_DN).toContain('CN=alice')
      expect(environ.SSL_CLIENT_I_DN).toContain('CN=Authority')
      expect(environ.SSL_CLIENT_CERT).toContain('BEGIN')
      expect((await site.echo('/', SECURE)).environ.SSL_CLIENT_S_DN).toBeUndefined()
    })

    it('cannot tell it by HTTP, where a client could say the same', async () => {
      await expect(start(kind, { environment: true }, () => ({ wire: 'http' }))).rejects.toMatchObject({
        code: 'TSGI_ERR_OPTION',
        message: expect.stringContaining('--ssl-environment'),
      })
    })
  })
})
