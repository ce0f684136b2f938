/**
 * Every error this project raises, by code. A code is never reused for another meaning.
 * docs/errors.md explains each to the operator; a test ties the two together.
 */
export const ERROR_CODES = {
  // What a client or a proxy sent. `status` is what the client sees; null: the connection is closed.
  TSGI_ERR_UWSGI_PACKET: { status: null, text: 'Malformed uwsgi packet' },
  TSGI_ERR_UWSGI_MODIFIER: { status: null, text: 'Unsupported uwsgi modifier' },
  TSGI_ERR_FASTCGI_RECORD: { status: null, text: 'Malformed FastCGI record' },
  TSGI_ERR_FASTCGI_PARAMS: { status: null, text: 'Malformed FastCGI params' },
  TSGI_ERR_SCGI_REQUEST: { status: null, text: 'Malformed SCGI request' },
  TSGI_ERR_PARAMS_TOO_LARGE: { status: null, text: 'Request parameters over the limit' },
  TSGI_ERR_PROTOCOL_UNKNOWN: { status: null, text: 'The first byte belongs to no protocol spoken here' },
  TSGI_ERR_HEADER_TIMEOUT: { status: null, text: 'The request did not arrive in time' },
  TSGI_ERR_CONTENT_LENGTH: { status: 400, text: 'Invalid Content-Length' },
  TSGI_ERR_BODY_LENGTH: { status: 400, text: 'The body is not as long as Content-Length says' },
  TSGI_ERR_BODY_TIMEOUT: { status: 408, text: 'The request body does not come on' },
  TSGI_ERR_BODY_LIMIT: { status: 413, text: 'The request body is over the limit' },
  TSGI_ERR_CGI: { status: null, text: 'No CGI request' },
  TSGI_ERR_REQUEST_INVALID: { status: 400, text: 'Invalid request' },
  TSGI_ERR_OVERLOAD: { status: 503, text: 'More requests than the worker may serve at a time' },
  TSGI_ERR_CLIENT_DISCONNECTED: { status: null, text: 'The client left before the request was complete' },
  // What an application did.
  TSGI_ERR_STATUS_INVALID: { status: 500, text: 'Invalid status' },
  TSGI_ERR_HEADER_INVALID: { status: 500, text: 'Invalid response header' },
  TSGI_ERR_RESPONSE_STARTED: { status: 500, text: 'startResponse was called twice' },
  TSGI_ERR_RESPONSE_NOT_STARTED: { status: 500, text: 'startResponse was not called' },
  TSGI_ERR_BODY_INVALID: { status: 500, text: 'Invalid response body' },
  TSGI_ERR_BODY_TOO_LONG: { status: 500, text: 'The response body is longer than its Content-Length' },
  TSGI_ERR_BODY_TOO_SHORT: { status: 500, text: 'The response body is shorter than its Content-Length' },
  TSGI_ERR_APPLICATION: { status: 500, text: 'The application failed' },
  TSGI_ERR_REQUEST_TIMEOUT: { status: 504, text: 'The application did not answer in time' },
  TSGI_ERR_SLOW_REQUEST: { status: null, text: 'A request takes long' },
  TSGI_ERR_LINT: { status: 500, text: 'A rule of TSGI 1.0 is broken' },
  TSGI_ERR_UPGRADE: { status: 500, text: 'The connection cannot be taken over' },
  TSGI_ERR_ROUTE: { status: null, text: 'Invalid rule for URLs' },
  TSGI_ERR_URL_BUILD: { status: 500, text: 'No URL can be built' },
  // Finding and loading the application.
  TSGI_ERR_APP_NOT_FOUND: { status: null, text: 'There is no application here' },
  TSGI_ERR_APP_EXPORT: { status: null, text: 'The module gives no application' },
  TSGI_ERR_APP_AMBIGUOUS: { status: null, text: 'The module gives more than one application' },
  TSGI_ERR_APP_LOAD: { status: null, text: 'The application failed while loading' },
  TSGI_ERR_LIFESPAN: { status: null, text: 'The application failed in its startup or shutdown' },
  // Settings.
  TSGI_ERR_OPTION: { status: null, text: 'Invalid option' },
  TSGI_ERR_CONFIG: { status: null, text: 'The configuration file cannot be used' },
  // Sockets.
  TSGI_ERR_BIND_INVALID: { status: null, text: 'Invalid address to bind' },
  TSGI_ERR_ADDRESS_IN_USE: { status: null, text: 'The address is in use' },
  TSGI_ERR_SOCKET_PATH_TOO_LONG: { status: null, text: 'The socket path is too long' },
  TSGI_ERR_LISTEN: { status: null, text: 'Cannot listen' },
  TSGI_ERR_HOOK: { status: null, text: 'A hook failed' },
  // Processes.
  TSGI_ERR_WORKER_BOOT: { status: null, text: 'A worker did not start' },
  TSGI_ERR_WORKER_EXIT: { status: null, text: 'A worker ended unexpectedly' },
  TSGI_ERR_RELOAD: { status: null, text: 'The reload was given up' },
  TSGI_ERR_MASTER_UPGRADE: { status: null, text: 'The new master did not take over' },
  TSGI_ERR_WORKER_STUCK: { status: null, text: 'The event loop is stuck' },
  TSGI_ERR_CONTROL: { status: null, text: 'The control command failed' },
  TSGI_ERR_CONTROL_UNREACHABLE: { status: null, text: 'No server takes the command' },
  TSGI_ERR_LOG: { status: null, text: 'A log cannot be opened' },
  TSGI_ERR_RECORD: { status: null, text: 'The record cannot be used' },
  TSGI_ERR_STATSD: { status: null, text: 'Metrics do not reach statsd' },
  // The proxy and the launcher.
  TSGI_ERR_PROXY_NOT_FOUND: { status: null, text: 'The proxy is not installed' },
  TSGI_ERR_PROXY_CONFIG: { status: null, text: 'The proxy refused its configuration' },
  TSGI_ERR_PROXY_EXIT: { status: null, text: 'The proxy ended unexpectedly' },
  TSGI_ERR_PROBE: { status: null, text: 'No answer through the proxy' },
  TSGI_ERR_SERVER_ROOT: { status: null, text: 'The server root cannot be used' },
  // Requests that failed between the proxy and a worker. `status` is null: it is the proxy that answers.
  TSGI_ERR_REQUEST_STUCK: { status: null, text: 'The request was lost with a worker whose event loop was stuck' },
  TSGI_ERR_REQUEST_OOM: { status: null, text: 'The request was lost with a worker that the system killed for lack of memory' },
  TSGI_ERR_REQUEST_HEAP: { status: null, text: 'The request was lost with a worker whose JavaScript heap was full' },
  TSGI_ERR_REQUEST_EXCEPTION: { status: null, text: 'The request was lost with a worker that ended for an exception' },
  TSGI_ERR_REQUEST_KILLED: { status: null, text: 'The request was lost with a worker that was ended by a signal' },
  TSGI_ERR_REQUEST_EXIT: { status: null, text: 'The request was lost with a worker whose application ended the process' },
  TSGI_ERR_REQUEST_STOPPED: { status: null, text: 'The request was lost with a worker that had to stop' },
  TSGI_ERR_RESPONSE_HEAD_TOO_LARGE: { status: null, text: 'The head of the response is too large for the proxy' },
  TSGI_ERR_PROXY_TIMEOUT: { status: null, text: 'The proxy waited too long for a worker' },
  TSGI_ERR_SOCKET_MISSING: { status: null, text: "The workers' socket is not there" },
  TSGI_ERR_SOCKET_FORBIDDEN: { status: null, text: "The proxy may not use the workers' socket" },
  TSGI_ERR_SOCKET_REFUSED: { status: null, text: "Nobody listens on the workers' socket" },
  TSGI_ERR_BACKLOG_FULL: { status: null, text: 'The queue of connections to the workers is full' },
  TSGI_ERR_PROXY_LIMIT: { status: null, text: 'The proxy has no room for another connection' },
  TSGI_ERR_RESPONSE_MALFORMED: { status: null, text: 'What came back to the proxy is no response' },
  TSGI_ERR_RESPONSE_CUT: { status: null, text: 'The connection was closed before the response was complete' },
  TSGI_ERR_REQUEST_LOST: { status: null, text: 'The request was lost between the proxy and the workers' },
} as const satisfies Record<string, { status: number | null; text: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** An error with a code from the catalogue. `message` is for the operator's log, never for a client. */
export class TsgiError extends Error {
  override readonly name = 'TsgiError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(detail === undefined ? ERROR_CODES[code].text : `${ERROR_CODES[code].text}: ${detail}`, options)
    this.code = code
  }

  /** The status a client sees, or null where the connection is closed without one. */
  get status(): number | null {
    return ERROR_CODES[this.code].status
  }
}

/**
 * An error as a part of another one's message: its code and what it says beyond that code's own text. One that is there only to
 * carry another gives that other one.
 */
export function inShort({ code, message }: { readonly code: ErrorCode; readonly message: string }): string {
  const detail = detailOf({ code, message })
  return detail.startsWith('TSGI_ERR_') ? detail : `${code} ${detail}`
}

/** What an error says beyond its code's own text; all of it where that is nothing. */
export function detailOf({ code, message }: { readonly code: ErrorCode; readonly message: string }): string {
  const { text } = ERROR_CODES[code]
  return message.startsWith(`${text}: `) ? message.slice(text.length + 2) : message
}

/** Longest piece of a foreign value that a message quotes, in characters. */
const QUOTE_LIMIT = 80

/** Quotes a foreign value for a message: bounded, with control characters escaped, so that it cannot forge a log line. */
export function quote(value: unknown): string {
  let text: string
  if (typeof value === 'string') text = value
  else if (value instanceof Error) text = `${value.name}: ${value.message}`
  else if (typeof value === 'function') text = `function ${value.name || '(anonymous)'}`
  else if (typeof value === 'object' && value !== null) text = `object ${value.constructor?.name ?? '(no prototype)'}`
  else text = String(value)
  const cut = text.length > QUOTE_LIMIT
  return (
    JSON.stringify(cut ? text.slice(0, QUOTE_LIMIT) : text).replace(/[\x7f-\x9f\u2028\u2029]/g, escapeCharacter) +
    (cut ? '…' : '')
  )
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Whether the error only says that a signal was aborted for this reason, in our words or in those of Node's own functions. */
export function saysAborted(error: unknown, reason: Error | undefined): boolean {
  return reason !== undefined && (error === reason || (error instanceof Error && error.name === 'AbortError'))
}
