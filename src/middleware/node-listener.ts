import type { IncomingMessage, ServerResponse } from 'node:http'
import { setParam } from '../gateway/params.ts'
import { decodePath } from '../gateway/request-target.ts'
import { applicationHandler } from '../gateway/run-application.ts'
import type { Application } from '../interface/application.ts'
import type { Logger } from '../interface/logger.ts'
import type { ConnectionServer } from '../server/connection.ts'
import { HttpTransport, paramsOf } from '../server/http-connection.ts'

/** The request as Express and Connect pass it on below a mount. */
interface MountedRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly originalUrl?: string
}

export interface NodeListenerOptions {
  /** Bytes; 0, the default, is unlimited. */
  readonly maxRequestBodyBytes?: number
  /** Standard error when left out. */
  readonly log?: Logger
}

/**
 * A TSGI application as a `(req, res)` listener: for `http.createServer`, or for `app.use('/shop', nodeListener(application))` in
 * Express, whose mount becomes SCRIPT_NAME. A body that was read before is read: the application finds its end.
 */
export function nodeListener(
  application: Application,
  options: NodeListenerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const handler = applicationHandler(application)
  const { maxRequestBodyBytes = 0, log = CONSOLE } = options
  return (request: MountedRequest, response) => {
    const { baseUrl = '', originalUrl } = request
    const params = paramsOf(request)
    if (originalUrl !== undefined) setParam(params, 'REQUEST_URI', originalUrl)
    const context = { mountPoint: decodePath(baseUrl), multiprocess: false, log, probeToken: undefined, access: undefined }
    const transport = new HttpTransport(
      { ...SERVER, handler, context, limits: { ...LIMITS, maxRequestBodyBytes } },
      request,
      response,
      params,
    )
    if (request.readableEnded) transport.exchange.input.end()
    transport.start()
  }
}

/** The server is somebody else's: so are its connections, and the time they get. */
const LIMITS = {
  maxParamsBytes: 0,
  headerTimeoutMs: 0,
  clientHeaderTimeoutMs: 0,
  keepAliveTimeoutMs: 0,
  lingerTimeoutMs: 0,
} as const

const SERVER: Omit<ConnectionServer, 'handler' | 'context' | 'limits'> = {
  admission: undefined,
  traffic: undefined,
  passOn: () => false,
  draining: false,
  toLetGo: 0,
  clock: 0,
  requestStarted() {},
  requestFinished() {},
  connectionTaken() {},
}

const CONSOLE: Logger = {
  error: (message, error) => console.error(message, error ?? ''),
  warn: (message, error) => console.warn(message, error instanceof Error ? error.message : ''),
  info() {},
  debug() {},
}
