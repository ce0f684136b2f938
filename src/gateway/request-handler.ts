import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from '../interface/logger.ts'
import type { AccessLog } from './access.ts'
import type { Exchange } from './exchange.ts'
import type { FailurePage } from './failure-page.ts'
import type { RequestMeter } from './request-meter.ts'
import type { RequestRecorder } from './request-recorder.ts'

/** What all requests of one server share. */
export interface ServerContext {
  /** `''` or `'/x'`, decoded. */
  readonly mountPoint: string
  readonly multiprocess: boolean
  /** The process ends behind its first request, as with CGI. */
  readonly runOnce?: boolean
  readonly log: Logger
  /** A request with this token in `X-TSGI-Probe` is answered by the server itself; undefined: none is. */
  readonly probeToken: string | undefined
  /** Told of every request that has ended; undefined: nobody is, and nothing is measured. */
  readonly access: AccessLog | undefined
  /** Counts requests; absent: nobody does. */
  readonly meter?: RequestMeter | undefined
  /** Keeps requests for a replay; absent: nobody does. */
  readonly recorder?: RequestRecorder | undefined
  /** Explains failures to clients, in development; absent: they are told a status. */
  readonly failurePage?: FailurePage | undefined
}

/** What serves the requests of an application of one kind. */
export interface RequestHandler {
  /** Serves one request. Errors end in the exchange, never in the caller. */
  serve(exchange: Exchange): void
  /** Where the application takes what `node:http` makes of a request as it is: HTTP connections give it that, and make no exchange. */
  readonly node?: NodeHandler
}

/** The events of a `node:http` server. */
export interface NodeHandler {
  request(request: IncomingMessage, response: ServerResponse): void
  /** Whether the application has somebody for requests to change the protocol; those that it has nobody for are ordinary ones. */
  takesUpgrades(): boolean
  /** A request to change the protocol: `socket` is the application's from here on. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}
