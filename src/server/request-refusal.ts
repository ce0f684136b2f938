import type { IncomingMessage } from 'node:http'
import type { ClientLimits } from './client-limits.ts'

/**
 * The status that a request is refused with before anybody sees it; undefined: with none. `node:http` has refused most of what can be
 * wrong: two lengths, a length beside chunks, sizes that are no numbers, lines that end in LF alone or go on in the next one.
 */
export function refusalOf(request: IncomingMessage, limits: ClientLimits): 400 | 414 | 431 | 501 | 505 | undefined {
  const { rawHeaders, httpVersionMajor, httpVersionMinor } = request
  if (httpVersionMajor !== 1) return 505
  if ((request.url ?? '').length > limits.maxTargetBytes) return 414
  if (rawHeaders.length > 2 * limits.maxFields) return 431
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') hosts++
  }
  // Two hosts are two opinions of where the request goes (RFC 9112, section 3.2).
  if (hosts > 1 || (hosts === 0 && httpVersionMinor > 0)) return 400
  const encoding = request.headers['transfer-encoding']
  if (encoding === undefined) return undefined
  // HTTP/1.0 knows no chunks: whoever is in front may have taken the body for another request (RFC 9112, section 6.1).
  if (httpVersionMinor === 0) return 400
  return encoding.trim().toLowerCase() === 'chunked' ? undefined : 501
}
