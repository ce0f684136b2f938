import type { HeaderPair } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { parseContentLength } from '../protocol/content-length.ts'

/** A checked status and header list, ready to be sent. */
export interface ResponseHead {
  /** `"200 OK"`. */
  readonly status: string
  readonly statusCode: number
  /** A copy without the fields that belong to the server. */
  readonly headers: HeaderPair[]
  /** The body's declared length in bytes, -1 when there is none. */
  readonly contentLength: number
}

/** Three digits and a reason phrase of visible characters, spaces, tabs and latin-1 (RFC 9112, section 4). */
const STATUS = /^[2-5][0-9][0-9](?: [\t\x20-\x7e\x80-\xff]*)?$/

/** A field name is a token (RFC 9110, section 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** A field value holds no control character but the tab (RFC 9110, section 5.5), and nothing that is no latin-1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Checks what an application gave to `startResponse` and copies it.
 *
 * Connection-level fields (RFC 9110, section 7.6.1) are left out: they belong to the proxy's connection with the client.
 * Throws `TSGI_ERR_STATUS_INVALID`, `TSGI_ERR_HEADER_INVALID`, `TSGI_ERR_CONTENT_LENGTH`.
 */
export function checkResponseHead(status: string, headers: readonly HeaderPair[]): ResponseHead {
  if (typeof status !== 'string' || !STATUS.test(status)) throw new TsgiError('TSGI_ERR_STATUS_INVALID', quote(status))
  if (!Array.isArray(headers)) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `${quote(headers)} is not a list of pairs`)
  const statusCode = Number(status.slice(0, 3))
  const kept: HeaderPair[] = []
  let contentLength = -1
  for (const pair of headers as readonly HeaderPair[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `${quote(pair)} is not [name, value]`)
    const [name, value] = pair as HeaderPair
    if (typeof name !== 'string' || !TOKEN.test(name)) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `name ${quote(name)}`)
    if (typeof value !== 'string' || !VALUE.test(value)) {
      throw new TsgiError('TSGI_ERR_HEADER_INVALID', `${name}: value ${quote(value)}`)
    }
    const kind = fieldKind(name)
    if (kind === 'server') continue
    if (kind === 'length') {
      if (statusCode === 204) continue
      const length = parseContentLength(value.trim())
      if (length === -1 || (contentLength !== -1 && contentLength !== length)) {
        throw new TsgiError('TSGI_ERR_CONTENT_LENGTH', `in the response: ${quote(value)}`)
      }
      if (contentLength !== -1) continue
      contentLength = length
    }
    kept.push(pair as HeaderPair)
  }
  return { status: status.length === 3 ? `${status} ` : status, statusCode, headers: kept, contentLength }
}

/** `server`: sent by the server or the proxy, never by an application. `Status` would be read as the status line of CGI. */
function fieldKind(name: string): 'length' | 'server' | 'application' {
  // Their lengths tell most fields apart without lower-casing every name.
  switch (name.length) {
    case 2:
      return name.toLowerCase() === 'te' ? 'server' : 'application'
    case 6:
      return name.toLowerCase() === 'status' ? 'server' : 'application'
    case 7: {
      const lower = name.toLowerCase()
      return lower === 'trailer' || lower === 'upgrade' ? 'server' : 'application'
    }
    case 10: {
      const lower = name.toLowerCase()
      return lower === 'connection' || lower === 'keep-alive' ? 'server' : 'application'
    }
    case 14:
      return name.toLowerCase() === 'content-length' ? 'length' : 'application'
    case 16:
      return name.toLowerCase() === 'proxy-connection' ? 'server' : 'application'
    case 17:
      return name.toLowerCase() === 'transfer-encoding' ? 'server' : 'application'
    case 18:
      return name.toLowerCase() === 'proxy-authenticate' ? 'server' : 'application'
    default:
      return name.length > 5 && name.charCodeAt(5) === 0x2d && name.toLowerCase().startsWith('proxy-')
        ? 'server'
        : 'application'
  }
}
