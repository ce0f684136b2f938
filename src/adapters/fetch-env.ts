import type { Exchange } from '../gateway/exchange.ts'
import { findParam } from '../gateway/params.ts'

/** The ends of a request's connection by the names of `net.Socket`. */
export interface FetchSocket {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly remoteFamily: 'IPv4' | 'IPv6' | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly localFamily: 'IPv4' | 'IPv6' | undefined
  readonly encrypted: boolean
}

/** The second argument of `fetch`: who is at the other end where @hono/node-server has it, and the variables of the environment. */
export interface FetchEnv {
  readonly incoming: { readonly socket: FetchSocket }
  readonly [variable: string]: unknown
}

/** An `env` is its exchange, wrapped: all it has is made when it is looked at. */
export type EnvFactory = (exchange: Exchange) => FetchEnv

/**
 * Environment variables are inherited by every `env`, so that they cost a request nothing. They are read once: every read of
 * `process.env` asks the operating system.
 */
export function envFactory(variables: Readonly<Record<string, string | undefined>>): EnvFactory {
  class Env {
    readonly #exchange: Exchange
    #incoming: { socket: FetchSocket } | undefined

    constructor(exchange: Exchange) {
      this.#exchange = exchange
    }

    get incoming(): { socket: FetchSocket } {
      this.#incoming ??= { socket: socketOf(this.#exchange.params) }
      return this.#incoming
    }
  }
  Object.setPrototypeOf(Env.prototype, { ...variables })
  // The variables are members by the prototype, which the type of a class cannot say.
  return (exchange) => new Env(exchange) as unknown as FetchEnv
}

function socketOf(params: readonly string[]): FetchSocket {
  const remoteAddress = findParam(params, 'REMOTE_ADDR') || undefined
  const localAddress = findParam(params, 'SERVER_ADDR') || undefined
  const https = findParam(params, 'HTTPS')
  return {
    remoteAddress,
    remotePort: portOf(findParam(params, 'REMOTE_PORT')),
    remoteFamily: familyOf(remoteAddress),
    localAddress,
    localPort: portOf(findParam(params, 'SERVER_PORT')),
    localFamily: familyOf(localAddress),
    encrypted: https === 'on' || https === '1' || findParam(params, 'REQUEST_SCHEME') === 'https',
  }
}

function portOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d{1,5}$/.test(text) ? undefined : Number(text)
}

function familyOf(address: string | undefined): 'IPv4' | 'IPv6' | undefined {
  if (address === undefined) return undefined
  return address.includes(':') ? 'IPv6' : 'IPv4'
}
