/** A request that came to the proxy and got no response from a worker, or not all of one: as the proxy tells it. */
export interface FailedRequest {
  /** When the proxy was done with it, milliseconds since 1970. */
  readonly at: number
  /** The id that its client has seen, and that the workers' lines have. */
  readonly id: string
  /** `GET /x HTTP/1.1`, as the client wrote it; empty: unknown. */
  readonly request: string
  /** What the client got; 499: it had left. 0: unknown. */
  readonly status: number
  /** The head of a worker's response had come. */
  readonly begun: boolean
  /** From the first byte of the request on. */
  readonly seconds: number | undefined
  /** What the proxy says happened, without what clients can put into it. Undefined: it says nothing. */
  readonly words: string | undefined
  /** The proxy said nothing, so that the status may be the application's own: only the end of a worker makes it a failure. */
  readonly doubtful?: boolean
  /** Of the workers that the request was for; undefined where the proxy does not tell. */
  readonly socketPath: string | undefined
}

/** Reads what a proxy writes line by line. */
export interface FailureReader {
  /** What a line completes. */
  push(line: string): FailedRequest[]
  /** Called a few times a second: what nothing will complete any more. `now`: milliseconds since 1970. */
  expire(now: number): FailedRequest[]
}
