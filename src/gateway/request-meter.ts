/** Statuses of requests that got none, as in nginx's log: the client left before the head of a response; the connection was closed without one. */
export const CLIENT_LEFT = 499
export const NO_RESPONSE = 444

/** What a connection is counted as that an application has taken over for another protocol, whatever it answers. */
export const SWITCHING_PROTOCOLS = 101

/** Counts requests. Called once for each, in its hot path: it allocates nothing. */
export interface RequestMeter {
  /** Its response is complete, or nobody waits for one any more. `startedAt`: `performance.now()` when its head had come. */
  ended(status: number, startedAt: number): void
  /** Its response ended before it was complete; `ended` follows. */
  broken(): void
  /** It had to wait for its turn so long, milliseconds, and has it. */
  waited(ms: number): void
  /** It was answered 503, for there were too many; `ended` follows. */
  refused(): void
}
