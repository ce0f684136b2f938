import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** What a proxy in front says of its client. */
export interface ForwardedPeer {
  readonly address: string | undefined
  /** The port that the client has reached, `"443"`. */
  readonly serverPort: string | undefined
  readonly encrypted: boolean
}

/** Connections over unix sockets. */
const FROM_PROXY = new WeakSet<Socket>()

/**
 * Remembers where a new connection comes from: only a proxy can reach a unix socket, which has no addresses. It is asked now,
 * for a socket that was destroyed has none either, and requests that it has sent before may still be served.
 */
export function rememberPeer(socket: Socket): void {
  if (socket.localAddress === undefined && !socket.destroyed) FROM_PROXY.add(socket)
}

/** Whether the peer is a proxy. */
export function isBehindProxy(socket: Socket): boolean {
  return FROM_PROXY.has(socket)
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
