import type { RequestListener, Server as HttpServer } from 'node:http'
import { fetchHandler } from '../adapters/fetch-application.ts'
import type { FetchFunction } from '../adapters/fetch-application.ts'
import { nodeApplication } from '../adapters/framework.ts'
import { nodeHandler } from '../adapters/node-application.ts'
import type { Application, Lifespan } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import type { RequestHandler } from '../gateway/request-handler.ts'
import { applicationHandler } from '../gateway/run-application.ts'
import { formatBindAddress, parseBindAddress } from './address.ts'
import { LifespanRunner } from './lifespan.ts'
import { Server } from './server.ts'
import type { Protocol } from './server.ts'

/** Where and how to serve. */
export interface AttachOptions {
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

/** One application, of any of the three kinds. */
export type ServeOptions = AttachOptions & {
  /** Startup and shutdown of the application; its own `lifespan` where this is left out. */
  readonly lifespan?: Lifespan | undefined
} & (
    | { /** A TSGI application. */ readonly application: Application }
    | { /** As Hono and h3 have it. */ readonly fetch: FetchFunction }
    | {
        /** A `(req, res)` function, or an Express, Connect, Fastify, Koa or Nest application. */
        readonly listener: RequestListener | object
      }
  )

export interface RunningServer {
  /** The bound addresses, as they would be typed. */
  readonly addresses: readonly string[]
  /** The first of them. */
  readonly address: string
  readonly requestsInFlight: number
  /**
   * Stops accepting, finishes requests in flight, waits for the application's shutdown, then resolves.
   * Rejects with `TSGI_ERR_LIFESPAN` where that fails; everything is closed then, too.
   */
  close(): Promise<void>
}

/**
 * Serves an application in this process. Its startup is waited for before anybody can connect, without a limit of time.
 *
 * Rejects with `TSGI_ERR_BIND_INVALID`, `TSGI_ERR_ADDRESS_IN_USE`, `TSGI_ERR_LISTEN`, `TSGI_ERR_SOCKET_PATH_TOO_LONG`,
 * `TSGI_ERR_APP_EXPORT` where none of `application`, `fetch` and `listener` is given, `TSGI_ERR_LIFESPAN` where the startup fails.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const own = 'application' in options ? options.application.lifespan : undefined
  const lifespan = new LifespanRunner(options.lifespan ?? own)
  const handler = await handlerOf(options, options.log ?? STDERR_LOG)
  await lifespan.startup()
  try {
    const server = await listen(handler, options)
    return {
      addresses: server.addresses,
      address: server.address,
      get requestsInFlight() {
        return server.requestsInFlight
      },
      async close() {
        const told = lifespan.stopping()
        await server.close()
        await told.catch((error: unknown) => (options.log ?? STDERR_LOG).error('the application', error))
        await lifespan.shutdown()
      },
    }
  } catch (error) {
    // Why nobody can connect counts more than what the shutdown then says.
    await lifespan.shutdown().catch(() => {})
    throw error
  }
}

/**
 * Serves the requests and upgrades of an existing `http.Server`, which may listen on a port of its own as well: its 'request' and
 * 'upgrade' listeners are called, whether they were added before or are added later.
 *
 * Rejects as `serve` does.
 */
export async function attach(server: HttpServer, options: AttachOptions): Promise<RunningServer> {
  return listen(nodeHandler(server, options.log ?? STDERR_LOG), options)
}

async function handlerOf(options: ServeOptions, log: Logger): Promise<RequestHandler> {
  if ('application' in options) return applicationHandler(options.application)
  if ('fetch' in options) return fetchHandler(options.fetch)
  if ('listener' in options) return nodeHandler((await nodeApplication(options.listener)).server, log)
  throw new TsgiError('TSGI_ERR_APP_EXPORT', 'serve() needs application, fetch or listener')
}

async function listen(handler: RequestHandler, options: AttachOptions): Promise<RunningServer> {
  const binds = typeof options.bind === 'string' ? [options.bind] : options.bind
  const parsed = binds.map((each) => parseBindAddress(each))
  const server = new Server({
    handler,
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
