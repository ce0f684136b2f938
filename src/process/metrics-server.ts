import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import { quote, TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { OPENMETRICS_TYPE, openMetricsText, PROMETHEUS_TYPE, prometheusText } from '../metrics/exposition.ts'
import { formatBindAddress } from '../server/address.ts'
import type { BindAddress } from '../server/address.ts'
import { SocketPath } from '../server/socket-path.ts'
import type { Settings } from '../settings/settings.ts'
import type { MetricsSource } from './metrics-source.ts'

/** Those who scrape are few. */
const MAX_CONNECTIONS = 32

/** For the head of a request, and between two; a scrape is one small request now and then. Milliseconds. */
const HEAD_MS = 5000
const KEEP_ALIVE_MS = 65_000

/** How often an address is tried that another master still has, milliseconds. */
const RETRY_MS = 500

export interface MetricsServerOptions {
  readonly settings: Pick<Settings<'serve'>, 'metrics' | 'metricsBind'>
  readonly source: MetricsSource
  readonly log: Logger
  readonly takeOver?: boolean
}

/** Gives what is counted by HTTP: `GET /metrics` as Prometheus asks for it, `GET /metrics.json`. */
export class MetricsServer {
  readonly #http: Server
  readonly #address: BindAddress
  #path: SocketPath | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(address: BindAddress, source: MetricsSource, log: Logger) {
    this.#address = address
    this.#http = createServer(
      { headersTimeout: HEAD_MS, requestTimeout: HEAD_MS, keepAliveTimeout: KEEP_ALIVE_MS, connectionsCheckingInterval: HEAD_MS },
      (request, response) => {
        answer(source, request, response).catch((error: unknown) => {
          log.warn('metrics could not be given', error)
          response.destroy()
        })
      },
    )
    this.#http.maxConnections = MAX_CONNECTIONS
    this.#http.on('error', (error) => log.warn('the address of the metrics', error))
    // Supervision is what keeps the process alive.
    this.#http.unref()
  }

  /**
   * Listens where the settings say so. `takeOver`: the master whose place this one takes may still have the address; then it is
   * tried again until it is free.
   *
   * Rejects as `listen` does, and with `TSGI_ERR_OPTION` where nothing is counted.
   */
  static async open({ settings, source, log, takeOver = false }: MetricsServerOptions): Promise<MetricsServer | undefined> {
    const { metrics, metricsBind } = settings
    if (metricsBind === undefined) return undefined
    if (!metrics) throw new TsgiError('TSGI_ERR_OPTION', '--metrics-bind has nothing to give: --no-metrics')
    const server = new MetricsServer(metricsBind, source, log)
    try {
      log.info(`metrics at ${formatBindAddress(await server.listen(takeOver))}, /metrics`)
    } catch (error) {
      if (!takeOver) throw error
      server.#listenLater()
    }
    return server
  }

  /** Resolves with the real address. Rejects with `TSGI_ERR_ADDRESS_IN_USE`, `TSGI_ERR_LISTEN`, `TSGI_ERR_SOCKET_PATH_TOO_LONG`. */
  async listen(takeOver = false): Promise<BindAddress> {
    const address = this.#address
    if (address.type === 'fd')
      throw new TsgiError('TSGI_ERR_OPTION', `--metrics-bind takes no descriptor: ${formatBindAddress(address)}`)
    if (address.type === 'tcp') {
      await listening(this.#http, { host: address.host, port: address.port }, formatBindAddress(address))
      const bound = this.#http.address()
      return typeof bound === 'object' && bound !== null ? { ...address, port: bound.port } : address
    }
    const path = new SocketPath(address.path)
    await path.claim(takeOver)
    await listening(this.#http, { path: path.temporary }, formatBindAddress(address))
    path.setMode(SOCKET_MODE)
    path.publish()
    this.#path = path
    return address
  }

  #listenLater(): void {
    this.#retry = setTimeout(() => {
      this.listen().catch(() => this.#listenLater())
    }, RETRY_MS).unref()
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#path?.remove()
    this.#http.close()
    this.#http.closeAllConnections()
  }
}

/** Its user's, and those of its group. */
const SOCKET_MODE = 0o660

async function answer(source: MetricsSource, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume()
  const path = request.url?.replace(/\?.*$/, '')
  if (path !== '/metrics' && path !== '/metrics.json') return end(response, 404, 'There is /metrics, and /metrics.json\n')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return end(response, 405, 'Metrics are read: GET\n')
  }
  const snapshot = await source.fresh()
  response.setHeader('Cache-Control', 'no-store')
  if (path === '/metrics.json') return end(response, 200, `${JSON.stringify(snapshot)}\n`, 'application/json')
  if (wantsOpenMetrics(request.headers.accept)) return end(response, 200, openMetricsText(snapshot), OPENMETRICS_TYPE)
  return end(response, 200, prometheusText(snapshot), PROMETHEUS_TYPE)
}

/** Prometheus names it first where it can read it. */
function wantsOpenMetrics(accept = ''): boolean {
  return /application\/openmetrics-text(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(accept)
}

function end(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

function listening(http: Server, where: { path: string } | { host: string; port: number }, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const code = error.code === 'EADDRINUSE' ? 'TSGI_ERR_ADDRESS_IN_USE' : 'TSGI_ERR_LISTEN'
      reject(new TsgiError(code, `--metrics-bind ${quote(name).slice(1, -1)}: ${error.message}`, { cause: error }))
    }
    http.once('error', failed)
    http.listen(where, () => {
      http.off('error', failed)
      resolve()
    })
  })
}
