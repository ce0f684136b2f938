import type { LogLevel } from '../interface/logger.ts'

/** The protocol between the proxy and the workers. */
export type Wire = 'fastcgi' | 'uwsgi' | 'http'

/** A literal IPv4 or IPv6 address (no brackets, no zone) and its port. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Where a log goes: an absolute path, or the terminal of the launcher. */
export type LogTarget = { readonly file: string } | 'terminal'

/** Where the access log goes: there, or to syslog, in nginx's words: `server=127.0.0.1:514,facility=user`; or nowhere. */
export type AccessTarget = LogTarget | { readonly syslog: string } | 'off'

/** What is known of the installed proxy. */
export interface ProxyBuild {
  /** `1.22.1` */
  readonly version: string
  /** Modules that this build leaves out, as `nginx -V` names them: `http_scgi_module`. Their directives would be refused. */
  readonly without: ReadonlySet<string>
}

/** Waits of the proxy, milliseconds. */
export interface ProxyTimeouts {
  /** For the request's head, from the first byte of a connection on. */
  readonly headerMs: number
  /** Between two reads of the request's body. */
  readonly bodyMs: number
  /** For the client to take more of the response. */
  readonly sendMs: number
  /** Of an idle connection of a client. */
  readonly keepAliveMs: number
  /** For a worker to take a connection. */
  readonly connectMs: number
  /** Between two reads of a response. */
  readonly readMs: number
  /** Between two reads on a connection that was upgraded, such as a WebSocket. */
  readonly upgradeReadMs: number
  /** For requests in flight when the proxy stops. */
  readonly shutdownMs: number
}

/** One site, in words of no proxy: what nginx's configuration, and any other's, is written from. */
export interface Site {
  readonly listen: readonly ListenAddress[]
  /** SERVER_NAME: a host name, an IPv4 address, or an IPv6 address in brackets. */
  readonly serverName: string
  readonly wire: Wire
  /** Absolute path of the workers' socket. */
  readonly socketPath: string
  /** Empty, or `/x` with no slash at its end, not percent-encoded. */
  readonly mountPoint: string
  readonly limits: {
    /** Largest request body, bytes; 0: no limit. */
    readonly requestBodyBytes: number
  }
  readonly timeouts: ProxyTimeouts
  readonly logs: {
    readonly access: AccessTarget
    /** `combined`, the default, `common`, `json`, or atoms. */
    readonly accessFormat?: string
    readonly error: LogTarget
    readonly level: LogLevel
  }
  /** Absolute path of the private directory of this instance. */
  readonly serverRoot: string
  /** Who the proxy's workers run as; only a launcher that is root can choose. */
  readonly runAs?: { readonly user: string; readonly group: string }
  readonly proxy: ProxyBuild
  /** Worker processes of the proxy. */
  readonly proxyWorkers: number
}

/** mod_wsgi-express's and nginx's usual waits. */
export const DEFAULT_TIMEOUTS: Omit<ProxyTimeouts, 'shutdownMs'> = {
  headerMs: 15_000,
  bodyMs: 30_000,
  sendMs: 60_000,
  keepAliveMs: 65_000,
  connectMs: 15_000,
  readMs: 60_000,
  upgradeReadMs: 3_600_000,
}

/** What the proxy waits beyond the workers' own limits, so that it is they who answer 504 or 503, milliseconds. */
const READ_MARGIN_MS = 10_000

/** The proxy's wait where requests may take any time. It knows no other word for that. Milliseconds. */
const NO_LIMIT_MS = 24 * 3_600_000

/** How long the proxy lets a worker be silent, milliseconds. Never less than usual: a response that has begun has no limit but this. */
export function readTimeoutMs(limits: { requestTimeoutMs: number; workerConcurrency: number; queueTimeoutMs: number }): number {
  if (limits.requestTimeoutMs === 0) return NO_LIMIT_MS
  const queueMs = limits.workerConcurrency === 0 ? 0 : limits.queueTimeoutMs
  return Math.max(DEFAULT_TIMEOUTS.readMs, queueMs + limits.requestTimeoutMs + READ_MARGIN_MS)
}
