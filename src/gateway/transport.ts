import type { Socket } from 'node:net'
import type { Chunk } from '../interface/application.ts'

/**
 * What one request needs of the connection that carries it. A transport belongs to one request at a time.
 * Methods that send return false when the proxy does not read as fast as it is sent to; `Exchange.drained` tells the end of that.
 */
export interface Transport {
  /**
   * Sends status and headers with the first bytes of the body: the head never goes out in pieces.
   * `last`: this is the whole response. `status` is `"200 OK"`, `fields` are field lines, latin-1, each with its line end;
   * both have been checked.
   */
  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean
  /** Sends body bytes. */
  sendBody(chunk: Chunk): boolean
  /** Ends a complete response. */
  end(): void
  /** Ends an incomplete response so that the client can see that it is incomplete. */
  abort(lengthPending: boolean): void
  /** Stops and starts the arrival of the request body. */
  pauseInput(): void
  resumeInput(): void
  /** The application and its body are finished with: nothing more is sent for this request. */
  finished(): void
  /**
   * Lets go of the connection, which is the caller's from then on: nobody listens to it, it neither flows nor is paused, and what
   * the client has already sent behind its request is in it. There is none where the connection carries other requests as well.
   */
  takeOver?(): Socket
}

/** Who counts requests in flight and watches over their time. */
export interface ExchangeWatch {
  /** The exchange has ended. */
  done(): void
}
