import type { ResponseHead } from '../gateway/response-head.ts'

/** The head that was read last: most responses of a server differ in little but their length and their tag. */
let last: { readonly text: string; readonly head: ResponseHead } | undefined

/**
 * Reads the head that Node's `ServerResponse` wrote, `HTTP/1.1 200 OK` to the empty line, latin-1, for the way through a
 * gateway. Node has checked it (no control characters, names are tokens). Fields of the connection with the client are the
 * proxy's and are left out, as they are for TSGI applications (RFC 9110, section 7.6.1).
 */
export function readResponseHead(text: string): ResponseHead {
  if (last !== undefined && last.text === text) return { ...last.head }
  const lineEnd = text.indexOf('\r\n')
  const end = text.indexOf('\r\n\r\n')
  let fields = end === lineEnd ? '' : text.slice(lineEnd + 2, end + 2)
  if (OF_CONNECTION.test(fields)) fields = fields.replace(OF_CONNECTION_ALL, '')
  const length = CONTENT_LENGTH.exec(fields)?.[1]
  const head: ResponseHead = {
    status: text.slice(9, lineEnd),
    statusCode: Number(text.slice(9, 12)),
    fields,
    contentLength: length === undefined ? -1 : Number(length),
  }
  last = { text, head }
  return { ...head }
}

const OF_CONNECTION = /^(?:connection|keep-alive|status|te|trailer|transfer-encoding|upgrade|proxy-[^:]*):/im
const OF_CONNECTION_ALL = /^(?:connection|keep-alive|status|te|trailer|transfer-encoding|upgrade|proxy-[^:]*):.*\r\n/gim
const CONTENT_LENGTH = /^content-length: *(\d{1,15})\r$/im
