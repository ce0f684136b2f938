import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

import { quote } from '../interface/errors.ts'

/** Names of this machine that no other machine can be known by. */
const LOCAL = /^(?:(?:.+\.)?localhost|127\.0\.0\.1|\[::1\])$/

/** A host name or an address, and perhaps a port (RFC 9110, section 7.2). */
const AUTHORITY = /^(\[[\da-f:.]+\]|[^:[\]/?#@\s]+)(?::\d{0,5})?$/i

export interface TrustedHostsOptions {
  /** Of `--trusted-host`: names in lower case, `*.` for all below one. */
  readonly names: readonly string[]
  /** Addresses are trusted, too: whoever is let in from other machines has to write one. */
  readonly addresses: boolean
}

/**
 * Which names requests may come for. A page of any site can make the browser send requests here, and read the answers once its own
 * name leads to this machine (DNS rebinding): what such a request cannot hide is the name that it was made for.
 */
export class TrustedHosts {
  readonly #options: TrustedHostsOptions

  constructor(options: TrustedHostsOptions) {
    this.#options = options
  }

  /** What is wrong with the host of a request, and what to do; undefined where it is trusted. */
  refusal({ rawHeaders, url = '' }: IncomingMessage): string | undefined {
    const hosts = rawHeaders.flatMap((name, index) =>
      index % 2 === 0 && name.toLowerCase() === 'host' ? [rawHeaders[index + 1] ?? ''] : [],
    )
    // A target in absolute form holds over the field (RFC 9112, section 3.2.2).
    const target = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1]
    const [first = '', ...others] = target === undefined ? hosts : [target, ...hosts]
    const bad = [first, ...others].find((host) => !this.#isTrusted(host))
    if (bad === undefined) return undefined
    const name = AUTHORITY.exec(bad)?.[1]
    const advice =
      name === undefined || isIP(name.replaceAll(/[[\]]/g, '')) !== 0
        ? 'Use http://localhost and the port, or listen for other machines: tsgi dev --host 0.0.0.0'
        : `If this name is yours, start it so: tsgi dev --trusted-host ${name}`
    return `The development server does not answer for the host ${quote(bad)}.\n${advice}\n`
  }

  #isTrusted(authority: string): boolean {
    const host = AUTHORITY.exec(authority)?.[1]?.toLowerCase().replace(/\.$/, '')
    if (host === undefined) return false
    if (LOCAL.test(host)) return true
    if (this.#options.addresses && isIP(host.replaceAll(/[[\]]/g, '')) !== 0) return true
    return this.#options.names.some((name) => (name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name))
  }
}
