import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

import { bitString, boolean, integer, objectIdentifier, octetString, sequence, set, tagged, time, utf8String } from './der.ts'

/** A certificate and its key, PEM. */
export interface CertificateAndKey {
  readonly cert: string
  readonly key: string
}

const DAY_MS = 86_400_000

/** Two years and a bit: the longest that Apple's systems take from a certificate that somebody has trusted by hand. */
const VALID_DAYS = 825

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'

/**
 * Makes a certificate that stands for itself, for names and addresses of this machine (RFC 5280). Node can sign, but writes no
 * certificates; the one form that is needed here is short enough to be written out.
 */
export function makeCertificate(names: readonly string[], now = Date.now()): CertificateAndKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(objectIdentifier(ECDSA_WITH_SHA256))
  const name = sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String('tsgi dev, made on this machine'))))
  const serial = randomBytes(16)
  const body = sequence(
    // Version 3.
    tagged(0, integer(Buffer.of(2)), true),
    integer(serial),
    algorithm,
    name,
    // Clocks of virtual machines may be behind.
    sequence(time(new Date(now - DAY_MS)), time(new Date(now + (VALID_DAYS - 1) * DAY_MS))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions(names)), true),
  )
  const signature = sign('sha256', body, privateKey)
  const certificate = sequence(body, algorithm, bitString(signature))
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function extensions(names: readonly string[]): Buffer[] {
  const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
    sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value))
  return [
    // Basic constraints: it is no authority, so whoever trusts it trusts nothing else.
    extension('2.5.29.19', true, sequence()),
    // Key usage: digitalSignature.
    extension('2.5.29.15', true, bitString(Buffer.of(0x80), 7)),
    // Extended key usage: TLS servers.
    extension('2.5.29.37', false, sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))),
    // Subject alternative names: a DNS name is [2], an address [7].
    extension('2.5.29.17', false, sequence(...names.map(alternativeName))),
  ]
}

function alternativeName(name: string): Buffer {
  return isIP(name) === 0 ? tagged(2, Buffer.from(name, 'latin1'), false) : tagged(7, addressBytes(name), false)
}

/** Four bytes, or sixteen. */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const plain = address.replace(/%.*$/, '')
  const [head = '', tail] = plain.split('::')
  const groups = (part: string): number[] =>
    part
      .split(':')
      .filter((group) => group !== '')
      .flatMap(groupValues)
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const all = [...before, ...Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after]
  return Buffer.from(all.flatMap((value) => [value >> 8, value & 0xff]))
}

/** The last group of an address may be one of IPv4. */
function groupValues(group: string): number[] {
  if (!group.includes('.')) return [Number.parseInt(group, 16)]
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}
