/** Limits that hold unless a setting says otherwise, each with its reason. */

/** Largest parameter block of one request, bytes. nginx sends at most 64 KiB, Apache was seen to pass 130 KB. */
export const MAX_PARAMS_BYTES = 256 * 1024

/** Request body bytes held for an application that does not read, per request. Two of nginx's STDIN records. */
export const INPUT_HIGH_WATER_BYTES = 64 * 1024

/** Response bytes held for a proxy that does not read, per request, before `write` asks the application to wait. */
export const OUTPUT_HIGH_WATER_BYTES = 64 * 1024

/** Requests that wait in one worker while it serves as many as it may. With what is held of their bodies, they take 64 MiB at most. */
export const MAX_QUEUED_REQUESTS = 1024

/** How long a connection may take to deliver the parameters of a request it has begun, milliseconds. */
export const HEADER_TIMEOUT_MS = 30_000

/** How long a connection may stay open with no request, milliseconds. Above nginx's 60 s, so that the proxy closes first. */
export const KEEP_ALIVE_TIMEOUT_MS = 90_000

/** How long a closed connection may go on sending what nobody reads any more, milliseconds. */
export const LINGER_TIMEOUT_MS = 10_000

/** Connections that wait to be accepted. nginx answers 502 at once when a unix socket's backlog is full. */
export const LISTEN_BACKLOG = 4096

/** Longest path of a unix socket, bytes without the closing NUL: `sun_path` is 108 on Linux, 104 elsewhere. */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103
