import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'

/** Largest file of certificates or keys, bytes: a bundle of every public authority has a quarter of it. */
const MAX_PEM_BYTES = 1024 * 1024

/** From here on a certificate that ends soon is worth a warning, days. */
const SOON_DAYS = 14

const DAY_MS = 86_400_000

/** A certificate and its key, as the proxy is to use them. */
export interface ServerCertificate {
  /** The certificate and the authorities between, PEM. */
  readonly chain: string
  /** Something that the operator should know: it ends soon, or is for other names. */
  readonly warnings: readonly string[]
}

export interface CertificateFiles {
  readonly certificateFile: string
  readonly keyFile: string
  readonly chainFile?: string | undefined
  readonly caFile?: string | undefined
  /** The names that clients will call this server. */
  readonly names: readonly string[]
}

/**
 * Reads the files of a certificate and looks for what would go wrong with the first client: a key of another certificate, one with
 * a passphrase, a certificate that is over.
 *
 * Throws `TSGI_ERR_OPTION` with the option, the file and what to do.
 */
export function readCertificate(files: CertificateFiles, now = Date.now()): ServerCertificate {
  const text = readPem('ssl-certificate-file', files.certificateFile)
  const [certificate] = certificatesIn('ssl-certificate-file', files.certificateFile, text)
  const between = files.chainFile === undefined ? '' : readPem('ssl-certificate-chain-file', files.chainFile)
  if (files.chainFile !== undefined) certificatesIn('ssl-certificate-chain-file', files.chainFile, between)
  if (files.caFile !== undefined)
    certificatesIn('ssl-ca-certificate-file', files.caFile, readPem('ssl-ca-certificate-file', files.caFile))
  checkKey(certificate, files)
  return { chain: `${text.trimEnd()}\n${between}`, warnings: doubtsAbout(certificate, files, now) }
}

function certificatesIn(option: string, file: string, text: string): readonly [X509Certificate, ...X509Certificate[]] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block))
    if (first !== undefined) return [first, ...others]
  } catch (error) {
    throw refuse(option, `${quote(file)} holds a certificate that cannot be read: ${quote(error)}`, error)
  }
  throw refuse(option, `${quote(file)} holds no certificate in PEM (a block that begins with "-----BEGIN CERTIFICATE-----")`)
}

function checkKey(certificate: X509Certificate, { certificateFile, keyFile }: CertificateFiles): void {
  const text = readPem('ssl-certificate-key-file', keyFile)
  if (/ENCRYPTED/.test(text)) {
    throw refuse(
      'ssl-certificate-key-file',
      `${quote(keyFile)} has a passphrase, which nobody could type; take it off: openssl pkey -in KEY -out NEWKEY`,
    )
  }
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey(text)
  } catch (error) {
    throw refuse('ssl-certificate-key-file', `${quote(keyFile)} holds no key in PEM: ${quote(error)}`, error)
  }
  if (!certificate.checkPrivateKey(key)) {
    throw refuse('ssl-certificate-key-file', `${quote(keyFile)} is not the key of the certificate in ${quote(certificateFile)}`)
  }
}

function doubtsAbout(certificate: X509Certificate, { certificateFile, names }: CertificateFiles, now: number): string[] {
  const doubts: string[] = []
  const ends = Date.parse(certificate.validTo)
  if (ends <= now) doubts.push(`the certificate ${certificateFile} is over since ${certificate.validTo}: clients refuse it`)
  else if (ends - now < SOON_DAYS * DAY_MS) doubts.push(`the certificate ${certificateFile} ends on ${certificate.validTo}`)
  if (Date.parse(certificate.validFrom) > now)
    doubts.push(`the certificate ${certificateFile} begins on ${certificate.validFrom}: clients refuse it until then`)
  for (const name of names) {
    // A pattern is covered where any name below it is.
    if (certificate.checkHost(name.replace(/^\*\./, 'x.')) === undefined)
      doubts.push(`the certificate ${certificateFile} is not for ${name}: clients refuse it there`)
  }
  return doubts
}

function readPem(option: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'latin1')
  } catch (error) {
    throw refuse(option, `${quote(file)}: ${quote(error)}`, error)
  }
  if (text.length > MAX_PEM_BYTES) throw refuse(option, `${quote(file)} has more than ${MAX_PEM_BYTES} bytes`)
  return text
}

function refuse(option: string, detail: string, cause?: unknown): TsgiError {
  return new TsgiError('TSGI_ERR_OPTION', `--${option}: ${detail}`, { cause })
}
