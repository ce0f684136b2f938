import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { readCertificate } from '../../src/launcher/certificate.ts'
import { makeCertificate } from '../support/certificates.ts'
import { requires } from '../support/requirements.ts'
import { temporaryDirectory } from './temporary.ts'

const DAY_MS = 86_400_000

requires('openssl').describe('a certificate', () => {
  it('is taken with its key and the authority between', () => {
    const directory = temporaryDirectory()
    const authority = makeCertificate(directory, 'ca', { authority: true, name: 'Some Authority' })
    const { certificate, key } = makeCertificate(directory, 'server', { name: 'a.test', names: ['*.a.test'], by: authority })
    const read = readCertificate({
      certificateFile: certificate,
      keyFile: key,
      chainFile: authority.certificate,
      names: ['a.test', '*.a.test', 'x.a.test'],
    })
    expect(read.warnings).toEqual([])
    expect(read.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(read.chain.startsWith(readFileSync(certificate, 'latin1').trimEnd())).toBe(true)
  })

  it.each([
    ['that ends soon', 10, 'ends on'],
    ['that is over', 31, 'is over since'],
    ['that has not begun', -2, 'begins on'],
  ])('%s is a warning', (_, daysLater, warning) => {
    const directory = temporaryDirectory()
    const { certificate, key } = makeCertificate(directory, 'server', { days: 20 })
    const now = Date.now() + daysLater * DAY_MS
    const { warnings } = readCertificate({ certificateFile: certificate, keyFile: key, names: [] }, now)
    expect(warnings).toEqual([expect.stringContaining(warning)])
  })

  it('for another name is a warning', () => {
    const directory = temporaryDirectory()
    const { certificate, key } = makeCertificate(directory, 'server', { name: 'a.test' })
    const { warnings } = readCertificate({ certificateFile: certificate, keyFile: key, names: ['a.test', 'b.test', '*.a.test'] })
    expect(warnings).toEqual([expect.stringContaining('is not for b.test'), expect.stringContaining('is not for *.a.test')])
  })

  it.each<[string, (files: Files) => Files, string]>([
    [
      'a file that is not there',
      (files) => ({ ...files, certificate: '/nowhere.pem' }),
      '--ssl-certificate-file: "/nowhere.pem"',
    ],
    ['a file without one', (files) => ({ ...files, certificate: files.key }), 'holds no certificate in PEM'],
    [
      'a broken one',
      (files) => ({ ...files, certificate: broken(files.certificate) }),
      'holds a certificate that cannot be read',
    ],
    ['the key of another one', (files) => ({ ...files, key: files.otherKey }), 'is not the key of the certificate'],
    ['no key', (files) => ({ ...files, key: files.certificate }), '--ssl-certificate-key-file'],
    ['a key with a passphrase', (files) => ({ ...files, key: withPassphrase(files.key) }), 'has a passphrase'],
    ['an authority that is none', (files) => ({ ...files, caFile: files.key }), '--ssl-ca-certificate-file'],
    ['a chain that is none', (files) => ({ ...files, chainFile: files.key }), '--ssl-certificate-chain-file'],
  ])('is refused with %s', (_, spoil, message) => {
    const directory = temporaryDirectory()
    const { certificate, key } = makeCertificate(directory, 'server')
    const files = spoil({ certificate, key, otherKey: makeCertificate(directory, 'other').key })
    const { chainFile, caFile } = files
    expect(() =>
      readCertificate({ certificateFile: files.certificate, keyFile: files.key, chainFile, caFile, names: [] }),
    ).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION', message: expect.stringContaining(message) }))
  })
})

interface Files {
  readonly certificate: string
  readonly key: string
  readonly otherKey: string
  readonly chainFile?: string
  readonly caFile?: string
}

function broken(certificate: string): string {
  const path = join(certificate, '..', 'broken.pem')
  writeFileSync(path, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  return path
}

function withPassphrase(key: string): string {
  const path = join(key, '..', 'locked.key')
  execFileSync('openssl', ['pkey', '-in', key, '-aes256', '-passout', 'pass:x', '-out', path], { stdio: 'pipe' })
  return path
}
