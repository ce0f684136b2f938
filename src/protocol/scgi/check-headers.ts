import { quote, TsgiError } from '../../interface/errors.ts'
import { parseContentLength } from '../content-length.ts'

/**
 * Checks what the protocol demands of headers, `[name, value, …]`, and gives the length of the body: CONTENT_LENGTH comes first,
 * SCGI is there and says 1, no name comes twice. Only header fields of HTTP may: nginx before 1.23 sends a field that a client
 * repeats as often as it came.
 *
 * Throws `TSGI_ERR_SCGI_REQUEST` where this is no SCGI; `TSGI_ERR_CONTENT_LENGTH`, `TSGI_ERR_REQUEST_INVALID` where it is one that
 * must not be believed.
 */
export function checkHeaders(headers: readonly string[]): number {
  if (headers[0] !== 'CONTENT_LENGTH') throw new TsgiError('TSGI_ERR_SCGI_REQUEST', 'CONTENT_LENGTH is not the first header')
  const contentLength = parseContentLength(headers[1])
  if (contentLength === -1) throw new TsgiError('TSGI_ERR_CONTENT_LENGTH', 'it is empty')
  const names = new Set<string>()
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? ''
    if (name.startsWith('HTTP_')) {
      if (name === 'HTTP_CONTENT_LENGTH') checkAgainst(contentLength, headers[index + 1] ?? '')
    } else if (names.has(name)) {
      throw repeated(name)
    } else {
      names.add(name)
      if (name === 'SCGI' && headers[index + 1] !== '1') {
        throw new TsgiError('TSGI_ERR_SCGI_REQUEST', `version ${quote(headers[index + 1])}`)
      }
    }
  }
  if (!names.has('SCGI')) throw new TsgiError('TSGI_ERR_SCGI_REQUEST', 'no header SCGI; nginx wants `scgi_param SCGI 1;`')
  return contentLength
}

function repeated(name: string): TsgiError {
  // Two lengths, even equal ones: proxies differ in which they believe.
  if (name === 'CONTENT_LENGTH') return new TsgiError('TSGI_ERR_CONTENT_LENGTH', 'it occurs twice')
  return new TsgiError('TSGI_ERR_REQUEST_INVALID', `${quote(name)} is given twice; the proxy's parameters repeat a variable`)
}

/**
 * nginx before 1.29.6, with `scgi_request_buffering off`, announces as much of the body as it has at that moment, and sends all of
 * it. An application that got a part could not tell. The header field, which nginx sends too, says what the client meant.
 */
function checkAgainst(contentLength: number, field: string): void {
  if (field === '' || (/^\d+$/.test(field) && Number(field) === contentLength)) return
  throw new TsgiError(
    'TSGI_ERR_CONTENT_LENGTH',
    `${contentLength}, where the client said ${quote(field)}; nginx before 1.29.6 does so with scgi_request_buffering off`,
  )
}
