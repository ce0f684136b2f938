import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

export interface CertificateOptions {
  /** Common name and first alternative name. */
  readonly name?: string
  /** Further alternative names: `*.example.test`. */
  readonly names?: readonly string[]
  readonly days?: number
  /** The authority that signs it; default: itself. */
  readonly by?: { readonly certificate: string; readonly key: string }
  /** It may sign others. */
  readonly authority?: boolean
}

/** Makes a key and a certificate with openssl, in `directory` as `LABEL.pem` and `LABEL.key`. */
export function makeCertificate(
  directory: string,
  label: string,
  { name = 'localhost', names = [], days = 30, by, authority = false }: CertificateOptions = {},
): { certificate: string; key: string } {
  const certificate = join(directory, `${label}.pem`)
  const key = join(directory, `${label}.key`)
  const alternatives = [name, ...names].map((each) => (/^[\d.]+$/.test(each) ? `IP:${each}` : `DNS:${each}`)).join(',')
  const signed = by === undefined ? [] : ['-CA', by.certificate, '-CAkey', by.key]
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)],
      ...['-subj', `/CN=${name}`, '-keyout', key, '-out', certificate, ...signed],
      ...['-addext', authority ? 'basicConstraints=critical,CA:TRUE' : 'basicConstraints=CA:FALSE'],
      ...(authority ? [] : ['-addext', `subjectAltName=${alternatives}`]),
    ],
    { stdio: 'pipe' },
  )
  return { certificate, key }
}
