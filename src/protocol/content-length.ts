import { quote, TsgiError } from '../interface/errors.ts'

/**
 * Reads a CONTENT_LENGTH variable, bytes (RFC 9110, section 8.6: digits alone).
 * Returns -1 for an absent or empty one. A sign, a list, an exponent or more digits than a safe integer has are refused:
 * a length read differently here and in the proxy would let body bytes pass for the next request.
 *
 * Throws `TSGI_ERR_CONTENT_LENGTH`.
 */
export function parseContentLength(text: string | undefined): number {
  if (text === undefined || text === '') return -1
  if (!/^\d{1,15}$/.test(text)) throw new TsgiError('TSGI_ERR_CONTENT_LENGTH', quote(text))
  return Number(text)
}
