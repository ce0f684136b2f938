import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { keptCertificate } from '../../src/dev-server/kept-certificate.ts'
import { makeCertificate } from '../../src/dev-server/self-made-certificate.ts'
import { temporaryDirectory } from '../process/served.ts'
import { requires } from '../support/requirements.ts'
import { spawnSync } from 'node:child_process'
import { application, ask, Developed, project } from './developed.ts'

const DAY_MS = 86_400_000

describe('the certificate that the development server makes', () => {
  it('is for its names and addresses, and for a server alone', () => {
    const { cert } = makeCertificate(['localhost', '*.shop.test', '127.0.0.1', '::1', 'fd00::1:2', '::ffff:192.0.2.1'])
    const certificate = new X509Certificate(cert)
    expect(certificate.subjectAltName).toBe(
      'DNS:localhost, DNS:*.shop.test, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FD00:0:0:0:0:0:1:2, IP Address:0:0:0:0:0:FFFF:C000:201',
    )
    expect(certificate.checkHost('localhost')).toBe('localhost')
    expect(certificate.checkHost('a.shop.test')).toBe('*.shop.test')
    expect(certificate.checkIP('::1')).toBe('::1')
    expect(certificate.ca).toBe(false)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)).toBe(825 * DAY_MS)
  })

  it('writes any date and number as they are to be written', () => {
    for (const now of [Date.UTC(2026, 0, 1), Date.UTC(2049, 11, 30), Date.UTC(2050, 5, 1, 12, 30, 59)]) {
      const { validFrom } = new X509Certificate(makeCertificate(['localhost'], now).cert)
      expect(Date.parse(validFrom)).toBe(now - DAY_MS)
    }
    // Serial numbers are random: the highest bit must never make one negative, nor a zero in front be kept.
    for (let each = 0; each < 300; each += 1) {
      expect(new X509Certificate(makeCertificate(['localhost']).cert).serialNumber).toMatch(/^[\dA-F]{1,32}$/)
    }
  })

  it('is kept for the next time, in a file that nobody else can read', () => {
    const environment = { XDG_CONFIG_HOME: temporaryDirectory() }
    const first = keptCertificate([], environment)
    expect(first.made).toBe(true)
    expect(statSync(first.file).mode & 0o777).toBe(0o600)
    expect(keptCertificate([], environment)).toEqual({ ...first, made: false })
    // A name more needs another one, which is for the earlier names, too.
    const second = keptCertificate(['shop.test', 'fd00::1'], environment)
    expect(second.made).toBe(true)
    expect(keptCertificate(['fd00::1'], environment)).toEqual({ ...second, made: false })
    // Somebody may have read the key.
    chmodSync(first.file, 0o644)
    const third = keptCertificate([], environment)
    expect(third.key).not.toBe(second.key)
    expect(statSync(third.file).mode & 0o777).toBe(0o600)
    writeFileSync(third.file, 'half of a certif')
    expect(keptCertificate([], environment).made).toBe(true)
  })

  it('says where it cannot be kept, and what to do', () => {
    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, '')
    expect(() => keptCertificate([], { XDG_CONFIG_HOME: file })).toThrow(/TSGI_ERR_OPTION|--https: .*set XDG_CONFIG_HOME/)
  })

  requires('openssl').test('is one to openssl', () => {
    const file = join(temporaryDirectory(), 'certificate.pem')
    writeFileSync(file, makeCertificate(['localhost', '127.0.0.1']).cert)
    const verified = spawnSync(
      'openssl',
      ['verify', '-x509_strict', '-CAfile', file, '-purpose', 'sslserver', '-verify_hostname', 'localhost', file],
      { encoding: 'utf8' },
    )
    expect(verified.stdout + verified.stderr).toContain(': OK')
  })
})

requires('dist').describe('tsgi dev by HTTPS', () => {
  it('uses a certificate of its own, which clients can be told to trust', async () => {
    const directory = project({ 'app.js': application("environ['tsgi.url_scheme'] + ' ' + environ.HTTP_HOST") })
    const developed = new Developed(directory, ['app.js', '--https'])
    const url = await developed.ready()
    const file = join(directory, '.config/tsgi/development-certificate.pem')
    expect(developed.output).toContain(`Certificate : ${file} (made just now; self-made: the browser asks once)`)
    const { port } = new URL(url)
    const ca = readFileSync(file)
    expect((await ask(`https://localhost:${port}`, '/', { ca })).body).toBe(`https localhost:${port}`)
    expect((await ask(`https://127.0.0.1:${port}`, '/', { ca })).body).toBe(`https 127.0.0.1:${port}`)
    await expect(ask(`https://localhost:${port}`)).rejects.toThrow(/self.signed/)
    expect((await ask(url, '/', { ca, servername: 'localhost', headers: { Host: 'evil.example' } })).status).toBe(403)
  })

  it('uses the certificate that it is given', async () => {
    const directory = project({ 'app.js': application("'in'") })
    const { cert, key } = makeCertificate(['localhost'])
    writeFileSync(join(directory, 'cert.pem'), cert)
    writeFileSync(join(directory, 'key.pem'), key)
    const given = ['--ssl-certificate-file', 'cert.pem', '--ssl-certificate-key-file', 'key.pem']
    const url = await new Developed(directory, ['app.js', ...given]).ready()
    expect((await ask(url.replace('127.0.0.1', 'localhost'), '/', { ca: cert })).body).toBe('in')
    expect(existsSync(join(directory, '.config'))).toBe(false)
    const half = new Developed(directory, ['app.js', ...given.slice(0, 2)])
    expect(await half.ended).toBe(2)
    expect(half.output).toContain('belong together')
  })
})
