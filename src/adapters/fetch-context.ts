import type { Exchange } from '../gateway/exchange.ts'

/**
 * The third argument of `fetch`, as Cloudflare Workers and Hono have it: work that goes on behind the response.
 *
 * The response is sent at once and its connection is free; the server's stop waits for the work.
 */
export class FetchContext {
  readonly #exchange: Exchange
  #pending = 0
  #responded = false

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** Keeps the server from stopping until `promise` has settled. A rejection is logged. */
  waitUntil(promise: unknown): void {
    this.#pending++
    Promise.resolve(promise).then(
      () => this.#settled(),
      (error: unknown) => {
        this.#exchange.context.log.error(`${this.#exchange.label} failed in waitUntil()`, error)
        this.#settled()
      },
    )
  }

  /** There is nothing to pass through to. */
  passThroughOnException(): void {}

  get props(): Record<string, unknown> {
    return {}
  }

  /** For the adapter: the response has been dealt with. Not a method: the object is the application's. */
  static responded(context: FetchContext): void {
    context.#responded = true
    if (context.#pending === 0) context.#exchange.finished()
  }

  #settled(): void {
    this.#pending--
    if (this.#pending === 0 && this.#responded) this.#exchange.finished()
  }
}
