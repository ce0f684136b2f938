import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** What a proxy in front says of its client. */
export interface ForwardedPeer {
  readonly address: string | undefined
  /** The port that the client has reached, `"443"`. */
  readonly serverPort: string | undefined
  readonly encrypted: boolean
}

/** Connections over unix sockets, and those of proxies that are trusted. */
const FROM_PROXY = new WeakSet<Socket>()

/** A connection's own addresses. It is asked once, for a socket that was destroyed has none, and a Node application may be told others. */
export interface ConnectionPeer {
  /** Undefined: a unix socket. */
  readonly address: string | undefined
  readonly localPort: number | undefined
}

/**
 * Remembers where a new connection comes from: only a proxy can reach a unix socket, which has no addresses; over TCP `trusts` says
 * whether it is one.
 */
export function rememberPeer(socket: Socket, trusts: (address: string) => boolean = () => false): ConnectionPeer {
  const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '')
  const { localPort } = socket
  const isUnix = socket.localAddress === undefined && !socket.destroyed
  if (isUnix || (address !== undefined && trusts(address))) FROM_PROXY.add(socket)
  return { address: isUnix ? undefined : (address ?? ''), localPort }
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
