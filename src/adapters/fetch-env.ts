import type { Exchange } from '../gateway/exchange.ts'
import { peerOf } from '../gateway/peer.ts'
import type { Peer } from '../gateway/peer.ts'

/** The second argument of `fetch`: who is at the other end where @hono/node-server has it, and the variables of the environment. */
export interface FetchEnv {
  readonly incoming: { readonly socket: Peer }
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
    #incoming: { socket: Peer } | undefined

    constructor(exchange: Exchange) {
      this.#exchange = exchange
    }

    get incoming(): { socket: Peer } {
      this.#incoming ??= { socket: peerOf(this.#exchange.params) }
      return this.#incoming
    }
  }
  Object.setPrototypeOf(Env.prototype, { ...variables })
  // The variables are members by the prototype, which the type of a class cannot say.
  return (exchange) => new Env(exchange) as unknown as FetchEnv
}
