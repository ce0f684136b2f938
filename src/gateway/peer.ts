import type { Socket } from 'node:net'
import { findParam } from './params.ts'

/** The ends of a connection, by the names of `net.Socket`. */
export interface Peer {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly remoteFamily: 'IPv4' | 'IPv6' | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly localFamily: 'IPv4' | 'IPv6' | undefined
  /** As `tls.TLSSocket` has it: the client speaks TLS with the proxy. */
  readonly encrypted: boolean
}

/**
 * Who the client is and what it has reached. All of it comes from the proxy's own variables, never from a header field (RFC 3875,
 * section 4.1); what they do not tell is undefined.
 */
export function peerOf(params: readonly string[]): Peer {
  const remoteAddress = findParam(params, 'REMOTE_ADDR') || undefined
  const localAddress = findParam(params, 'SERVER_ADDR') || undefined
  return {
    remoteAddress,
    remotePort: portOf(findParam(params, 'REMOTE_PORT')),
    remoteFamily: familyOf(remoteAddress),
    localAddress,
    localPort: portOf(findParam(params, 'SERVER_PORT')),
    localFamily: familyOf(localAddress),
    encrypted: isEncrypted(params),
  }
}

/** Says it on a socket, in place of what the socket itself knows, which is about the proxy. */
export function describeClient(socket: Socket, params: readonly string[]): void {
  for (const [name, value] of Object.entries(peerOf(params)))
    Object.defineProperty(socket, name, { value, configurable: true, enumerable: true })
}

export function portOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d{1,5}$/.test(text) ? undefined : Number(text)
}

export function familyOf(address: string | undefined): 'IPv4' | 'IPv6' | undefined {
  return address === undefined ? undefined : address.includes(':') ? 'IPv6' : 'IPv4'
}

export function isEncrypted(params: readonly string[]): boolean {
  const https = findParam(params, 'HTTPS')
  return https === 'on' || https === '1' || findParam(params, 'REQUEST_SCHEME') === 'https'
}
