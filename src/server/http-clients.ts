import type { IncomingMessage, Server as NodeHttpServer, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '../interface/logger.ts'
import { REASONS } from '../gateway/reasons.ts'
import type { ClientLimits } from './client-limits.ts'
import { rememberPeer } from './http-peer.ts'
import type { ConnectionPeer } from './http-peer.ts'
import { IdleClients } from './idle-clients.ts'
import { refusalOf } from './request-refusal.ts'
import { TrustedProxies } from './trusted-proxies.ts'

/** What is seen to where clients reach `node:http` with no proxy in between, beyond what it sees to by itself. */
export class HttpClients {
  readonly #limits: ClientLimits
  readonly #log: Logger
  readonly #proxies: TrustedProxies
  readonly #idle: IdleClients
  readonly #peers = new WeakMap<Socket, ConnectionPeer & { readonly trusted: boolean }>()

  readonly #refused = new WeakSet<Socket>()

  constructor(http: NodeHttpServer, limits: ClientLimits, log: Logger) {
    this.#limits = limits
    this.#log = log
    this.#proxies = new TrustedProxies(limits.trustProxy, limits.trustProxyHeader)
    this.#idle = new IdleClients(http, limits)
  }

  connected(socket: Socket): void {
    let trusted = false
    const peer = rememberPeer(socket, (address) => (trusted = this.#proxies.trusts(address)))
    this.#peers.set(socket, { ...peer, trusted })
  }

  /** Judges a request, and settles whom it is from. False: it was refused. */
  admit(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#limits.keepAliveTimeoutMs === 0) response.shouldKeepAlive = false
    // What stands behind a request that was refused may have been meant as a part of it.
    if (this.#refused.has(request.socket)) return false
    const status = refusalOf(request, this.#limits)
    if (status !== undefined) {
      this.#refused.add(request.socket)
      response.shouldKeepAlive = false
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
      response.end(`${REASONS[status] ?? 'Error'}\n`)
      return false
    }
    const peer = this.#peers.get(request.socket)
    if (peer?.trusted === true) this.#proxies.believe(request, peer.address, peer.localPort)
    else if (this.#proxies.drop(request, peer?.address ?? '')) {
      this.#log.warn(
        `${peer?.address ?? 'a client'} says whom its requests are from (X-Forwarded-For and others), and is not believed; if it is a proxy of yours, name it by --trust-proxy`,
      )
    }
    return true
  }

  began(request: IncomingMessage, response: ServerResponse, giveUp: () => void): void {
    this.#idle.began(request, response, giveUp)
  }

  forget(socket: Socket): void {
    this.#idle.forget(socket)
  }
}
