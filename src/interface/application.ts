/**
 * TSGI 1.0: the types an application and a server share.
 *
 * PEP 3333's `application(environ, start_response)`, made for asynchronous TypeScript.
 */

import type { Duplex } from 'node:stream'

/** The request body, bounded by the request: it ends where the body ends, whatever is read. */
export interface InputStream extends AsyncIterable<Uint8Array> {
  /**
   * Reads `size` bytes, fewer only where the body ends first; without `size` all that is left.
   * Resolves to an empty array at the end of the body.
   * Rejects with `TSGI_ERR_CLIENT_DISCONNECTED` when the client leaves before the body is complete.
   */
  read(size?: number): Promise<Uint8Array>
  /** Reads up to and including the next LF, at most `size` bytes. An empty array is the end of the body. */
  readline(size?: number): Promise<Uint8Array>
  /** Reads all lines that are left; stops after the line in which `hint` bytes are reached. */
  readlines(hint?: number): Promise<Uint8Array[]>
}

/** Where an application writes what the operator should read: the server's error log. */
export interface ErrorStream {
  write(text: string): void
  flush(): void
}

/** Wraps a file or any async iterable of chunks so that the server may send it in the cheapest way. */
export type FileWrapper = (source: AsyncIterable<Uint8Array> & { close?: () => unknown }, blockSize?: number) => ResponseBody

/**
 * Takes the connection over, to speak another protocol on it: what is written to it reaches the client, and what the client sends
 * is read from it. Nothing has been answered yet: the application writes the `101 Switching Protocols` response, or another one,
 * by itself, as a listener of Node's 'upgrade' event does. What it then returns is ignored. The connection is the application's
 * to close; when the server stops it is closed with the time that requests are given.
 *
 * Throws `TSGI_ERR_UPGRADE` once the connection was taken over or the response has begun.
 */
export type Upgrade = () => Duplex

/**
 * One request, as CGI/1.1 variables in capitals (RFC 3875, section 4.1) and `tsgi.*` keys.
 *
 * The object belongs to the application: it may be changed. Header text is latin-1, one character a byte.
 */
export interface Environ {
  REQUEST_METHOD: string
  /** The mount point under which the application is served: empty, or `/…` with no slash at its end. Decoded. */
  SCRIPT_NAME: string
  /** What follows the mount point, percent-decoded once as UTF-8. Empty or `/…`. */
  PATH_INFO: string
  /** What follows the first `?`, raw, without it. */
  QUERY_STRING: string
  /** The request target as the client sent it. */
  REQUEST_URI: string
  SERVER_NAME: string
  SERVER_PORT: string
  SERVER_PROTOCOL: string
  CONTENT_TYPE?: string
  /** Decimal digits; absent when the request has no body or one of unknown length. */
  CONTENT_LENGTH?: string
  REMOTE_ADDR?: string
  REMOTE_PORT?: string
  'tsgi.version': readonly [1, 0]
  'tsgi.url_scheme': 'http' | 'https'
  'tsgi.input': InputStream
  'tsgi.errors': ErrorStream
  /** Always false: one worker runs one JavaScript thread. */
  'tsgi.multithread': boolean
  /** True when other workers may run the same application at the same time. */
  'tsgi.multiprocess': boolean
  'tsgi.run_once': boolean
  'tsgi.file_wrapper': FileWrapper
  /** Aborted when the client leaves, the request times out or the server gives it up. */
  'tsgi.signal': AbortSignal
  /** Identifies this request in every log line. */
  'tsgi.request_id': string
  /** Where the client asks for another protocol (HTTP_UPGRADE names it) and the way to it can carry one; else absent. */
  'tsgi.upgrade'?: Upgrade
  /** HTTP_* and whatever else the proxy sends. */
  [variable: string]: unknown
}

/** What ends up in the response body. A string is sent as UTF-8. */
export type Chunk = string | Uint8Array

/** The body of a response. An object's `close()`, when there is one, is called once, however the request ends. */
export type ResponseBody =
  | Chunk
  | null
  | ((Iterable<Chunk> | AsyncIterable<Chunk> | ReadableStream<Uint8Array>) & { close?: () => unknown })

/** `[name, value]`, latin-1, in the order they are sent; a name may occur more than once. */
export type HeaderPair = readonly [name: string, value: string]

/**
 * Sends body bytes before the application returns. Resolves when there is room for more.
 * The chunk is the server's from then on: it is not copied, so do not change it.
 * Rejects with `TSGI_ERR_CLIENT_DISCONNECTED` when the client has left; a rejection nobody awaits is harmless.
 */
export type Write = (chunk: Chunk) => Promise<void>

/** The error that a later `startResponse` reports: `[error]`, or the error itself. */
export type ExcInfo = readonly [error: unknown] | Error

/**
 * Sets status and headers. They are sent with the first byte of the body, or at its end when it is empty.
 *
 * `status` is `"200 OK"`: three digits from 200 to 599, a space and a reason.
 * A second call needs `excInfo`: it replaces a response not sent yet; once headers are sent it throws that error.
 *
 * Throws `TSGI_ERR_STATUS_INVALID`, `TSGI_ERR_HEADER_INVALID`, `TSGI_ERR_RESPONSE_STARTED`.
 */
export type StartResponse = (status: string, headers: readonly HeaderPair[], excInfo?: ExcInfo | null) => Write

/**
 * What an application does before its first request and behind its last one, in each process that serves it. `startup` and `shutdown`
 * may return a promise, and are waited for: within the time that the process has to start, and to end.
 */
export interface Lifespan {
  /** What it throws is a process that does not start; `shutdown` is not called then. */
  readonly startup?: (() => unknown) | undefined
  /**
   * The process begins to end: it finishes its requests, and takes no new ones soon. Streams that go on for ever should end now, or
   * they are cut off when the time is over. What it throws is logged.
   */
  readonly stopping?: (() => unknown) | undefined
  /** What it throws is logged. */
  readonly shutdown?: (() => unknown) | undefined
}

/** A TSGI application. */
export interface Application {
  (environ: Environ, startResponse: StartResponse): ResponseBody | Promise<ResponseBody>
  /** Holds where the module has no export of this name. */
  lifespan?: Lifespan | undefined
}

/** Takes an application and gives one. */
export type Middleware = (application: Application) => Application
