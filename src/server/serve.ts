import type { Application } from '../interface/application.ts'
import type { Logger } from '../interface/logger.ts'
import { applicationHandler } from '../gateway/run-application.ts'
import { formatBindAddress, parseBindAddress } from './address.ts'
import { Server } from './server.ts'
import type { Protocol } from './server.ts'

export interface ServeOptions {
  readonly application: Application
  /** `unix:/path`, `host:port`, `[::1]:port` or `fd://N`, or several of them. */
  readonly bind: string | readonly string[]
  /** `auto`, the default: the first byte of each connection picks uwsgi, FastCGI or HTTP. */
  readonly protocol?: Protocol
  /** `''`, the default, or `'/x'`. */
  readonly mountPoint?: string
  /** Permissions of a unix socket; 0o660 when left out. */
  readonly socketMode?: number
  /** Bytes; 0, the default, is unlimited. */
  readonly maxRequestBodyBytes?: number
  /** Standard error when left out. */
  readonly log?: Logger
}

export interface RunningServer {
  /** The bound addresses, as they would be typed. */
  readonly addresses: readonly string[]
  /** The first of them. */
  readonly address: string
  readonly requestsInFlight: number
  /** Stops accepting, finishes requests in flight, then resolves. */
  close(): Promise<void>
}

/**
 * Serves an application in this process.
 *
 * Rejects with `TSGI_ERR_BIND_INVALID`, `TSGI_ERR_ADDRESS_IN_USE`, `TSGI_ERR_LISTEN`, `TSGI_ERR_SOCKET_PATH_TOO_LONG`.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const binds = typeof options.bind === 'string' ? [options.bind] : options.bind
  const parsed = binds.map(parseBindAddress)
  const server = new Server({
    handler: applicationHandler(options.application),
    log: options.log ?? STDERR_LOG,
    mountPoint: options.mountPoint ?? '',
    maxRequestBodyBytes: options.maxRequestBodyBytes ?? 0,
  })
  const listenOptions = {
    ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
    ...(options.socketMode === undefined ? {} : { mode: options.socketMode }),
  }
  const addresses: string[] = []
  try {
    for (const address of parsed) addresses.push(formatBindAddress(await server.listen(address, listenOptions)))
  } catch (error) {
    await server.close()
    throw error
  }
  return {
    addresses,
    address: addresses[0] ?? '',
    get requestsInFlight() {
      return server.requestsInFlight
    },
    close: () => server.close(),
  }
}

/** Warnings and errors on standard error, one event a line. */
const STDERR_LOG: Logger = {
  error: (message, error) => console.error(message, error ?? ''),
  warn: (message, error) => console.warn(message, error instanceof Error ? error.message : ''),
  info: () => {},
  debug: () => {},
}
