import type { LogLevel } from '../interface/logger.ts'

/** The protocol between the proxy and the workers. */
export type Wire = 'fastcgi' | 'uwsgi' | 'scgi' | 'http'

/** A literal IPv4 or IPv6 address (no brackets, no zone) and its port. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Where a log goes: an absolute path, or the terminal of the launcher. */
export type LogTarget = { readonly file: string } | 'terminal'

/** Where the access log goes: there, or to syslog, in nginx's words: `server=127.0.0.1:514,facility=user`; or nowhere. */
export type AccessTarget = LogTarget | { readonly syslog: string } | 'off'

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
  /** Between two reads of what another server answers, for `proxyMounts` and `proxyHosts`. */
  readonly otherReadMs: number
  /** For requests in flight when the proxy stops. */
  readonly shutdownMs: number
}

/** Limits that only some proxies have, against clients that send a little at a time. Absent: the proxy's usual ones. */
export interface SlowClients {
  /** A request's head may take so long where bytes keep coming, milliseconds. */
  readonly headerMaxMs?: number
  /** How many bytes of a head, a second, lengthen its time. */
  readonly headerMinRate?: number
  readonly bodyMaxMs?: number
  readonly bodyMinRate?: number
}

/** An application and where it is served. */
export interface MountedApplication {
  /** Empty, or `/x` with no slash at its end, not percent-encoded. */
  readonly mountPoint: string
  /** Absolute path of its workers' socket. */
  readonly socketPath: string
  /** The option that it came from. */
  readonly option: 'mount-point' | 'mount'
  /** Its workers are on other hosts, in place of the socket. nginx only. */
  readonly remote?: RemoteWorkers
}

/** Workers that a proxy reaches over TCP. */
export interface RemoteWorkers {
  /** `host:port` or `[::1]:port`; a name stands for all its addresses. */
  readonly servers: readonly string[]
  /** Who is asked for the names again and again (address or name), so that hosts may come and go; left out: they are looked up once. */
  readonly resolver?: string
  /** The one with the fewest requests, or the one that a cookie of this name leads to. */
  readonly balance: 'least-conn' | { readonly cookie: string }
}

/** HTTPS. TLS 1.2 and 1.3 only. */
export interface Tls {
  readonly listen: readonly ListenAddress[]
  /** Absolute path of the certificate with its chain, PEM. */
  readonly certificateFile: string
  /** Absolute path. */
  readonly keyFile: string
  readonly http2: boolean
  /** Plain HTTP only redirects to HTTPS. */
  readonly only: boolean
  /** The value of Strict-Transport-Security. */
  readonly hstsPolicy?: string
  /** Client certificates are checked against this authority (absolute path, PEM)... */
  readonly clients?: {
    readonly caFile: string
    /** ...and demanded below these URLs; empty: everywhere. */
    readonly urls: readonly string[]
  }
  /** The application gets SSL_PROTOCOL, SSL_CIPHER and what is known of the client's certificate. */
  readonly environment: boolean
}

/** Which names the server answers to. */
export interface Hosts {
  /** Every name that is served, the canonical one first: `www.example.com`, `*.example.com`. A request for any other is refused, 421. */
  readonly names: readonly string[]
  /** This name is redirected to the canonical one: `example.com` where that is `www.example.com`. */
  readonly redirected?: string
  /** `localhost` and loopback addresses are served, too. */
  readonly localhost: boolean
}

/** What is served from the disk. Names that begin with a dot never are, `.well-known` apart. */
export interface StaticFiles {
  /** Absolute. A file in it goes before the application. */
  readonly documentRoot?: string
  /** URL paths that are files or directories of the disk, and never the application. `path` is absolute. */
  readonly aliases: readonly { readonly url: string; readonly path: string; readonly kind: 'file' | 'directory' }[]
  /** The file that stands for its directory: `index.html`. */
  readonly directoryIndex?: string
  readonly directoryListing: boolean
}

/** Who forwards requests to this proxy and may say for whom. */
export interface TrustedProxies {
  /** Addresses and networks: `10.0.0.0/8`, `::1`. */
  readonly networks: readonly string[]
  /** The header with the client's address: `X-Forwarded-For`. X-Forwarded-Proto, -Host and -Port are believed, too. */
  readonly header: string
}

/** The application is asked about every request. */
export interface Authentication {
  /** URL path that the application answers with 2xx (and the user's name in X-Remote-User), 401 or 403. */
  readonly url: string
  /** URL paths below which nobody is asked: where users log in. */
  readonly exempt: readonly string[]
}

/** The page while the application cannot be reached, or while the operator says so. */
export interface Maintenance {
  /** Absolute path of an HTML file. */
  readonly page: string
  /** Absolute path; while this file exists, the page is all that is served. */
  readonly flag: string
  readonly retryAfterS: number
  /** A request with this secret in X-TSGI-Probe is served all the same: the launcher's own at a start. Absent: none is. */
  readonly probeToken?: string
}

/** One site, in words of no proxy: what nginx's configuration, and any other's, is written from. Every path is absolute. */
export interface Site {
  readonly listen: readonly ListenAddress[]
  readonly tls?: Tls
  /** SERVER_NAME: a host name, an IPv4 address, or an IPv6 address in brackets. */
  readonly serverName: string
  /** Absent: every name is served. */
  readonly hosts?: Hosts
  /** Connections that wait to be accepted; absent: the proxy's usual number. */
  readonly backlog?: number
  readonly wire: Wire
  /** At least one; no two with one mount point. */
  readonly applications: readonly [MountedApplication, ...MountedApplication[]]
  readonly files: StaticFiles
  /** URL paths that other HTTP servers answer, WebSockets included: `http://127.0.0.1:9000/x`. */
  readonly proxyMounts: readonly { readonly url: string; readonly backend: string }[]
  /** Host names that other HTTP servers answer. */
  readonly proxyHosts: readonly { readonly host: string; readonly backend: string }[]
  readonly trust?: TrustedProxies
  readonly authentication?: Authentication
  readonly maintenance?: Maintenance
  /** What is shown in place of an error with this status: a path of this server. */
  readonly errorDocuments: readonly { readonly code: number; readonly url: string }[]
  /** These stand for the application's own errors, too. */
  readonly errorOverride: boolean
  /** Text is sent compressed to those who take it. */
  readonly compress: boolean
  readonly limits: {
    /** Largest request body, bytes; 0: no limit. */
    readonly requestBodyBytes: number
    /** Connections of clients at a time; absent: the proxy's usual number. */
    readonly clients?: number
  }
  readonly timeouts: ProxyTimeouts
  readonly slowClients: SlowClients
  readonly logs: {
    readonly access: AccessTarget
    /** `combined`, the default, `common`, `json`, or atoms. */
    readonly accessFormat?: string
    readonly error: LogTarget
    /** Absolute path of what the launcher reads to explain requests that failed. Absent: nobody does. */
    readonly failures?: string
    readonly level: LogLevel
  }
  /** The operator's own rules, in the proxy's words: read within the server, never written by us. */
  readonly includeFiles: readonly string[]
  /** The private directory of this instance. */
  readonly serverRoot: string
  readonly pidPath: string
  /** Who the proxy's workers run as; only a launcher that is root can choose. */
  readonly runAs?: { readonly user: string; readonly group: string }
  /** Worker processes of the proxy. */
  readonly proxyWorkers: number
}

/** How long an upgraded connection may be silent, milliseconds: WebSockets have pings of their own. */
export const UPGRADE_READ_MS = 3_600_000

/** The least that the proxy waits for more of a response, milliseconds: nginx's usual wait. */
const LEAST_READ_MS = 60_000

/** What the proxy waits beyond the workers' own limits, so that it is they who answer 504 or 503, milliseconds. */
const READ_MARGIN_MS = 10_000

/** The proxy's wait where requests may take any time. It knows no other word for that. Milliseconds. */
const NO_LIMIT_MS = 24 * 3_600_000

/** How long the proxy lets a worker be silent, milliseconds. Never less than usual: a response that has begun has no limit but this. */
export function readTimeoutMs(limits: { requestTimeoutMs: number; workerConcurrency: number; queueTimeoutMs: number }): number {
  if (limits.requestTimeoutMs === 0) return NO_LIMIT_MS
  const queueMs = limits.workerConcurrency === 0 ? 0 : limits.queueTimeoutMs
  return Math.max(LEAST_READ_MS, queueMs + limits.requestTimeoutMs + READ_MARGIN_MS)
}
