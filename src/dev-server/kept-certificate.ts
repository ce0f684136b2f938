import { randomBytes, X509Certificate } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isIP } from 'node:net'
import { dirname, join } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import { hasFileModes } from '../server/platform.ts'
import { makeCertificate } from './self-made-certificate.ts'
import type { CertificateAndKey } from './self-made-certificate.ts'

export interface KeptCertificate extends CertificateAndKey {
  /** Certificate and key in one file. */
  readonly file: string
  /** It was not there, too old, or not for all of the names. */
  readonly made: boolean
}

/** One that ends before this is made anew, milliseconds. */
const LEAST_LEFT_MS = 14 * 86_400_000

/** Names that every one is for. */
const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1']

/** Largest file that can be ours, bytes. */
const MAX_FILE_BYTES = 64 * 1024

/**
 * The certificate of this user's development servers. It is made once and kept, so that a browser is told once to accept it.
 * `names`: further ones that it is to be for.
 *
 * Throws `TSGI_ERR_OPTION` where it cannot be kept.
 */
export function keptCertificate(names: readonly string[], environment: NodeJS.ProcessEnv = process.env): KeptCertificate {
  const file = join(configurationDirectory(environment), 'tsgi', 'development-certificate.pem')
  try {
    const kept = read(file)
    const before = kept === undefined ? [] : namesOf(kept.cert)
    const wanted = [...new Set([...LOCAL_NAMES, ...names])]
    if (kept !== undefined && wanted.every((name) => before.includes(name))) return { ...kept, file, made: false }
    const made = makeCertificate([...new Set([...wanted, ...before])])
    write(file, made)
    return { ...made, file, made: true }
  } catch (error) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--https: its certificate cannot be kept in ${quote(file)}: ${error instanceof Error ? error.message : String(error)}; set XDG_CONFIG_HOME, or give --ssl-certificate-file and --ssl-certificate-key-file`,
      { cause: error },
    )
  }
}

function configurationDirectory({ XDG_CONFIG_HOME: xdg, LOCALAPPDATA: local }: NodeJS.ProcessEnv): string {
  if (xdg !== undefined && xdg !== '') return xdg
  return !hasFileModes() && local !== undefined ? local : join(homedir(), '.config')
}

/** Undefined where there is none that can be used. */
function read(file: string): CertificateAndKey | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  if (!stats.isFile() || stats.size > MAX_FILE_BYTES) throw new Error('that is something else')
  // Somebody else may have read the key, and could pretend to be this server.
  if (hasFileModes() && (stats.mode & 0o077) !== 0) return undefined
  const text = readFileSync(file, 'latin1')
  const cert = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n/.exec(text)?.[0]
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/.exec(text)?.[0]
  if (cert === undefined || key === undefined) return undefined
  try {
    return Date.parse(new X509Certificate(cert).validTo) - Date.now() > LEAST_LEFT_MS ? { cert, key } : undefined
  } catch {
    // Not a certificate: half of one, perhaps.
    return undefined
  }
}

/** Over what is there in one step: two servers may start at a time. */
function write(file: string, { cert, key }: CertificateAndKey): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(4).toString('hex')}`
  writeFileSync(temporary, cert + key, { mode: 0o600, flag: 'wx' })
  renameSync(temporary, file)
}

/** `DNS:localhost, IP Address:127.0.0.1` */
function namesOf(cert: string): string[] {
  const text = new X509Certificate(cert).subjectAltName ?? ''
  return text.split(', ').flatMap((entry) => {
    const name = /^(?:DNS|IP Address):(.*)$/.exec(entry)?.[1]
    return name === undefined ? [] : [isIP(name) === 6 ? shortAddress(name) : name]
  })
}

/** `0:0:0:0:0:0:0:1` → `::1`, as a URL writes it. */
function shortAddress(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}
