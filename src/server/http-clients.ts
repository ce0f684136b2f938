import type { IncomingMessage, Server as NodeHttpServer, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '../interface/logger.ts'
import type { ClientLimits } from './client-limits.ts'
import { rememberPeer } from './http-peer.ts'
import type { ConnectionPeer } from './http-peer.ts'
import { IdleClients } from './idle-clients.ts'
import { refusalOf } from './request-refusal.ts'
import type { Refusals } from './request-refusal.ts'
import { TrustedProxies } from './trusted-proxies.ts'

/** What is seen to where clients reach `node:http` with no proxy in between, beyond what it sees to by itself. */
export class HttpClients {
  readonly #limits: ClientLimits
  readonly #log: Logger
  readonly #proxies: TrustedProxies
  readonly #idle: IdleClients
  readonly #peers = new WeakMap<Socket, ConnectionPeer & { readonly trusted: boolean }>()
  readonly #refusals: Refusals

  constructor(http: NodeHttpServer, limits: ClientLimits, log: Logger, refusals: Refusals) {
    this.#limits = limits
    this.#refusals = refusals
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
    const status = refusalOf(request, this.#limits)
    if (status !== undefined) {
      this.#refusals.refuse(request, response, status)
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
