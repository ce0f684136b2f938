/** What clients that reach a server without a proxy in between may do: over TCP, by HTTP. Plain data, which a worker is told. */
export interface ClientLimits {
  /** Connections at a time; 0: no limit. Another one gets 503. */
  readonly connectionLimit: number
  /** Of a request: its target, all of its head (bytes), and how many header fields. */
  readonly maxTargetBytes: number
  readonly maxHeadBytes: number
  readonly maxFields: number
  /** For a request's head, from the first byte on, or from the connection on where none comes. Milliseconds, as all that follow. */
  readonly headerTimeoutMs: number
  /** For the next piece of a body; and for all of a request, undefined: no limit. */
  readonly bodyTimeoutMs: number
  readonly bodyMaxTimeoutMs: number | undefined
  /** For the client to take more of a response. */
  readonly sendTimeoutMs: number
  /** For the next request on a connection; 0: there is none. */
  readonly keepAliveTimeoutMs: number
  /** Addresses, networks, or one number: how many proxies stand in front. */
  readonly trustProxy: readonly string[]
  /** Where they say who the client is: `X-Forwarded-For` or another one like it, or `Forwarded`. */
  readonly trustProxyHeader: string
}
