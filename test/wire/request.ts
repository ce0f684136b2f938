/** A request as a test writes it, before any protocol. */
export interface WireRequest {
  method?: string
  /** The request target, raw: `/a%2Fb?x=1`. */
  target?: string
  /** In order; names as a client writes them. */
  headers?: readonly (readonly [name: string, value: string])[]
  body?: Uint8Array
  /**
   * What the client says about the body's length. Default: Content-Length when there is a body.
   * `chunked`: HTTP chunks; over FastCGI a body without CONTENT_LENGTH. Over uwsgi there is no such thing.
   */
  length?: number | 'chunked'
  /** Added to, or put in the place of, the variables of a gateway request. undefined leaves one out. */
  params?: Readonly<Record<string, string | undefined>>
}

/**
 * The variables that the project's nginx configuration would send for this request, in its order:
 * SCRIPT_NAME empty, PATH_INFO decoded once (as nginx's `$document_uri`), REQUEST_URI raw.
 */
export function gatewayParams(request: WireRequest): string[] {
  const { method = 'GET', target = '/', headers = [], body, length, params = {} } = request
  const question = target.indexOf('?')
  const path = question < 0 ? target : target.slice(0, question)
  const contentLength = length === 'chunked' ? '' : String(length ?? body?.length ?? '')
  const core: [string, string][] = [
    ['REQUEST_URI', target],
    ['REQUEST_METHOD', method],
    ['QUERY_STRING', question < 0 ? '' : target.slice(question + 1)],
    ['SCRIPT_NAME', ''],
    ['PATH_INFO', percentDecoded(path)],
    ['CONTENT_TYPE', headerValue(headers, 'content-type') ?? ''],
    ['CONTENT_LENGTH', contentLength],
    ['SERVER_PROTOCOL', 'HTTP/1.1'],
    ['REQUEST_SCHEME', 'http'],
    ['REMOTE_ADDR', '192.0.2.7'],
    ['REMOTE_PORT', '40000'],
    ['SERVER_NAME', 'tsgi.test'],
    ['SERVER_PORT', '8000'],
  ]
  if (headerValue(headers, 'host') === undefined) core.push(['HTTP_HOST', 'tsgi.test:8000'])
  for (const [name, value] of headers) core.push([`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, value])
  const pairs = core.flatMap(([name, value]): [string, string][] => {
    if (!(name in params)) return [[name, value]]
    const replaced = params[name]
    return replaced === undefined ? [] : [[name, replaced]]
  })
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && !pairs.some(([present]) => present === name)) pairs.push([name, value])
  }
  return pairs.flat()
}

/** The head of an HTTP/1.1 request, latin-1. */
export function httpRequestHead(request: WireRequest): string {
  const { method = 'GET', target = '/', headers = [], body, length } = request
  const lines = [`${method} ${target} HTTP/1.1`]
  if (headerValue(headers, 'host') === undefined) lines.push('Host: tsgi.test:8000')
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  if (length === 'chunked') lines.push('Transfer-Encoding: chunked')
  else if (length !== undefined || body !== undefined) lines.push(`Content-Length: ${length ?? body?.length ?? 0}`)
  return lines.join('\r\n') + '\r\n\r\n'
}

function headerValue(headers: readonly (readonly [string, string])[], name: string): string | undefined {
  return headers.find(([present]) => present.toLowerCase() === name)?.[1]
}

function percentDecoded(path: string): string {
  return path.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
