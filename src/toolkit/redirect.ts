import { TsgiError, quote } from '../interface/errors.ts'
import { escapeHtml } from './escape-html.ts'
import { Response } from './response.ts'

/** What a URL in a field may not hold as it is: it is percent-encoded as UTF-8 (RFC 3987, section 3.1). `%` stays: it is encoded already. */
const NOT_IN_URL = /[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+/gu

/**
 * Sends the client elsewhere. 302 when no status is given; 301, 303, 305, 307 and 308 are the others. A URL that starts with one slash stays
 * on this host. Where it comes from the client, look at where it leads, or you help those who forge.
 *
 * Throws `TSGI_ERR_HEADER_INVALID` for a location with control characters, `TSGI_ERR_STATUS_INVALID` for another status.
 */
export function redirect(location: string, status: 301 | 302 | 303 | 305 | 307 | 308 = 302): Response {
  if (![301, 302, 303, 305, 307, 308].includes(status))
    throw new TsgiError('TSGI_ERR_STATUS_INVALID', `redirect with ${quote(status)}`)
  if (/[\x00-\x1f\x7f]/.test(location)) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `Location: ${quote(location)}`)
  // A lone surrogate, which has no UTF-8, becomes U+FFFD by going through bytes.
  const url = location.replace(NOT_IN_URL, (part) => encodeURIComponent(Buffer.from(part).toString()))
  const link = escapeHtml(url)
  const lines = [
    '<!doctype html>',
    '<html lang=en>',
    '<title>Redirecting...</title>',
    '<h1>Redirecting...</h1>',
    `<p>You should be redirected to <a href="${link}">${link}</a>. If not, follow the link.</p>`,
  ]
  return new Response(`${lines.join('\n')}\n`, { status, contentType: 'text/html; charset=utf-8', headers: [['Location', url]] })
}
