import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** What a proxy in front says of its client. */
export interface ForwardedPeer {
  readonly address: string | undefined
  /** The port that the client has reached, `"443"`. */
  readonly serverPort: string | undefined
  readonly encrypted: boolean
}

/** Whether the peer is a proxy: only one can reach a unix socket, which has no addresses. */
export function isBehindProxy(socket: Socket): boolean {
  return socket.localAddress === undefined
}

/** Of a request from a proxy: what it says last in X-Forwarded-For, -Proto and -Port is believed, what came before it is not. */
export function forwardedPeer(request: IncomingMessage): ForwardedPeer {
  const { headers } = request
  return {
    address: lastOf(headers['x-forwarded-for']),
    serverPort: lastOf(headers['x-forwarded-port']),
    encrypted: lastOf(headers['x-forwarded-proto']) === 'https',
  }
}

function lastOf(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header.at(-1) : header
  return text?.split(',').at(-1)?.trim() || undefined
}
