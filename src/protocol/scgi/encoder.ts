import { encodeLatin1 } from '../latin1.ts'
import { encodeHeaders } from './headers.ts'

/**
 * The head of an SCGI request of `[name, value, …]`, latin-1; a body of `contentLength` bytes follows as it is.
 * CONTENT_LENGTH and SCGI are put in front of `params`, which must not have them.
 * Throws `TSGI_ERR_SCGI_REQUEST` for an empty name, or a NUL within a name or a value.
 */
export function encodeScgiRequest(params: readonly string[], contentLength = 0): Uint8Array {
  const headers = encodeHeaders(['CONTENT_LENGTH', String(contentLength), 'SCGI', '1', ...params])
  const size = `${headers.length}:`
  const bytes = new Uint8Array(size.length + headers.length + 1)
  encodeLatin1(size, bytes, 0)
  bytes.set(headers, size.length)
  encodeLatin1(',', bytes, size.length + headers.length)
  return bytes
}
