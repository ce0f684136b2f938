import type { Socket } from 'node:net'
import { findParam } from './params.ts'

/**
 * Says on a socket who its client is and what the client has reached, in place of what the socket itself knows, which is about the
 * proxy. All of it comes from the proxy's own variables, never from a header field (RFC 3875, section 4.1); what they do not tell
 * is undefined.
 */
export function describeClient(socket: Socket, params: readonly string[]): void {
  const remoteAddress = findParam(params, 'REMOTE_ADDR') || undefined
  const localAddress = findParam(params, 'SERVER_ADDR') || undefined
  Object.defineProperties(socket, {
    remoteAddress: constant(remoteAddress),
    remotePort: constant(portOf(findParam(params, 'REMOTE_PORT'))),
    remoteFamily: constant(familyOf(remoteAddress)),
    localAddress: constant(localAddress),
    localPort: constant(portOf(findParam(params, 'SERVER_PORT'))),
    localFamily: constant(familyOf(localAddress)),
    // As `tls.TLSSocket` has it: the client speaks TLS with the proxy.
    encrypted: constant(isEncrypted(params)),
  })
}

function constant(value: unknown): PropertyDescriptor {
  return { value, configurable: true, enumerable: true }
}

export function portOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d{1,5}$/.test(text) ? undefined : Number(text)
}

export function familyOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : address.includes(':') ? 'IPv6' : 'IPv4'
}

export function isEncrypted(params: readonly string[]): boolean {
  const https = findParam(params, 'HTTPS')
  return https === 'on' || https === '1' || findParam(params, 'REQUEST_SCHEME') === 'https'
}
